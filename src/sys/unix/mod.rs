// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unix: directory handles, lock files, and what a fork may do to them.

#[cfg(target_vendor = "apple")]
mod apple;
mod descriptor;
mod directory;
#[cfg(test)]
mod for_tests;
pub(crate) mod fork;
mod generation;
mod large_files;
mod lock_file;
#[cfg(any(target_vendor = "apple", test))]
mod one_name;
mod ownership;
mod sync;
mod watch;

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;

use super::probe;

pub(crate) use directory::{
    Directory, already_exists, means_being_deleted, means_in_use, means_name_too_long,
    means_no_directory, means_not_a_regular_file,
};
pub(crate) use lock_file::{Access, FileFacts, FileId, LockFile};
pub(crate) use ownership::Ownership;
pub(crate) use watch::Watcher;
#[cfg(test)]
pub(crate) use {
    descriptor::replace_descriptor,
    for_tests::{calls, numbers},
};

/// One name inside a directory: no slash, no NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName(CString);

impl FileName {
    /// `None` for a name that is empty, `.` or `..`, or has a slash or a NUL.
    pub(crate) fn new(name: &std::ffi::OsStr) -> Option<FileName> {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
            return None;
        }
        CString::new(bytes).ok().map(FileName)
    }

    /// The same name with a suffix.
    pub(crate) fn with_suffix(&self, suffix: &str) -> FileName {
        let mut bytes = self.0.as_bytes().to_vec();
        bytes.extend_from_slice(suffix.as_bytes());
        // Every suffix is a literal or made of digits and letters; a NUL would be our own bug.
        FileName(CString::new(bytes).expect("a suffix has no NUL"))
    }

    pub(crate) fn as_os_str(&self) -> &std::ffi::OsStr {
        std::ffi::OsStr::from_bytes(self.0.as_bytes())
    }

    /// How long the filesystem counts it: in bytes.
    pub(crate) fn length(&self) -> usize {
        self.0.as_bytes().len()
    }

    /// Whether the filesystem might take the name's end for this text.
    pub(crate) fn ends_with(&self, text: &str) -> bool {
        #[cfg(target_vendor = "apple")]
        return one_name::may_end_with(self.0.as_bytes(), text);
        #[cfg(not(target_vendor = "apple"))]
        self.0.as_bytes().ends_with(text.as_bytes())
    }

    /// What follows this name in a longer one; `None` for a name that does not begin with it. Where
    /// one name can be spelt in several ways, the filesystem is still to be asked.
    pub(crate) fn rest_of<'a>(&self, longer: &'a std::ffi::OsStr) -> Option<&'a [u8]> {
        #[cfg(target_vendor = "apple")]
        return one_name::rest_that_may_follow(self.0.as_bytes(), longer.as_bytes());
        #[cfg(not(target_vendor = "apple"))]
        longer.as_bytes().strip_prefix(self.0.as_bytes())
    }

    fn as_ptr(&self) -> *const libc::c_char {
        self.0.as_ptr()
    }
}

/// Splits a path into its directory and the name in it, without touching the disk.
///
/// `None` where the last component is no file name: an empty path, a trailing slash, `.`, `..`.
pub(crate) fn split_path(path: &std::path::Path) -> Option<(std::path::PathBuf, FileName)> {
    let bytes = path.as_os_str().as_bytes();
    let cut = bytes.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = match cut {
        None => (&b"."[..], bytes),
        Some(0) => (&b"/"[..], &bytes[1..]),
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
    };
    if parent.contains(&0) {
        return None;
    }
    let name = FileName::new(std::ffi::OsStr::from_bytes(name))?;
    Some((std::path::PathBuf::from(std::ffi::OsStr::from_bytes(parent)), name))
}

/// This machine's host name, or an empty text where it cannot be told or is no plain text.
pub(crate) fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is writable for its whole length, less the last byte, which stays NUL.
    let status = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    if status != 0 {
        return String::new();
    }
    let length = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    match std::str::from_utf8(&buffer[..length]) {
        Ok(name) if !name.chars().any(char::is_control) => name.to_owned(),
        _ => String::new(),
    }
}

/// A path that a C program passed: any bytes. (`None` where they mean no path.)
pub(crate) fn path_from_c(bytes: &[u8]) -> Option<&std::path::Path> {
    Some(std::ffi::OsStr::from_bytes(bytes).as_ref())
}

/// A path as C programs want it: its bytes. (`None` where it cannot be told to them.)
pub(crate) fn path_to_c(path: &std::path::Path) -> Option<&[u8]> {
    Some(path.as_os_str().as_bytes())
}

/// Opens a file for reading, whatever it is. open(2): without `O_NONBLOCK` a FIFO waits for its
/// writer, and without `O_NOCTTY` a terminal may become the controlling one.
pub(crate) fn open_without_waiting(path: &std::path::Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Whether an open file is on a disk: no device, FIFO, socket or directory.
pub(crate) fn is_regular(file: &std::fs::File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// What the numbers of the system's errors are called.
pub(crate) const ERROR_NUMBER: &str = "errno";

/// English words for the errors that the standard library's kinds have none for.
pub(crate) fn words_for(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EIO => "input/output error",
        libc::ENOLCK => "no locks available",
        libc::EMFILE => "too many open files in this process",
        libc::ENFILE => "too many open files in the system",
        libc::EBADF => "bad file descriptor",
        libc::ELOOP => "a symlink, or too many of them",
        libc::ENXIO | libc::ENODEV => "no such device",
        _ => return None,
    })
}

/// Whether a process with this number lives in this pid namespace; a number may be used again.
pub(crate) fn is_running(pid: u32) -> bool {
    let Ok(pid @ 1..) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 only asks.
    let asked = unsafe { libc::kill(pid, 0) };
    // EPERM is another user's process.
    asked == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Makes one system call, again while a signal interrupts it.
fn call<T>(name: &'static str, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match probe::before(name).and_then(|()| attempt()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The same for the calls that answer -1 and errno.
fn call_c(name: &'static str, mut attempt: impl FnMut() -> libc::c_int) -> io::Result<libc::c_int> {
    call(name, || match attempt() {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn split(path: &str) -> Option<(String, String)> {
        split_path(Path::new(path)).map(|(parent, name)| {
            (parent.to_str().unwrap().to_owned(), name.as_os_str().to_str().unwrap().to_owned())
        })
    }

    #[test]
    fn a_process_is_running_until_it_was_waited_for() {
        assert!(is_running(std::process::id()) && is_running(1));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        for nobody in [child.id(), 0, u32::MAX] {
            assert!(!is_running(nobody), "{nobody}");
        }
    }

    #[test]
    fn a_path_is_split_at_its_last_slash() {
        assert_eq!(split("x.lock"), Some((".".into(), "x.lock".into())));
        assert_eq!(split("/x.lock"), Some(("/".into(), "x.lock".into())));
        assert_eq!(split("a//b/x"), Some(("a//b".into(), "x".into())));
        for refused in ["", "/", "a/", "a/.", "a/..", ".", "..", "a/b\0c", "a\0b/c"] {
            assert_eq!(split(refused), None, "{refused:?}");
        }
    }
}
