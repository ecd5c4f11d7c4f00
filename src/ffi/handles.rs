// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table behind the handles: a handle is a slot and a generation, looked up and never followed.
//!
//! Locks are taken in this order: an entry's own mutex, then the table's. The table's is held for
//! a few instructions and never over I/O, since it is one that fork handlers hold across a fork.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::types::crtx_lock;
use crate::sys::fork::{ForkMutex, Process};
use crate::{Error, Lock, Result, Status};

/// Every lock that C code holds.
pub(super) static LOCKS: Handles<Lock> = Handles::new();

const SLOT_BITS: u32 = 24;
const MAX_SLOTS: usize = 1 << SLOT_BITS;
const GENERATIONS: u64 = 1 << (u64::BITS - SLOT_BITS);

/// What a handle can stand for.
pub(super) trait Held {
    /// The process that made it.
    fn process(&self) -> Process;

    /// Whether it has ended, and its handle with it.
    fn has_ended(&self) -> bool;
}

impl Held for Lock {
    fn process(&self) -> Process {
        self.process()
    }

    fn has_ended(&self) -> bool {
        self.is_released()
    }
}

/// A set of handles and what they stand for.
pub(super) struct Handles<T: Send + 'static> {
    table: ForkMutex<Table<Arc<Entry<T>>>>,
}

struct Entry<T> {
    /// The process that made it. In any other its mutex is never touched: at the fork it may have
    /// been held by a thread that the child does not have.
    process: Process,
    /// Empty once it has ended, for those who waited meanwhile.
    held: Mutex<Option<T>>,
}

impl<T: Held + Send> Handles<T> {
    const fn new() -> Self {
        Handles { table: ForkMutex::new(Table::new()) }
    }

    /// Gives out a new handle.
    pub(super) fn insert(&'static self, held: T) -> Result<crtx_lock> {
        let entry = Entry { process: held.process(), held: Mutex::new(Some(held)) };
        let inserted = self.table.lock().insert(Arc::new(entry));
        inserted.map_err(|entry| {
            // What was refused ends here, outside of the table's mutex.
            drop(entry);
            Error::new(Status::Internal, "handle output", "all 16,777,216 handles are in use")
        })
    }

    /// Uses what a handle stands for, one thread at a time, in the process that asks. If it has ended
    /// then, so has the handle.
    pub(super) fn with<R>(
        &'static self,
        handle: crtx_lock,
        use_it: impl FnOnce(&mut T, Process) -> Result<R>,
    ) -> Result<R> {
        // Made by raw clone, _Fork or vfork: the table's mutex may be held by a thread that is not
        // there, or be the parent's own.
        let process = Process::current();
        if process.bypassed_the_fork_handlers() {
            return Err(forked());
        }
        let entry = self.table.lock().get(handle).cloned().ok_or_else(bad_handle)?;
        if entry.process != process {
            return Err(forked());
        }
        let mut place = entry.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = place.as_mut().ok_or_else(bad_handle)?;
        let outcome = use_it(held, process);
        if held.has_ended() {
            let removed = self.table.lock().remove(handle);
            drop((removed, place.take()));
        }
        outcome
    }
}

fn bad_handle() -> Error {
    let message = "the lock handle is zero, was released before, or was never given out";
    Error::new(Status::BadHandle, "handle check", message)
}

fn forked() -> Error {
    let message = "the lock handle belongs to the process that this one was forked from";
    Error::new(Status::Forked, "handle check", message)
}

/// Slots that are used again and again, each time under a new generation.
struct Table<E> {
    slots: Vec<Option<(u64, E)>>,
    free: Vec<usize>,
    /// 1 to `GENERATIONS - 1`, so that no handle is zero; 0 before the first use. One counter for
    /// all slots: a generation comes back only after 2^40 handles.
    next_generation: u64,
}

impl<E> Table<E> {
    const fn new() -> Self {
        Table { slots: Vec::new(), free: Vec::new(), next_generation: 0 }
    }

    /// Gives the entry back if every slot is in use.
    fn insert(&mut self, entry: E) -> std::result::Result<crtx_lock, E> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < MAX_SLOTS => {
                self.slots.push(None);
                self.slots.len() - 1
            }
            None => return Err(entry),
        };
        let generation = self.take_generation();
        self.slots[slot] = Some((generation, entry));
        Ok(crtx_lock { opaque: (generation << SLOT_BITS) | slot as u64 })
    }

    fn get(&self, handle: crtx_lock) -> Option<&E> {
        let (slot, generation) = parts(handle);
        let (occupant, entry) = self.slots.get(slot)?.as_ref()?;
        (*occupant == generation).then_some(entry)
    }

    fn remove(&mut self, handle: crtx_lock) -> Option<E> {
        self.get(handle)?;
        let (slot, _) = parts(handle);
        let (_, entry) = self.slots[slot].take()?;
        self.free.push(slot);
        Some(entry)
    }

    fn take_generation(&mut self) -> u64 {
        if self.next_generation == 0 {
            self.next_generation = random() % (GENERATIONS - 1) + 1;
        }
        let generation = self.next_generation;
        self.next_generation = generation % (GENERATIONS - 1) + 1;
        generation
    }
}

fn parts(handle: crtx_lock) -> (usize, u64) {
    let slot = handle.opaque & (MAX_SLOTS as u64 - 1);
    (slot as usize, handle.opaque >> SLOT_BITS)
}

/// The standard library seeds its hash tables from the system's random numbers, once a thread.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Ends when told to; may fail to.
    struct Fake {
        ended: bool,
        value: u32,
    }

    impl Held for Fake {
        fn process(&self) -> Process {
            Process::current()
        }

        fn has_ended(&self) -> bool {
            self.ended
        }
    }

    fn fake(value: u32) -> Fake {
        Fake { ended: false, value }
    }

    fn end(fake: &mut Fake, _: Process) -> Result<u32> {
        fake.ended = true;
        Ok(fake.value)
    }

    fn value(handles: &'static Handles<Fake>, handle: crtx_lock) -> Result<u32> {
        handles.with(handle, |fake, _| Ok(fake.value))
    }

    fn status<T>(result: Result<T>) -> Status {
        result.err().map_or(Status::Ok, |error| error.status())
    }

    #[test]
    fn a_handle_used_twice_is_bad_even_when_its_slot_is_in_use_again() {
        static HANDLES: Handles<Fake> = Handles::new();
        let first = HANDLES.insert(fake(1)).unwrap();
        assert_eq!(HANDLES.with(first, end).unwrap(), 1);
        assert_eq!(status(HANDLES.with(first, end)), Status::BadHandle);
        let second = HANDLES.insert(fake(2)).unwrap();
        assert_eq!(parts(first).0, parts(second).0, "the slot is used again");
        assert_ne!(first, second);
        assert_eq!(status(value(&HANDLES, first)), Status::BadHandle);
        assert_eq!(value(&HANDLES, second).unwrap(), 2);
    }

    #[test]
    fn a_zero_or_made_up_handle_is_bad() {
        static HANDLES: Handles<Fake> = Handles::new();
        let made_up = |opaque| status(value(&HANDLES, crtx_lock { opaque }));
        assert_eq!(made_up(0), Status::BadHandle);
        let handle = HANDLES.insert(fake(1)).unwrap();
        for opaque in [0, 1, u64::MAX, handle.opaque + 1, handle.opaque ^ (1 << SLOT_BITS)] {
            assert_eq!(made_up(opaque), Status::BadHandle, "{opaque:#x}");
        }
        assert_eq!(made_up(handle.opaque), Status::Ok);
    }

    #[test]
    fn a_release_that_failed_keeps_the_handle() {
        static HANDLES: Handles<Fake> = Handles::new();
        let handle = HANDLES.insert(fake(1)).unwrap();
        let failing = |_: &mut Fake, _| Err::<(), _>(Error::argument("not now"));
        assert_eq!(status(HANDLES.with(handle, failing)), Status::InvalidArgument);
        assert_eq!(HANDLES.with(handle, end).unwrap(), 1);
    }

    #[test]
    fn a_release_that_failed_after_the_end_ends_the_handle() {
        static HANDLES: Handles<Fake> = Handles::new();
        let handle = HANDLES.insert(fake(1)).unwrap();
        let lost = |fake: &mut Fake, _| {
            fake.ended = true;
            Err::<(), _>(Error::new(Status::Lost, "lock release", "gone"))
        };
        assert_eq!(status(HANDLES.with(handle, lost)), Status::Lost);
        assert_eq!(status(value(&HANDLES, handle)), Status::BadHandle);
    }

    #[test]
    fn of_racing_releases_one_wins() {
        static HANDLES: Handles<Fake> = Handles::new();
        for _ in 0..200 {
            let handle = HANDLES.insert(fake(1)).unwrap();
            let (won, bad) = (AtomicU32::new(0), AtomicU32::new(0));
            let start = Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        start.wait();
                        let counter = match status(HANDLES.with(handle, end)) {
                            Status::Ok => &won,
                            Status::BadHandle => &bad,
                            other => panic!("{other:?}"),
                        };
                        counter.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert_eq!((won.into_inner(), bad.into_inner()), (1, 3));
        }
    }

    #[test]
    fn a_panic_while_a_handle_is_used_leaves_the_handle() {
        static HANDLES: Handles<Fake> = Handles::new();
        let handle = HANDLES.insert(fake(1)).unwrap();
        let used = std::panic::catch_unwind(|| {
            HANDLES.with(handle, |_, _| -> Result<()> { std::panic::resume_unwind(Box::new(())) })
        });
        assert!(used.is_err());
        assert_eq!(value(&HANDLES, handle).unwrap(), 1);
    }

    #[test]
    fn another_processs_handle_is_forked_and_its_mutex_is_not_touched() {
        static HANDLES: Handles<Fake> = Handles::new();
        let parents = Entry { process: Process::another(), held: Mutex::new(Some(fake(1))) };
        let parents = Arc::new(parents);
        // As a thread that the child does not have left it: waiting for it would never end.
        let _locked_for_ever = parents.held.lock().unwrap();
        let handle = HANDLES.table.lock().insert(parents.clone()).ok().unwrap();
        assert_eq!(status(value(&HANDLES, handle)), Status::Forked);
    }

    #[test]
    fn generations_start_at_random_and_are_never_zero() {
        let mut tables = [Table::new(), Table::new()];
        let [first, second] = tables.each_mut().map(|table| table.insert(()).unwrap());
        assert_ne!(first, second);
        let mut table = Table::new();
        table.next_generation = GENERATIONS - 1;
        let last = table.insert(()).unwrap();
        assert_eq!(last.opaque, (GENERATIONS - 1) << SLOT_BITS);
        assert_eq!(table.insert(()).unwrap().opaque, (1 << SLOT_BITS) | 1);
    }

    #[test]
    fn a_full_table_gives_the_entry_back() {
        let mut table = Table::new();
        table.slots.resize_with(MAX_SLOTS, || None);
        assert_eq!(table.insert("kept"), Err("kept"));
        table.slots[5] = Some((1, "old"));
        assert!(table.remove(crtx_lock { opaque: (1 << SLOT_BITS) | 5 }).is_some());
        let handle = table.insert("kept").unwrap();
        assert_eq!(table.get(handle), Some(&"kept"));
        assert_eq!(parts(handle).0, 5);
    }
}
