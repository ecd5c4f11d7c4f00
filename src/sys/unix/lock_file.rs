// SPDX-License-Identifier: MIT OR Apache-2.0
//! A regular file with an OS lock on it.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use fs2::FileExt;

use super::descriptor::Descriptor;
use super::large_files as libc;
use super::sync::flush;
use super::{call, call_c};

/// How a lock file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Enough for an OS lock on a local filesystem, exclusive ones included.
    Read,
    /// NFS grants an exclusive flock on a writable descriptor only (flock(2)).
    ReadWrite,
}

/// What makes a file the same file: while a descriptor is open, the pair is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// What fstat tells of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileFacts {
    pub(crate) id: FileId,
    pub(crate) is_regular: bool,
    pub(crate) is_directory: bool,
    pub(crate) links: u64,
    pub(super) owner: u32,
    /// The permission bits, at most 0o7777.
    pub(super) mode: u32,
}

impl FileFacts {
    // The widths of these fields differ from platform to platform.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    pub(super) fn from_stat(stat: &libc::stat) -> FileFacts {
        let kind = stat.st_mode & libc::S_IFMT;
        FileFacts {
            id: FileId { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
            is_regular: kind == libc::S_IFREG,
            is_directory: kind == libc::S_IFDIR,
            links: stat.st_nlink as u64,
            owner: stat.st_uid,
            mode: u32::from(stat.st_mode & 0o7777),
        }
    }
}

/// fstat of a descriptor.
pub(super) fn facts_of(descriptor: RawFd) -> io::Result<FileFacts> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is writable and of the right type.
    call_c("fstat", || unsafe { libc::fstat(descriptor, stat.as_mut_ptr()) })?;
    // SAFETY: fstat succeeded and filled it.
    Ok(FileFacts::from_stat(unsafe { stat.assume_init_ref() }))
}

/// An open lock file. Dropping it unlocks, then closes.
#[derive(Debug)]
pub(crate) struct LockFile {
    descriptor: Descriptor,
    locked: AtomicBool,
}

impl LockFile {
    pub(super) fn new(descriptor: Descriptor) -> LockFile {
        LockFile { descriptor, locked: AtomicBool::new(false) }
    }

    /// The facts of the open file itself, whatever stands at its path by now.
    pub(crate) fn facts(&self) -> io::Result<FileFacts> {
        facts_of(self.descriptor.as_raw_fd())
    }

    /// Whether the descriptor is still that of this file: a program may have closed it.
    pub(crate) fn is_still(&self, file: FileId) -> io::Result<bool> {
        match self.facts() {
            Ok(facts) => Ok(facts.id == file),
            Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tries for the exclusive OS lock; `false` if somebody else has it, or shares it.
    pub(crate) fn try_lock_exclusive(&self) -> io::Result<bool> {
        self.try_lock(|| FileExt::try_lock_exclusive(self.descriptor.file()))
    }

    /// Tries for a share of the OS lock; `false` if somebody else has it exclusively.
    pub(crate) fn try_lock_shared(&self) -> io::Result<bool> {
        self.try_lock(|| FileExt::try_lock_shared(self.descriptor.file()))
    }

    fn try_lock(&self, attempt: impl Fn() -> io::Result<()>) -> io::Result<bool> {
        match call("flock", attempt) {
            Ok(()) => {
                self.locked.store(true, Ordering::Relaxed);
                Ok(true)
            }
            // Only "would block" means that somebody holds it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the OS lock back, also where a child of a raw `clone` still has a copy of the
    /// descriptor: LOCK_UN works on the open file description that both share.
    pub(crate) fn unlock(&self) {
        if self.locked.swap(false, Ordering::Relaxed) && self.descriptor.is_ours() {
            // Should it fail, closing the descriptor unlocks as well.
            let _ = call("flock unlock", || FileExt::unlock(self.descriptor.file()));
        }
    }

    /// Writes all bytes at the end of what was written before.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        call("write", || self.descriptor.file().write_all(bytes))
    }

    /// Flushes the file's bytes and its metadata to stable storage.
    pub(crate) fn sync(&self) -> io::Result<()> {
        call("fsync", || flush(self.descriptor.as_raw_fd()))
    }

    /// Says that nothing more will be written, so that others can read the file without reserve. (On
    /// Unix they can in any case.)
    pub(crate) fn end_writing(&self) {}

    /// Sets the permission bits, whatever the umask said.
    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: the descriptor is open.
        call_c("fchmod", || unsafe { libc::fchmod(raw, mode as libc::mode_t) }).map(drop)
    }

    /// Gives the file to another user; the group stays. Only root may.
    pub(super) fn give_to(&self, owner: u32) -> io::Result<()> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: the descriptor is open; -1 leaves the group alone.
        call_c("fchown", || unsafe { libc::fchown(raw, owner, libc::gid_t::MAX) }).map(drop)
    }
}

#[cfg(target_os = "linux")]
impl LockFile {
    pub(super) fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

impl Read for &LockFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        call("read", || self.descriptor.file().read(buffer))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        self.unlock();
    }
}
