// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tests for every platform must know of this one.

/// The names under which the hook sees the calls.
pub(crate) mod calls {
    pub(crate) const LOCK: &str = "flock";
    pub(crate) const UNLOCK: &str = "flock unlock";
    pub(crate) const WRITE: &str = "write";
    pub(crate) const SYNC: &str = "fsync";
    pub(crate) const SYNC_DIRECTORY: &str = "fsync directory";
    pub(crate) const RENAME: &str = "renameat2";
    pub(crate) const LINK: &str = "linkat";
    pub(crate) const REMOVE: &str = "unlinkat";
}

/// Errors of the system.
pub(crate) mod numbers {
    pub(crate) const INPUT_OUTPUT: i32 = libc::EIO;
    pub(crate) const DISK_FULL: i32 = libc::ENOSPC;
    pub(crate) const DENIED: i32 = libc::EACCES;
    pub(crate) const TOO_MANY_FILES: i32 = libc::EMFILE;
    pub(crate) const NO_RESOURCES: i32 = libc::ENOLCK;
    pub(crate) const INVALID_HANDLE: i32 = libc::EBADF;
    pub(crate) const INVALID_ARGUMENT: i32 = libc::EINVAL;
    pub(crate) const NOT_FOUND: i32 = libc::ENOENT;
}
