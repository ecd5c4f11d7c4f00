// SPDX-License-Identifier: MIT OR Apache-2.0
//! Locks behind values that may be copied, kept too long, or made up.
//!
//! A handle is a slot and a generation. Generations come from one counter that starts at a random
//! value and never repeats within a process, so a handle that was released, belongs to another
//! process, or was invented does not match its slot.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::types::crtx_lock;
use crate::error::{Error, Result, Status};
use crate::lock::Lock;
use crate::sys::fork::ForkMutex;

const SLOT_BITS: u32 = 24;
const GENERATION_MASK: u64 = (1 << (64 - SLOT_BITS)) - 1;

/// One lock, shared by the calls that are under way.
struct Entry {
    lock: Mutex<Lock>,
    process: u32,
}

struct Slot {
    generation: u64,
    entry: Option<Arc<Entry>>,
}

struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// 0 before the first use.
    last_generation: u64,
}

/// Held for a few instructions only, and never while a lock is made, used or dropped: the fork
/// handlers take it after the registry of descriptors.
static TABLE: ForkMutex<Table> =
    ForkMutex::new(Table { slots: Vec::new(), free: Vec::new(), last_generation: 0 });

impl Table {
    fn next_generation(&mut self) -> u64 {
        if self.last_generation == 0 {
            // The seeds of the standard library's hash tables are random for each process.
            self.last_generation = RandomState::new().hash_one(std::process::id());
        }
        // 0 is left out, so that no handle is all-zero.
        self.last_generation = (self.last_generation & GENERATION_MASK) % GENERATION_MASK + 1;
        self.last_generation
    }

    fn insert(&mut self, entry: Arc<Entry>) -> Option<crtx_lock> {
        let generation = self.next_generation();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() >> SLOT_BITS == 0 => {
                self.slots.push(Slot { generation: 0, entry: None });
                self.slots.len() as u32 - 1
            }
            None => return None,
        };
        self.slots[slot as usize] = Slot { generation, entry: Some(entry) };
        Some(crtx_lock { opaque: (generation << SLOT_BITS) | u64::from(slot) })
    }

    fn find(&mut self, handle: crtx_lock) -> Option<&mut Slot> {
        let slot = handle.opaque & ((1 << SLOT_BITS) - 1);
        let slot = self.slots.get_mut(slot as usize)?;
        (slot.entry.is_some() && slot.generation == handle.opaque >> SLOT_BITS).then_some(slot)
    }

    fn remove(&mut self, handle: crtx_lock) -> Option<Arc<Entry>> {
        let entry = self.find(handle)?.entry.take();
        self.free.push((handle.opaque & ((1 << SLOT_BITS) - 1)) as u32);
        entry
    }
}

/// Puts a lock into the table. Should the table be full, the lock is released again.
pub(super) fn insert(lock: Lock) -> Result<crtx_lock> {
    let process = std::process::id();
    let entry = Arc::new(Entry { lock: Mutex::new(lock), process });
    let handle = TABLE.lock().insert(Arc::clone(&entry));
    handle.ok_or_else(|| {
        let message = "this process holds 16,777,216 locks, which is the most that it can";
        Error::new(Status::Internal, "handle table", message)
    })
}

/// Uses a lock, one call at a time.
pub(super) fn with_lock<T>(
    handle: crtx_lock,
    body: impl FnOnce(&mut Lock) -> Result<T>,
) -> Result<T> {
    let entry = find(handle)?;
    let mut lock = entry.lock();
    if lock.is_released() {
        // Another thread's release was faster.
        return Err(bad_handle());
    }
    body(&mut lock)
}

/// Releases a lock. Its handle ends with it; if the lock did not end, it may be released again.
pub(super) fn release(handle: crtx_lock) -> Result<()> {
    let entry = find(handle)?;
    let mut lock = entry.lock();
    if lock.is_released() {
        return Err(bad_handle());
    }
    let released = lock.release();
    if lock.is_released() {
        TABLE.lock().remove(handle);
    }
    released
}

fn find(handle: crtx_lock) -> Result<Arc<Entry>> {
    if crate::sys::fork::bypassed_the_fork_handlers() {
        // The table, and its mutex, are as another thread of another process left them.
        let message =
            "this process was made by clone or vfork, and its handles belong to its parent";
        return Err(Error::new(Status::Forked, "handle check", message));
    }
    let entry = TABLE.lock().find(handle).and_then(|slot| slot.entry.clone());
    let entry = entry.ok_or_else(bad_handle)?;
    if entry.process != std::process::id() {
        // Before the entry's own mutex, which a thread of the parent may have held.
        let message =
            format!("the handle belongs to process {}, which forked this one", entry.process);
        return Err(Error::new(Status::Forked, "handle check", message));
    }
    Ok(entry)
}

fn bad_handle() -> Error {
    let message = "the handle is zero, was released before, or was never given out";
    Error::new(Status::BadHandle, "handle check", message)
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Lock> {
        // A panic inside a call was caught at the boundary; the lock itself is still there.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Allow, Digest, Durability, LockOptions};

    fn acquire(directory: &tempfile::TempDir, name: &str) -> crtx_lock {
        let options = LockOptions {
            durability: Durability::ProcessCrash,
            allow: Allow::default(),
            timeout: std::time::Duration::ZERO,
            deployment_id: "d".into(),
            operator_principal_id: "o".into(),
            restore_intent_blake3: Digest::of(b"").to_string(),
            host: None,
        };
        insert(Lock::acquire(&directory.path().join(name), &options).unwrap()).unwrap()
    }

    fn status_of(result: Result<()>) -> Status {
        result.map_or_else(|error| error.status(), |()| Status::Ok)
    }

    #[test]
    fn a_handle_ends_with_its_release_and_a_reused_slot_has_another_generation() {
        let directory = tempfile::tempdir().unwrap();
        let first = acquire(&directory, "a");
        assert_eq!(status_of(with_lock(first, |lock| lock.check())), Status::Ok);
        assert_eq!(status_of(release(first)), Status::Ok);
        let second = acquire(&directory, "b");
        assert_ne!(first, second);
        assert_eq!(status_of(with_lock(first, |_| Ok(()))), Status::BadHandle);
        assert_eq!(status_of(release(first)), Status::BadHandle);
        assert_eq!(status_of(release(second)), Status::Ok);
    }

    #[test]
    fn a_made_up_handle_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let real = acquire(&directory, "a");
        for opaque in
            [0, 1, u64::MAX, real.opaque + 1, real.opaque ^ (1 << 24), real.opaque ^ (1 << 63)]
        {
            assert_eq!(status_of(release(crtx_lock { opaque })), Status::BadHandle, "{opaque:#x}");
        }
        assert_eq!(status_of(release(real)), Status::Ok);
    }

    #[test]
    fn of_many_racing_releases_one_wins() {
        let directory = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let handle = acquire(&directory, &format!("lock{round}"));
            let threads: Vec<_> =
                (0..8).map(|_| std::thread::spawn(move || status_of(release(handle)))).collect();
            let mut answers: Vec<i32> =
                threads.into_iter().map(|thread| thread.join().unwrap().number()).collect();
            answers.sort();
            assert_eq!(answers, [0, 2, 2, 2, 2, 2, 2, 2]);
        }
    }

    #[test]
    fn a_generation_is_never_zero() {
        let mut table =
            Table { slots: Vec::new(), free: Vec::new(), last_generation: GENERATION_MASK - 1 };
        assert_eq!(table.next_generation(), GENERATION_MASK);
        assert_eq!(table.next_generation(), 1);
    }
}
