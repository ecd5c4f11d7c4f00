// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a fork may do to open lock files: nothing.
//!
//! An flock belongs to the open file description, which a forked child shares (flock(2)). A child
//! that keeps its copy of the descriptor keeps the lock alive after its parent died, so the copies
//! are closed in the child before fork returns there. That does not unlock: only LOCK_UN or the
//! last close does. To know every descriptor, each is opened and registered under one mutex, which
//! the fork handlers hold across the fork; no other I/O happens under it.

use std::cell::{Cell, UnsafeCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::generation;
use super::lock_file::FileId;

/// All that a fork handler must know.
pub(super) struct Registry {
    descriptors: DescriptorSet,
    /// The markers that this process holds, and the process that entered them.
    held: HashMap<FileId, Process, BuildHasherDefault<DefaultHasher>>,
    parked: Vec<&'static dyn Park>,
}

static REGISTRY: Parked<Registry> = Parked::new(Registry {
    descriptors: DescriptorSet(Vec::new()),
    held: HashMap::with_hasher(BuildHasherDefault::new()),
    parked: Vec::new(),
});

/// The process that the registry speaks of; 0 before the first use.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// One process. Its pid alone would not do: where a child begins a new pid namespace it can have
/// the same pid as its parent (pid_namespaces(7): both may be 1).
///
/// Asked once in each call of the library, and passed on: that is one getpid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pid: u32,
    generation: u32,
    bypassed_the_fork_handlers: bool,
}

/// How a process stands to the handlers is no part of which one it is.
impl PartialEq for Process {
    fn eq(&self, other: &Process) -> bool {
        (self.pid, self.generation) == (other.pid, other.generation)
    }
}

impl Eq for Process {}

impl Process {
    /// The process that asks.
    pub(crate) fn current() -> Process {
        let pid = std::process::id();
        let bypassed_the_fork_handlers = bypassed_the_fork_handlers(pid);
        Process { pid, generation: generation::current(), bypassed_the_fork_handlers }
    }

    /// Some other process, for tests.
    #[cfg(test)]
    pub(crate) fn another() -> Process {
        let this = Process::current();
        Process { generation: this.generation + 1, ..this }
    }

    pub(crate) fn is_current(self) -> bool {
        self == Process::current()
    }

    /// Whether no fork came between: for what lives no longer than a call, or is reached through a
    /// handle whose process was asked for. Where a page tells, the system is not asked; a child by
    /// `vfork` shares the page, but is told apart where its call begins.
    pub(crate) fn is_still_current(self) -> bool {
        if generation::is_told_by_a_page() {
            self.generation == generation::current()
        } else {
            self.is_current()
        }
    }

    /// Whether this process was made by a raw `clone`, `_Fork` or `vfork`, which pass the handlers
    /// by.
    ///
    /// The registry, and the mutex around it, then speak of another process: neither may be
    /// touched, after `vfork` because the memory is the parent's own.
    pub(crate) fn bypassed_the_fork_handlers(self) -> bool {
        self.bypassed_the_fork_handlers
    }

    /// Its id in its own pid namespace.
    pub(crate) fn pid(self) -> u32 {
        self.pid
    }
}

/// [`Process::bypassed_the_fork_handlers`], of the process that asks.
fn bypassed_the_fork_handlers(me: u32) -> bool {
    let owner = OWNER.load(Ordering::Acquire);
    if owner == 0 {
        return false;
    }
    if generation::is_wiped() {
        return true;
    }
    if owner == me {
        return false;
    }
    // Should the owner be gone, it was a child by vfork in this very memory, the first to use the
    // library. That can only be told where the page shows that this is no other child.
    // SAFETY: signal 0 only asks whether there is such a process.
    let asked = unsafe { libc::kill(owner as libc::pid_t, 0) };
    let is_gone = asked == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
    if !generation::is_told_by_a_page() || !is_gone {
        return true;
    }
    OWNER.store(me, Ordering::Release);
    false
}

/// Opens a descriptor and registers it, so that no forked child keeps it.
pub(super) fn open_registered(open: impl FnOnce() -> io::Result<RawFd>) -> io::Result<RawFd> {
    let mut registry = registry()?;
    let descriptor = open()?;
    registry.descriptors.insert(descriptor);
    Ok(descriptor)
}

/// Forgets a descriptor that is about to be closed.
pub(super) fn deregister(descriptor: RawFd) {
    if let Ok(mut registry) = registry() {
        registry.descriptors.remove(descriptor);
    }
}

/// Notes that a handle of this process owns the marker.
pub(crate) fn note_held(process: Process, marker: FileId) {
    if let Ok(mut registry) = registry() {
        registry.held.insert(marker, process);
    }
}

/// Takes back [`note_held`].
pub(crate) fn forget_held(marker: FileId) {
    if let Ok(mut registry) = registry() {
        registry.held.remove(&marker);
    }
}

/// Whether a handle of this process, the calling one, owns the marker; never true in a child for
/// its parent's.
pub(crate) fn is_held_by(process: Process, marker: FileId) -> bool {
    !process.bypassed_the_fork_handlers
        && registry().is_ok_and(|registry| registry.held.get(&marker) == Some(&process))
}

fn registry() -> io::Result<MutexGuard<'static, Registry>> {
    install_handlers()?;
    Ok(REGISTRY.lock())
}

/// A mutex that a fork never leaves locked in the child.
///
/// A thread that holds one must not open, close or release lock files meanwhile: the handlers take
/// the registry first and these after it.
pub(crate) struct ForkMutex<T: Send + 'static> {
    inner: Parked<T>,
    known: AtomicBool,
}

impl<T: Send + 'static> ForkMutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        ForkMutex { inner: Parked::new(value), known: AtomicBool::new(false) }
    }

    /// Waits for the mutex. The handlers know it before it is first locked.
    pub(crate) fn lock(&'static self) -> MutexGuard<'static, T> {
        if !self.known.load(Ordering::Acquire) {
            if let Ok(mut registry) = registry() {
                if !self.known.swap(true, Ordering::AcqRel) {
                    registry.parked.push(&self.inner);
                }
            }
        }
        self.inner.lock()
    }
}

/// A mutex with a place for its own guard while a fork is under way.
struct Parked<T: 'static> {
    mutex: Mutex<T>,
    guard: UnsafeCell<Option<MutexGuard<'static, T>>>,
}

// SAFETY: `guard` is touched only by the thread that holds `mutex`, in the fork handlers.
unsafe impl<T: Send + 'static> Sync for Parked<T> {}

trait Park: Sync {
    fn park(&'static self);
    fn unpark(&'static self);
}

impl<T: 'static> Parked<T> {
    const fn new(value: T) -> Self {
        Parked { mutex: Mutex::new(value), guard: UnsafeCell::new(None) }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // The registry stays consistent at every point where a panic could strike.
        self.mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Park for Parked<T> {
    fn park(&'static self) {
        let guard = self.lock();
        // SAFETY: this thread holds the mutex, which `guard`'s place belongs to.
        unsafe { *self.guard.get() = Some(guard) };
    }

    fn unpark(&'static self) {
        // SAFETY: called by the thread that parked (in the child: its copy), which holds the mutex.
        drop(unsafe { (*self.guard.get()).take() });
    }
}

/// [`HANDLERS`]: not installed.
const NONE: u64 = 0;
/// [`HANDLERS`]: installed. Any other value is the process that is installing them.
const INSTALLED: u64 = u64::MAX;

static HANDLERS: AtomicU64 = AtomicU64::new(NONE);

/// Installs the fork handlers once.
///
/// A plain `Once` would stay half-done for ever in a child that another thread forked meanwhile;
/// here such a child sees that the installer was its parent, and installs them itself.
fn install_handlers() -> io::Result<()> {
    loop {
        let seen = HANDLERS.load(Ordering::Acquire);
        if seen == INSTALLED {
            return Ok(());
        }
        let me = u64::from(std::process::id());
        if seen == me {
            std::thread::yield_now();
            continue;
        }
        if HANDLERS.compare_exchange(seen, me, Ordering::AcqRel, Ordering::Acquire).is_err() {
            continue;
        }
        generation::begin();
        // SAFETY: the three functions have the demanded signature and live as long as the library,
        // which is linked with -z nodelete.
        let refused = unsafe {
            libc::pthread_atfork(
                Some(before_fork),
                Some(after_fork_in_parent),
                Some(after_fork_in_child),
            )
        };
        if refused != 0 {
            HANDLERS.store(NONE, Ordering::Release);
            return Err(io::Error::from_raw_os_error(refused));
        }
        OWNER.store(std::process::id(), Ordering::Release);
        HANDLERS.store(INSTALLED, Ordering::Release);
        return Ok(());
    }
}

thread_local! {
    /// Whether this thread forks in a process whose mutexes are not its own. Of the thread, because
    /// a child must be able to tell, and it is the one thread there.
    static NOT_OURS: Cell<bool> = const { Cell::new(false) };
}

extern "C" fn before_fork() {
    NOT_OURS.set(bypassed_the_fork_handlers(std::process::id()));
    if NOT_OURS.get() {
        return;
    }
    REGISTRY.park();
    for parked in parked_mutexes() {
        parked.park();
    }
}

extern "C" fn after_fork_in_parent() {
    if NOT_OURS.get() {
        return;
    }
    for parked in parked_mutexes() {
        parked.unpark();
    }
    REGISTRY.unpark();
}

/// Only closes descriptors and unlocks: nothing here allocates.
extern "C" fn after_fork_in_child() {
    if NOT_OURS.get() {
        return;
    }
    generation::advance();
    OWNER.store(std::process::id(), Ordering::Release);
    HANDLERS.store(INSTALLED, Ordering::Release);
    with_parked_registry(|registry| registry.descriptors.close_all());
    for parked in parked_mutexes() {
        parked.unpark();
    }
    REGISTRY.unpark();
}

/// The mutexes to hold across a fork. Called while the registry is parked, so the list stands still.
fn parked_mutexes() -> &'static [&'static dyn Park] {
    // SAFETY: the registry is parked by this very thread, so nobody changes the list; it only ever
    // grows under the registry's mutex.
    unsafe { (*REGISTRY.guard.get()).as_ref().map_or(&[], |registry| registry.parked.as_slice()) }
}

fn with_parked_registry(change: impl FnOnce(&mut Registry)) {
    // SAFETY: as above; in the child this is the only thread.
    if let Some(registry) = unsafe { (*REGISTRY.guard.get()).as_mut() } {
        change(registry);
    }
}

/// A set of descriptors, one bit each: descriptor numbers are small.
struct DescriptorSet(Vec<u64>);

impl DescriptorSet {
    fn insert(&mut self, descriptor: RawFd) {
        let (word, bit) = Self::place(descriptor);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn remove(&mut self, descriptor: RawFd) {
        let (word, bit) = Self::place(descriptor);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    fn close_all(&mut self) {
        for (index, word) in self.0.iter_mut().enumerate() {
            while *word != 0 {
                let descriptor = index * 64 + word.trailing_zeros() as usize;
                *word &= *word - 1;
                // SAFETY: the descriptor was opened by this crate and nobody else closes it.
                unsafe { libc::close(descriptor as RawFd) };
            }
        }
    }

    fn place(descriptor: RawFd) -> (usize, u64) {
        let number = descriptor.max(0) as usize;
        (number / 64, 1 << (number % 64))
    }
}
