// SPDX-License-Identifier: MIT OR Apache-2.0
//! What tests for every platform must know of this one.

/// The names under which the hook sees the calls.
pub(crate) mod calls {
    pub(crate) const LOCK: &str = "LockFileEx";
    pub(crate) const UNLOCK: &str = "UnlockFileEx";
    pub(crate) const WRITE: &str = "write";
    pub(crate) const SYNC: &str = "FlushFileBuffers";
    pub(crate) const SYNC_DIRECTORY: &str = "no directory sync";
    pub(crate) const RENAME: &str = "rename";
    pub(crate) const LINK: &str = "link";
    pub(crate) const REMOVE: &str = "delete";
}

/// Errors of the system.
pub(crate) mod numbers {
    use windows_sys::Win32::Foundation as windows;

    pub(crate) const INPUT_OUTPUT: i32 = windows::ERROR_IO_DEVICE as i32;
    pub(crate) const DENIED: i32 = windows::ERROR_ACCESS_DENIED as i32;
    pub(crate) const NO_RESOURCES: i32 = windows::ERROR_NO_SYSTEM_RESOURCES as i32;
    pub(crate) const INVALID_HANDLE: i32 = windows::ERROR_INVALID_HANDLE as i32;
    pub(crate) const INVALID_ARGUMENT: i32 = windows::ERROR_INVALID_FLAGS as i32;
    pub(crate) const NOT_FOUND: i32 = windows::ERROR_FILE_NOT_FOUND as i32;
    pub(crate) const IN_USE: i32 = windows::ERROR_SHARING_VIOLATION as i32;
    pub(crate) const BEING_DELETED: i32 = windows::ERROR_DELETE_PENDING as i32;
}
