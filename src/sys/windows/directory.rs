// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory handle: every step is relative to it, so a later chdir or rename changes nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use windows_sys::Wdk::Storage::FileSystem::{
    FILE_CREATE, FILE_DELETE_ON_CLOSE, FILE_OPEN, FILE_OPEN_IF, NTCREATEFILE_CREATE_OPTIONS,
};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_DELETE_PENDING, ERROR_DIRECTORY, ERROR_DIRECTORY_NOT_SUPPORTED,
    ERROR_FILE_NOT_FOUND, ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_FUNCTION, ERROR_INVALID_NAME,
    ERROR_INVALID_PARAMETER, ERROR_LOCK_VIOLATION, ERROR_NOT_SUPPORTED, ERROR_SHARING_VIOLATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_BACKUP_SEMANTICS, FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES, FILE_TRAVERSE, READ_CONTROL, SYNCHRONIZE,
};

use super::fork::Process;
use super::lock_file::{Access, FileFacts, LockFile, facts_of};
use super::name::FileName;
use super::{access, call, native};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    file: File,
    volume: u64,
}

/// What the policy checks want to know of a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DirectoryFacts {
    /// The network filesystem that the directory is on, if it is on one.
    pub(crate) network_filesystem: Option<&'static str>,
    /// The filesystem, if a file of it gets another identity when it is renamed.
    pub(crate) renumbering_filesystem: Option<&'static str>,
    /// The longest name in UTF-16 units.
    pub(crate) longest_name: usize,
}

impl Directory {
    /// Opens an existing directory. Others may rename and delete it meanwhile.
    pub(crate) fn open(_process: Process, path: &Path) -> io::Result<Directory> {
        let access =
            FILE_LIST_DIRECTORY | FILE_TRAVERSE | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
        let mut options = OpenOptions::new();
        options
            .access_mode(access)
            .share_mode(native::SHARE_ALL)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        let file = call("open directory", || options.open(path))?;
        if !facts_of(&file, 0)?.is_directory {
            return Err(io::Error::from_raw_os_error(ERROR_DIRECTORY as i32));
        }
        let volume = call("directory id", || native::id(&file))?.VolumeSerialNumber;
        Ok(Directory { file, volume })
    }

    /// The process that opened it.
    pub(crate) fn process(&self) -> Process {
        Process::current()
    }

    /// Filesystem and name limit.
    pub(crate) fn facts(&self) -> io::Result<DirectoryFacts> {
        let remote = call("filesystem device", || native::is_remote(&self.file))?;
        let (longest_name, name) = call("filesystem", || native::filesystem(&self.file))?;
        Ok(DirectoryFacts {
            network_filesystem: remote.then_some("a remote device"),
            renumbering_filesystem: renumbering(&name),
            longest_name,
        })
    }

    /// Whether the directory's access control list lets everybody add or delete files in it.
    pub(super) fn everybody_may_write(&self) -> io::Result<bool> {
        call("directory access list", || access::everybody_may_write(&self.file))
    }

    /// Opens an existing file; `None` if there is none. What it is remains to be checked.
    ///
    /// For reading only, whatever the access: that suffices for every lock, also over a network
    /// (LockFileEx wants either right), and who writes keeps out readers that do not share writing.
    pub(crate) fn open_file(
        &self,
        name: &FileName,
        _access: Access,
    ) -> io::Result<Option<LockFile>> {
        let opened = call("open", || {
            native::open_file_in(&self.file, name.wide(), FILE_GENERIC_READ, FILE_OPEN, 0)
        });
        Ok(unless_missing(opened)?.map(|file| LockFile::new(file, None, self.volume)))
    }

    /// Opens a file for reading, and creates it if there is none. Never truncates.
    pub(super) fn open_or_create_file(&self, name: &FileName) -> io::Result<LockFile> {
        let file = call("open or create", || {
            native::open_file_in(&self.file, name.wide(), FILE_GENERIC_READ, FILE_OPEN_IF, 0)
        })?;
        Ok(LockFile::new(file, None, self.volume))
    }

    /// Creates a file for reading and writing; an error if the name is taken, by whatever it is.
    pub(super) fn create_new_file(&self, name: &FileName) -> io::Result<LockFile> {
        let file = call("create", || {
            native::open_file_in(&self.file, name.wide(), FILE_GENERIC_READ, FILE_CREATE, 0)
        })?;
        match call("open to write", || native::reopen(&file, FILE_GENERIC_WRITE)) {
            Ok(writer) => Ok(LockFile::new(file, Some(writer), self.volume)),
            Err(error) => {
                // Ours and a moment old: it was created exclusively.
                let _ = self.remove(name);
                Err(error)
            }
        }
    }

    /// What stands at a name now, reparse points not followed; `None` if nothing does.
    pub(crate) fn facts_at(&self, name: &FileName) -> io::Result<Option<FileFacts>> {
        let opened = call("open to look", || {
            native::open_in(&self.file, name.wide(), FILE_READ_ATTRIBUTES, FILE_OPEN, 0)
        });
        unless_missing(opened)?.map(|file| facts_of(&file, self.volume)).transpose()
    }

    /// Renames, and fails rather than replace anything. The file is at one of the names at every
    /// moment.
    pub(crate) fn publish_without_overwrite(
        &self,
        from: &FileName,
        to: &FileName,
    ) -> io::Result<()> {
        let Some(file) = self.open_to_move(from, 0)? else {
            return Err(io::Error::from_raw_os_error(ERROR_FILE_NOT_FOUND as i32));
        };
        call("rename", || native::rename_in(&file, &self.file, to.wide()))
    }

    /// The same: every filesystem here can rename so.
    pub(crate) fn move_without_overwrite(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        self.publish_without_overwrite(from, to)
    }

    /// Removes a name that is not a directory's, so that it is free when this returns, whoever has
    /// the file open; `false` if it was gone already.
    pub(crate) fn remove(&self, name: &FileName) -> io::Result<bool> {
        let Some(file) = self.open_to_move(name, 0)? else { return Ok(false) };
        match call("delete", || native::delete_at_once(&file)) {
            Err(error) if is_unsupported(&error) => {
                drop(file);
                self.remove_by_moving_aside(name)
            }
            deleted => deleted.map(|()| true),
        }
    }

    /// For systems and filesystems on which a deleted file keeps its name until the last handle is
    /// closed: it is renamed first, to a name that nobody wants.
    ///
    /// The system deletes it whatever happens from the open on, as it does when the process dies.
    /// Should the rename fail, the name stays in the way for as long as somebody has the file open.
    fn remove_by_moving_aside(&self, name: &FileName) -> io::Result<bool> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(file) = self.open_to_move(name, FILE_DELETE_ON_CLOSE)? else { return Ok(false) };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let aside = format!(".crtx-deleted-{}-{count}", std::process::id());
        let aside: Vec<u16> = aside.encode_utf16().collect();
        let _ = call("rename aside", || native::rename_in(&file, &self.file, &aside));
        Ok(true)
    }

    /// Opens a file to rename or delete it; `None` if there is none.
    ///
    /// A program that has it open without sharing deletion (a virus scanner, an editor, `fopen`)
    /// keeps us out; most are gone in a moment, so this goes on for about a second.
    fn open_to_move(
        &self,
        name: &FileName,
        options: NTCREATEFILE_CREATE_OPTIONS,
    ) -> io::Result<Option<File>> {
        const TRIES: u32 = 100;
        const PAUSE: Duration = Duration::from_millis(10);
        let access = DELETE | FILE_READ_ATTRIBUTES;
        let mut tries = 1;
        loop {
            let opened = call("open to move", || {
                native::open_file_in(&self.file, name.wide(), access, FILE_OPEN, options)
            });
            match opened {
                Err(error) if is(&error, ERROR_SHARING_VIOLATION) && tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                opened => return unless_missing(opened),
            }
        }
    }

    /// Windows has no documented call that flushes a directory's entries, so this does nothing; the
    /// tests see where it would be.
    pub(crate) fn sync(&self) -> io::Result<()> {
        call("no directory sync", || Ok(()))
    }
}

/// On the FAT family a file's number is made of the place of its directory entry (Microsoft's page
/// on `BY_HANDLE_FILE_INFORMATION`), and a renamed file has another.
fn renumbering(filesystem: &str) -> Option<&'static str> {
    ["FAT", "FAT12", "FAT16", "FAT32", "exFAT"]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(filesystem))
}

fn unless_missing<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Err(error) if is(&error, ERROR_FILE_NOT_FOUND) => Ok(None),
        opened => opened.map(Some),
    }
}

fn is(error: &io::Error, number: u32) -> bool {
    error.raw_os_error() == Some(number as i32)
}

fn is_one_of(error: &io::Error, numbers: &[u32]) -> bool {
    numbers.iter().any(|number| is(error, *number))
}

/// What the system says of a name that is taken.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(ERROR_ALREADY_EXISTS as i32)
}

/// Whether an error says that the system or the filesystem has no such operation.
fn is_unsupported(error: &io::Error) -> bool {
    is_one_of(error, &[ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED])
}

/// Whether opening failed because of what stands at the name: a directory. (Reparse points and
/// devices can be opened, and are seen afterwards.)
pub(crate) fn means_not_a_regular_file(error: &io::Error) -> bool {
    is(error, ERROR_DIRECTORY_NOT_SUPPORTED)
}

/// Whether an error says that somebody uses the file at this moment in a way that keeps us out: its
/// deletion is pending, or a program does not share it.
pub(crate) fn means_in_use(error: &io::Error) -> bool {
    is_one_of(error, &[ERROR_DELETE_PENDING, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION])
}

/// Whether an error says that the file is deleted, but still has its name.
pub(crate) fn means_being_deleted(error: &io::Error) -> bool {
    is(error, ERROR_DELETE_PENDING)
}

/// Whether a name or path is over the system's limit. (Names are checked for what may be in them
/// before, so that a name that is not valid is too long.)
pub(crate) fn means_name_too_long(error: &io::Error) -> bool {
    is_one_of(error, &[ERROR_FILENAME_EXCED_RANGE, ERROR_INVALID_NAME])
}

/// Whether opening a directory failed because there is none.
pub(crate) fn means_no_directory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || is_one_of(error, &[ERROR_DIRECTORY, ERROR_INVALID_NAME])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filesystems_whose_file_numbers_change_are_known_by_name() {
        for name in ["FAT", "FAT32", "exFAT", "EXFAT"] {
            assert!(renumbering(name).is_some(), "{name}");
        }
        for name in ["NTFS", "ReFS", "UDF", "", "FATX"] {
            assert_eq!(renumbering(name), None);
        }
    }
}
