// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock: acquire, check, leak, release, and what it is about.

use std::os::raw::c_char;

use super::guard::guard;
use super::output::{MarkerOutput, TextOutput};
use super::types::{crtx_error, crtx_lock, crtx_lock_options, crtx_marker, crtx_status};
use super::{handles, input};
use crate::lock::Lock;
use crate::marker::MarkerState;

/// Takes the exclusive lock of the store that marker_path stands for, or says who has it.
///
/// Creates marker_path (mode 0644) and its companion, marker_path.flock (0600). The directory must
/// exist. *out_lock is zeroed first and is a handle on CRTX_OK only; it is released once, with
/// crtx_lock_release(). One attempt, unless options->timeout_ms makes it wait for a holder; a stale
/// marker is never waited for. Not reentrant: a second acquire in the same process is refused like
/// anybody's.
///
/// CRTX_E_MARKER_EXISTS: a marker is there; error->marker_state tells whether it is held, stale or
/// malformed. CRTX_E_CONTENDED: another process is at the OS lock and there is no marker (yet, or
/// any more). CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_INSECURE_PERMISSIONS,
/// CRTX_E_UNSUPPORTED_FILESYSTEM, CRTX_E_NAME_TOO_LONG, CRTX_E_IO, CRTX_E_INVALID_ARGUMENT;
/// CRTX_E_FORKED in a process made by raw clone or vfork. After a failure nothing on disk has
/// changed, but that an empty companion may remain.
///
/// Any thread may call this. A forked child does not have the lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_acquire(
    marker_path: *const c_char,
    options: *const crtx_lock_options,
    out_lock: *mut crtx_lock,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, options) = unsafe {
            zero_handle(out_lock)?;
            (input::path("marker_path", marker_path)?, input::lock_options(options)?)
        };
        let handle = handles::insert(Lock::acquire(path, &options)?)?;
        // SAFETY: not NULL, or zero_handle had refused it.
        unsafe { out_lock.write(handle) };
        Ok(())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Tells whether marker and companion are still ours, by device and inode. Two look-ups in the
/// directory, no sync: cheap enough for the end of every batch of writes.
///
/// CRTX_OK, CRTX_E_LOST (stop writing to the store), CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_IO.
/// Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_check(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, || handles::with_lock(lock, |lock| lock.check())) }
}

/// Keeps marker and companion on disk when the lock is released: for a restore whose rollback
/// failed. The lock is held until then. Twice is fine.
///
/// CRTX_OK, CRTX_E_FORKED, CRTX_E_BAD_HANDLE. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_leak(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, || handles::with_lock(lock, Lock::leak)) }
}

/// Removes marker and companion and gives the lock back; after crtx_lock_leak() only the latter.
/// At most once: of two racing releases one wins, the other gets CRTX_E_BAD_HANDLE.
///
/// CRTX_OK and CRTX_E_LOST (something was no longer ours, and was left alone) end the handle.
/// CRTX_E_IO: if the marker could not be removed, nothing was changed and the handle lives, to be
/// tried again; if the marker was removed and only the sync after it failed, the handle has ended
/// and the marker may come back after a power loss. crtx_lock_check() on the handle tells which:
/// CRTX_E_BAD_HANDLE when it has ended. CRTX_E_FORKED, CRTX_E_BAD_HANDLE.
///
/// Any thread may call this. Exit without it counts as a crash: the marker stays.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_release(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, || handles::release(lock)) }
}

/// What the lock's marker says, as it was written. Touches no file.
///
/// CRTX_OK, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_marker(
    lock: crtx_lock,
    out_marker: *mut crtx_marker,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointer.
        let output = unsafe { MarkerOutput::new(out_marker) }?;
        handles::with_lock(lock, |lock| {
            let state = MarkerState::HeldByThisProcess;
            output.write(state, Some(lock.marker()), Some(lock.marker_digest()));
            Ok(())
        })
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The marker's absolute path, as it was when the lock was acquired. capacity and *out_needed
/// (which may be NULL) count bytes with the terminating NUL.
///
/// CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT.
/// Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_marker_path(
    lock: crtx_lock,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let output = unsafe { TextOutput::new(buffer, capacity, out_needed) }?;
        handles::with_lock(lock, |lock| {
            output.write(lock.marker_path().as_os_str().as_encoded_bytes())
        })
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The companion's absolute path, as crtx_lock_marker_path() gives the marker's.
///
/// CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT.
/// Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_companion_path(
    lock: crtx_lock,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let output = unsafe { TextOutput::new(buffer, capacity, out_needed) }?;
        handles::with_lock(lock, |lock| {
            output.write(lock.companion_path().as_os_str().as_encoded_bytes())
        })
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// # Safety
///
/// `out_lock` is NULL or writable.
pub(super) unsafe fn zero_handle(out_lock: *mut crtx_lock) -> crate::Result<()> {
    if out_lock.is_null() {
        return Err(input::null("out_lock"));
    }
    // SAFETY: not NULL, so the caller vouches for it.
    unsafe { out_lock.write(crtx_lock { opaque: 0 }) };
    Ok(())
}
