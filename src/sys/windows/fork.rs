// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a fork may do to open lock files. There is no fork here: a new process inherits no handle
//! that was not opened for that, and none is. What remains is who holds what.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock_file::FileId;

/// The markers that this process holds.
static HELD: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pid: u32,
}

impl Process {
    /// The process that asks.
    pub(crate) fn current() -> Process {
        Process { pid: std::process::id() }
    }

    /// Some other process, for tests.
    #[cfg(test)]
    pub(crate) fn another() -> Process {
        Process { pid: std::process::id() + 4 }
    }

    pub(crate) fn is_current(self) -> bool {
        self == Process::current()
    }

    /// Always: nothing makes a copy of a process.
    pub(crate) fn is_still_current(self) -> bool {
        true
    }

    /// Never: there are none.
    pub(crate) fn bypassed_the_fork_handlers(self) -> bool {
        false
    }

    /// Its id.
    pub(crate) fn pid(self) -> u32 {
        self.pid
    }
}

/// Notes that a handle of this process owns the marker.
pub(crate) fn note_held(_process: Process, marker: FileId) {
    held().insert(marker);
}

/// Takes back [`note_held`].
pub(crate) fn forget_held(marker: FileId) {
    held().remove(&marker);
}

/// Whether a handle of this very process owns the marker.
pub(crate) fn is_held_by(_process: Process, marker: FileId) -> bool {
    held().contains(&marker)
}

fn held() -> MutexGuard<'static, BTreeSet<FileId>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mutex that a fork never leaves locked in the child: any is.
pub(crate) struct ForkMutex<T: Send + 'static>(Mutex<T>);

impl<T: Send + 'static> ForkMutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        ForkMutex(Mutex::new(value))
    }

    /// Waits for the mutex.
    pub(crate) fn lock(&'static self) -> MutexGuard<'static, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
