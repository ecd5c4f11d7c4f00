// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a directory's access control list gives to everybody.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GENERIC_ALL, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE,
    IsWellKnownSid, PSECURITY_DESCRIPTOR, WinWorldSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ADD_FILE, FILE_DELETE_CHILD, WRITE_DAC, WRITE_OWNER,
};

/// The rights with which lock files can be put in place or taken away.
const WRITE: u32 =
    FILE_ADD_FILE | FILE_DELETE_CHILD | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

// winnt.h: ACCESS_ALLOWED_ACE_TYPE, ACCESS_DENIED_ACE_TYPE. Both have the layout of ACCESS_ALLOWED_ACE.
const ALLOWED: u8 = 0;
const DENIED: u8 = 1;

/// Whether the group Everyone may add files to the directory, delete them, or change its rights.
/// (Larger groups than the engine's, such as Users, are its administrator's business.)
pub(super) fn everybody_may_write(directory: &File) -> io::Result<bool> {
    let mut list: *mut ACL = ptr::null_mut();
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the handle is open and has READ_CONTROL; the outputs are writable, NULL is "not wanted".
    let answer = unsafe {
        GetSecurityInfo(
            directory.as_raw_handle(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut list,
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if answer != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(answer as i32));
    }
    // No list at all lets everybody do everything.
    // SAFETY: NULL, or the list inside the descriptor, which is not freed yet.
    let open = list.is_null() || unsafe { rights_of_everyone(list) } & WRITE != 0;
    // SAFETY: the descriptor is the caller's to free, in this way; nothing points to it any more.
    unsafe { LocalFree(descriptor) };
    Ok(open)
}

/// What the list allows and did not deny before, in its order.
///
/// # Safety
///
/// `list` is a valid access control list.
unsafe fn rights_of_everyone(list: *const ACL) -> u32 {
    let (mut allowed, mut denied) = (0, 0);
    // SAFETY: as the caller's.
    let count = unsafe { (*list).AceCount };
    for index in 0..u32::from(count) {
        let mut entry = ptr::null_mut();
        // SAFETY: the list is valid, and GetAce checks the index.
        if unsafe { GetAce(list, index, &raw mut entry) } == 0 {
            continue;
        }
        // SAFETY: every entry begins with its header.
        let header = unsafe { *entry.cast::<ACE_HEADER>() };
        let is_known = matches!(header.AceType, ALLOWED | DENIED);
        if !is_known || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0 {
            continue;
        }
        // SAFETY: entries of these two types are laid out so; the SID begins at SidStart.
        let (mask, is_everyone) = unsafe {
            let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
            let sid = (&raw mut (*entry).SidStart).cast();
            ((*entry).Mask, IsWellKnownSid(sid, WinWorldSid) != 0)
        };
        match header.AceType {
            ALLOWED if is_everyone => allowed |= mask & !denied,
            DENIED if is_everyone => denied |= mask,
            _ => {}
        }
    }
    allowed
}
