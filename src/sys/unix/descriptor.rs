// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that no forked child keeps open.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};

use super::fork::{self, Process};

/// An open file, registered with the fork handlers. Opened close-on-exec, so exec drops it too.
#[derive(Debug)]
pub(super) struct Descriptor {
    file: ManuallyDrop<File>,
    process: Process,
    registered: bool,
}

impl Descriptor {
    /// Opens under the registry's mutex. `open` must return a descriptor that nobody else owns.
    ///
    /// In a process that bypassed the fork handlers the descriptor is not registered: the registry
    /// is another process's.
    pub(super) fn open(
        process: Process,
        open: impl FnOnce() -> io::Result<RawFd>,
    ) -> io::Result<Descriptor> {
        let registered = !process.bypassed_the_fork_handlers();
        let raw = if registered { fork::open_registered(open)? } else { open()? };
        // Registering installs the handlers where they are missing: in a child that was forked while
        // its parent did so, the generations begin anew then.
        let process = match registered && !process.is_still_current() {
            true => Process::current(),
            false => process,
        };
        // SAFETY: `open` hands over the ownership of a descriptor that is open.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(raw) });
        Ok(Descriptor { file, process, registered })
    }

    /// The process that opened it.
    pub(super) fn process(&self) -> Process {
        self.process
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Forgets the descriptor without closing it: the number is somebody else's by now.
    #[cfg(target_os = "linux")]
    pub(super) fn abandon(self) {
        let abandoned = ManuallyDrop::new(self);
        if abandoned.registered && abandoned.is_ours() {
            fork::deregister(abandoned.as_raw_fd());
        }
    }

    /// Whether the descriptor is still this process's to use and to close: a forked child's copy
    /// was closed by the fork handler, and its number may be somebody else's by now.
    pub(super) fn is_ours(&self) -> bool {
        self.process.is_still_current()
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if !self.is_ours() {
            return;
        }
        // First deregister, then close: the other way round, a fork in between would close the
        // number in the child when it may already be another file's.
        if self.registered {
            fork::deregister(self.as_raw_fd());
        }
        // SAFETY: dropped once, here.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}

/// Puts another open file under a descriptor's number (dup2), as careless programs do.
#[cfg(test)]
pub(crate) fn replace_descriptor(file: &File, number: RawFd) {
    // SAFETY: both are descriptors of this process; the test wants the second one gone.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
}
