// SPDX-License-Identifier: MIT OR Apache-2.0
//! A regular file with an OS lock on it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use windows_sys::Win32::Foundation::{ERROR_INVALID_HANDLE, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DEVICE, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT,
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY,
};

use super::{call, native};

/// The one byte that is locked. Locks are mandatory here: a byte that is read or written cannot be
/// the one, and LockFileEx allows any beyond the file's end. It is part of the protocol: all who
/// lock a marker or a companion lock this byte.
const LOCKED_BYTE: u64 = 1 << 62;

/// How a lock file is opened: here in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// What makes a file the same file: while a handle is open, the pair is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    /// That of the directory: a name in it leads to no other volume, since no reparse point is
    /// followed.
    volume: u64,
    file: u128,
}

/// What an open file tells of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileFacts {
    pub(crate) id: FileId,
    pub(crate) is_regular: bool,
    pub(crate) is_directory: bool,
    /// 0 for a file that is deleted, whether or not it still has its name.
    pub(crate) links: u64,
}

/// The facts of an open file on the volume.
pub(super) fn facts_of(file: &File, volume: u64) -> io::Result<FileFacts> {
    let information = call("file information", || native::information(file))?;
    let standard = call("file information", || native::standard_information(file))?;
    let id = call("file id", || native::id(file))?;
    let (is_directory, is_regular) = kind_of(information.dwFileAttributes);
    Ok(FileFacts {
        id: FileId { volume, file: u128::from_le_bytes(id.FileId.Identifier) },
        is_regular,
        is_directory,
        links: if standard.DeletePending { 0 } else { information.nNumberOfLinks.into() },
    })
}

/// Whether the attributes are a directory's, and whether a regular file's. Symlinks, junctions,
/// sockets, and what WSL makes of FIFOs and devices, are reparse points.
fn kind_of(attributes: u32) -> (bool, bool) {
    let has = |attribute| attributes & attribute != 0;
    let is_directory = has(FILE_ATTRIBUTE_DIRECTORY);
    let is_special = has(FILE_ATTRIBUTE_REPARSE_POINT) || has(FILE_ATTRIBUTE_DEVICE);
    (is_directory, !is_directory && !is_special)
}

/// An open lock file. Dropping it unlocks, then closes.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// For reading only, and never for deletion: a handle that may write or delete keeps out all
    /// programs that do not share that, and a marker is to be read by any.
    file: File,
    /// A second one, while a new file is written.
    writer: Mutex<Option<File>>,
    volume: u64,
    locked: AtomicBool,
}

impl LockFile {
    pub(super) fn new(file: File, writer: Option<File>, volume: u64) -> LockFile {
        LockFile { file, writer: Mutex::new(writer), volume, locked: AtomicBool::new(false) }
    }

    /// The facts of the open file itself, whatever stands at its path by now.
    pub(crate) fn facts(&self) -> io::Result<FileFacts> {
        facts_of(&self.file, self.volume)
    }

    /// Whether the handle is still that of this file: a program may have closed it.
    pub(crate) fn is_still(&self, file: FileId) -> io::Result<bool> {
        match self.facts() {
            Ok(facts) => Ok(facts.id == file),
            Err(error) if error.raw_os_error() == Some(ERROR_INVALID_HANDLE as i32) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tries for the exclusive OS lock; `false` if somebody else has it, or shares it.
    pub(crate) fn try_lock_exclusive(&self) -> io::Result<bool> {
        self.try_lock(LOCKFILE_EXCLUSIVE_LOCK)
    }

    /// Tries for a share of the OS lock; `false` if somebody else has it exclusively.
    pub(crate) fn try_lock_shared(&self) -> io::Result<bool> {
        self.try_lock(0)
    }

    fn try_lock(&self, kind: u32) -> io::Result<bool> {
        let flags = kind | LOCKFILE_FAIL_IMMEDIATELY;
        match call("LockFileEx", || native::lock_byte(&self.file, LOCKED_BYTE, flags)) {
            Ok(()) => {
                self.locked.store(true, Ordering::Relaxed);
                Ok(true)
            }
            // Only this means that somebody holds it. (ERROR_IO_PENDING is for handles of another
            // kind: these are synchronous.)
            Err(error) if error.raw_os_error() == Some(ERROR_LOCK_VIOLATION as i32) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the OS lock back. LockFileEx: one that is left to the close is given back by the
    /// system, but perhaps not at once.
    pub(crate) fn unlock(&self) {
        if self.locked.swap(false, Ordering::Relaxed) {
            // Should it fail, closing the handle unlocks as well.
            let _ = call("UnlockFileEx", || native::unlock_byte(&self.file, LOCKED_BYTE));
        }
    }

    /// Writes all bytes at the end of what was written before.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.with_writer(|mut writer| call("write", || writer.write_all(bytes)))
    }

    /// Flushes the file's bytes and its metadata to stable storage.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.with_writer(|writer| call("FlushFileBuffers", || writer.sync_all()))
    }

    /// Says that nothing more will be written, so that others can read the file without reserve.
    pub(crate) fn end_writing(&self) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn with_writer<T>(&self, use_it: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(writer.as_ref().ok_or(io::ErrorKind::PermissionDenied)?)
    }
}

impl Read for &LockFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        call("read", || (&self.file).read(buffer))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        self.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reparse_point_a_device_and_a_directory_are_no_regular_files() {
        const NORMAL: u32 = 0x80;
        const ARCHIVE: u32 = 0x20;
        assert_eq!(kind_of(NORMAL), (false, true));
        assert_eq!(kind_of(ARCHIVE | 1), (false, true));
        assert_eq!(kind_of(FILE_ATTRIBUTE_REPARSE_POINT | ARCHIVE), (false, false));
        assert_eq!(kind_of(FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY), (true, false));
        assert_eq!(kind_of(FILE_ATTRIBUTE_DIRECTORY), (true, false));
        assert_eq!(kind_of(FILE_ATTRIBUTE_DEVICE), (false, false));
    }
}
