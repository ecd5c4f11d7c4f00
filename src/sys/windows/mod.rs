// SPDX-License-Identifier: MIT OR Apache-2.0
//! Windows: directory handles and lock files. Windows 10 is the oldest, as for Rust itself.

mod access;
mod directory;
#[cfg(test)]
mod for_tests;
pub(crate) mod fork;
mod lock_file;
mod name;
mod native;
mod ownership;

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_DELETE_PENDING, ERROR_DIRECTORY, ERROR_DIRECTORY_NOT_SUPPORTED, ERROR_INVALID_HANDLE,
    ERROR_INVALID_NAME, ERROR_IO_DEVICE, ERROR_LOCK_VIOLATION, ERROR_NO_SYSTEM_RESOURCES,
    ERROR_SHARING_VIOLATION, ERROR_TOO_MANY_OPEN_FILES,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_DISK, GetFileType};
use windows_sys::Win32::System::SystemInformation::{ComputerNameDnsHostname, GetComputerNameExW};

use super::probe;

pub(crate) use directory::{
    Directory, already_exists, means_being_deleted, means_in_use, means_name_too_long,
    means_no_directory, means_not_a_regular_file,
};
#[cfg(test)]
pub(crate) use for_tests::{calls, numbers};
pub(crate) use lock_file::{Access, FileFacts, FileId, LockFile};
pub(crate) use name::{FileName, split_path};
pub(crate) use ownership::Ownership;

/// A path that a C program passed; `None` if it is not UTF-8.
pub(crate) fn path_from_c(bytes: &[u8]) -> Option<&Path> {
    std::str::from_utf8(bytes).ok().map(Path::new)
}

/// A path as C programs want it; `None` if it cannot be UTF-8, because it has half a surrogate.
pub(crate) fn path_to_c(path: &Path) -> Option<&[u8]> {
    path.to_str().map(str::as_bytes)
}

/// Opens a file for reading, whatever it is. (Of named pipes and consoles only the reading waits.)
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether an open file is on a disk: no console, pipe or directory.
pub(crate) fn is_regular(file: &File) -> io::Result<bool> {
    // SAFETY: the handle is open.
    let kind = unsafe { GetFileType(file.as_raw_handle()) };
    Ok(kind == FILE_TYPE_DISK && file.metadata()?.is_file())
}

/// This machine's host name, or an empty text where it cannot be told or is no plain text.
pub(crate) fn host_name() -> String {
    let mut buffer = [0u16; 256];
    let mut length = buffer.len() as u32;
    // SAFETY: the buffer is writable for the length that is said.
    let told = unsafe {
        GetComputerNameExW(ComputerNameDnsHostname, buffer.as_mut_ptr(), &raw mut length)
    };
    if told == 0 {
        return String::new();
    }
    match String::from_utf16(&buffer[..length as usize]) {
        Ok(name) if name.len() <= 255 && !name.chars().any(char::is_control) => name,
        _ => String::new(),
    }
}

/// Watches nothing: who waits looks again after pauses.
#[derive(Debug, Default)]
pub(crate) struct Watcher;

impl Watcher {
    /// Waits for so long, and tells that nothing was noticed meanwhile.
    pub(crate) fn wait_until_removed(
        &mut self,
        _: &Directory,
        _: &FileName,
        most: Duration,
    ) -> bool {
        std::thread::sleep(most);
        false
    }

    /// There is nothing to keep.
    pub(crate) fn park(self) {}

    /// There is nothing to close.
    pub(crate) fn close_parked() {}
}

/// What the numbers of the system's errors are called.
pub(crate) const ERROR_NUMBER: &str = "Windows error";

/// English words for the errors that the standard library's kinds have none for.
pub(crate) fn words_for(number: i32) -> Option<&'static str> {
    Some(match number as u32 {
        ERROR_SHARING_VIOLATION => "another program has it open and does not share it",
        ERROR_LOCK_VIOLATION => "another program has it locked",
        ERROR_DELETE_PENDING => "it is being deleted",
        ERROR_IO_DEVICE => "input/output error",
        ERROR_TOO_MANY_OPEN_FILES => "too many open files",
        ERROR_NO_SYSTEM_RESOURCES => "not enough system resources",
        ERROR_INVALID_HANDLE => "the handle is not valid",
        ERROR_INVALID_NAME => "the name is not valid",
        ERROR_DIRECTORY => "it is not a directory",
        ERROR_DIRECTORY_NOT_SUPPORTED => "it is a directory",
        _ => return None,
    })
}

/// Not asked here: false is always right, and costs some milliseconds.
pub(crate) fn is_running(_pid: u32) -> bool {
    false
}

/// Makes one system call.
fn call<T>(name: &'static str, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    probe::before(name).and_then(|()| attempt())
}
