// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls of ntdll and kernel32, each made safe and nothing more.
//!
//! Files are opened, renamed and deleted relative to a directory's handle, which Win32 has no call
//! for (`OBJECT_ATTRIBUTES.RootDirectory`, `FILE_RENAME_INFORMATION.RootDirectory`: documented for
//! NtCreateFile and ZwSetInformationFile). It also keeps apart what Win32 answers with one number:
//! a pending deletion, a directory, and a file that may not be opened are all ERROR_ACCESS_DENIED.

use std::fs::File;
use std::io;
use std::mem::{MaybeUninit, offset_of};
use std::os::windows::io::{AsRawHandle, FromRawHandle, RawHandle};
use std::ptr;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    FILE_NON_DIRECTORY_FILE, FILE_OPEN_REPARSE_POINT, FILE_RENAME_INFORMATION,
    FILE_RENAME_INFORMATION_0, FILE_SYNCHRONOUS_IO_NONALERT, FileFsDeviceInformation,
    FileRenameInformation, NTCREATEFILE_CREATE_DISPOSITION, NTCREATEFILE_CREATE_OPTIONS,
    NtCreateFile, NtQueryVolumeInformationFile, NtSetInformationFile,
};
use windows_sys::Wdk::System::SystemServices::{FILE_FS_DEVICE_INFORMATION, FILE_REMOTE_DEVICE};
use windows_sys::Win32::Foundation::{
    ERROR_DELETE_PENDING, ERROR_DIRECTORY_NOT_SUPPORTED, ERROR_FILENAME_EXCED_RANGE,
    INVALID_HANDLE_VALUE, NTSTATUS, OBJ_CASE_INSENSITIVE, RtlNtStatusToDosError,
    STATUS_DELETE_PENDING, STATUS_FILE_IS_A_DIRECTORY, UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_NORMAL, FILE_DISPOSITION_FLAG_DELETE,
    FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE, FILE_DISPOSITION_FLAG_POSIX_SEMANTICS,
    FILE_DISPOSITION_INFO_EX, FILE_ID_INFO, FILE_INFO_BY_HANDLE_CLASS, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_STANDARD_INFO, FileDispositionInfoEx, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandle, GetFileInformationByHandleEx,
    GetVolumeInformationByHandleW, LockFileEx, ReOpenFile, SYNCHRONIZE, SetFileInformationByHandle,
    UnlockFileEx,
};
use windows_sys::Win32::System::IO::{IO_STATUS_BLOCK, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

/// Others may do with the file what they like while it is open here: read, write, rename, delete.
pub(super) const SHARE_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Opens or creates a file in a directory: no directory, no reparse point followed, not inherited
/// by other processes, and without the device names and trailing dots of Win32's paths.
pub(super) fn open_in(
    directory: &File,
    name: &[u16],
    access: u32,
    disposition: NTCREATEFILE_CREATE_DISPOSITION,
    options: NTCREATEFILE_CREATE_OPTIONS,
) -> io::Result<File> {
    let too_long = || io::Error::from_raw_os_error(ERROR_FILENAME_EXCED_RANGE as i32);
    let length = u16::try_from(size_of_val(name)).map_err(|_| too_long())?;
    let name = UNICODE_STRING {
        Length: length,
        MaximumLength: length,
        Buffer: name.as_ptr().cast_mut(), // only read
    };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: directory.as_raw_handle(),
        ObjectName: &raw const name,
        // As CreateFileW; and no OBJ_INHERIT.
        Attributes: OBJ_CASE_INSENSITIVE,
        SecurityDescriptor: ptr::null(),
        SecurityQualityOfService: ptr::null(),
    };
    let mut handle: RawHandle = ptr::null_mut();
    let mut status_block = MaybeUninit::<IO_STATUS_BLOCK>::uninit();
    // SAFETY: name, attributes and outputs outlive the call, which is synchronous.
    let status = unsafe {
        NtCreateFile(
            &raw mut handle,
            access | SYNCHRONIZE,
            &raw const attributes,
            status_block.as_mut_ptr(),
            ptr::null(),
            FILE_ATTRIBUTE_NORMAL,
            SHARE_ALL,
            disposition,
            options | FILE_OPEN_REPARSE_POINT | FILE_SYNCHRONOUS_IO_NONALERT,
            ptr::null(),
            0,
        )
    };
    check(status)?;
    // SAFETY: the call succeeded and gave out a handle that is nobody else's.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// As [`open_in`], for what must be no directory.
pub(super) fn open_file_in(
    directory: &File,
    name: &[u16],
    access: u32,
    disposition: NTCREATEFILE_CREATE_DISPOSITION,
    options: NTCREATEFILE_CREATE_OPTIONS,
) -> io::Result<File> {
    open_in(directory, name, access, disposition, options | FILE_NON_DIRECTORY_FILE)
}

/// Opens the same file once more, whatever its name is by now.
pub(super) fn reopen(file: &File, access: u32) -> io::Result<File> {
    // SAFETY: the handle is open.
    let handle = unsafe { ReOpenFile(file.as_raw_handle(), access, SHARE_ALL, 0) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded and gave out a handle that is nobody else's.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Gives an open file another name in a directory; fails if the name is taken.
pub(super) fn rename_in(file: &File, directory: &File, to: &[u16]) -> io::Result<()> {
    const NAME: usize = offset_of!(FILE_RENAME_INFORMATION, FileName);
    let size = size_of::<FILE_RENAME_INFORMATION>() + size_of_val(to);
    // Of u64, for the alignment.
    let mut buffer = vec![0u64; size.div_ceil(size_of::<u64>())];
    let information = buffer.as_mut_ptr().cast::<FILE_RENAME_INFORMATION>();
    let mut status_block = MaybeUninit::<IO_STATUS_BLOCK>::uninit();
    // SAFETY: the buffer is aligned, and large enough for the struct and the name behind it; it
    // outlives the call, which is synchronous.
    let status = unsafe {
        (*information).Anonymous = FILE_RENAME_INFORMATION_0 { ReplaceIfExists: false };
        (*information).RootDirectory = directory.as_raw_handle();
        (*information).FileNameLength = size_of_val(to) as u32;
        let name = information.cast::<u8>().add(NAME).cast::<u16>();
        ptr::copy_nonoverlapping(to.as_ptr(), name, to.len());
        NtSetInformationFile(
            file.as_raw_handle(),
            status_block.as_mut_ptr(),
            information.cast(),
            size as u32,
            FileRenameInformation,
        )
    };
    check(status)
}

/// Deletes an open file's name at once, whoever has the file open, where the system and the
/// filesystem can.
pub(super) fn delete_at_once(file: &File) -> io::Result<()> {
    let flags = FILE_DISPOSITION_FLAG_DELETE
        | FILE_DISPOSITION_FLAG_POSIX_SEMANTICS
        | FILE_DISPOSITION_FLAG_IGNORE_READONLY_ATTRIBUTE;
    let information = FILE_DISPOSITION_INFO_EX { Flags: flags };
    // SAFETY: the struct is that of the class, and outlives the call.
    succeeded(unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileDispositionInfoEx,
            (&raw const information).cast(),
            size_of::<FILE_DISPOSITION_INFO_EX>() as u32,
        )
    })
}

/// Tries for a lock on the byte at `offset`, and does not wait.
pub(super) fn lock_byte(file: &File, offset: u64, flags: u32) -> io::Result<()> {
    let mut place = place_of(offset);
    // SAFETY: the handle is open and synchronous, so the call is over with `place` when it returns.
    succeeded(unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &raw mut place) })
}

/// Gives back a lock on the byte at `offset`.
pub(super) fn unlock_byte(file: &File, offset: u64) -> io::Result<()> {
    let mut place = place_of(offset);
    // SAFETY: as above.
    succeeded(unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &raw mut place) })
}

fn place_of(offset: u64) -> OVERLAPPED {
    let halves = OVERLAPPED_0_0 { Offset: offset as u32, OffsetHigh: (offset >> 32) as u32 };
    OVERLAPPED { Anonymous: OVERLAPPED_0 { Anonymous: halves }, ..OVERLAPPED::default() }
}

/// Attributes, links, and the number of the file in 64 bits.
pub(super) fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open and the struct writable.
    succeeded(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) })?;
    Ok(information)
}

/// Among others, whether the file's deletion is pending.
pub(super) fn standard_information(file: &File) -> io::Result<FILE_STANDARD_INFO> {
    // SAFETY: the struct is that of the class; the system writes 0 or 1 where it has a bool.
    unsafe { query(file, FileStandardInfo) }
}

/// The number of the volume, and that of the file in 128 bits.
pub(super) fn id(file: &File) -> io::Result<FILE_ID_INFO> {
    // SAFETY: as above.
    unsafe { query(file, FileIdInfo) }
}

/// # Safety
///
/// `T` is the struct that belongs to the class, and what the system writes there is a valid one.
unsafe fn query<T: Default>(file: &File, class: FILE_INFO_BY_HANDLE_CLASS) -> io::Result<T> {
    let mut information = T::default();
    // SAFETY: the handle is open; the struct is writable and as large as is said.
    succeeded(unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            class,
            (&raw mut information).cast(),
            size_of::<T>() as u32,
        )
    })?;
    Ok(information)
}

/// Whether the file is on another machine.
pub(super) fn is_remote(file: &File) -> io::Result<bool> {
    let mut device = FILE_FS_DEVICE_INFORMATION::default();
    let mut status_block = MaybeUninit::<IO_STATUS_BLOCK>::uninit();
    // SAFETY: the struct is that of the class, and writable.
    check(unsafe {
        NtQueryVolumeInformationFile(
            file.as_raw_handle(),
            status_block.as_mut_ptr(),
            (&raw mut device).cast(),
            size_of::<FILE_FS_DEVICE_INFORMATION>() as u32,
            FileFsDeviceInformation,
        )
    })?;
    Ok(device.Characteristics & FILE_REMOTE_DEVICE != 0)
}

/// The longest name in UTF-16 units, and what the filesystem calls itself.
pub(super) fn filesystem(file: &File) -> io::Result<(usize, String)> {
    let (mut longest, mut name) = (0, [0u16; 64]);
    // SAFETY: the handle is open, the outputs are writable, and NULL is "not wanted".
    succeeded(unsafe {
        GetVolumeInformationByHandleW(
            file.as_raw_handle(),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            &raw mut longest,
            ptr::null_mut(),
            name.as_mut_ptr(),
            name.len() as u32,
        )
    })?;
    let end = name.iter().position(|unit| *unit == 0).unwrap_or(name.len());
    Ok((longest as usize, String::from_utf16_lossy(&name[..end])))
}

fn succeeded(answer: windows_sys::core::BOOL) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// An NTSTATUS as the number that GetLastError would give, but more exact where Win32 has one.
fn check(status: NTSTATUS) -> io::Result<()> {
    let number = match status {
        0.. => return Ok(()),
        STATUS_DELETE_PENDING => ERROR_DELETE_PENDING,
        STATUS_FILE_IS_A_DIRECTORY => ERROR_DIRECTORY_NOT_SUPPORTED,
        // SAFETY: has no preconditions.
        _ => unsafe { RtlNtStatusToDosError(status) },
    };
    Err(io::Error::from_raw_os_error(number as i32))
}
