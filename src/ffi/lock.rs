// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock: acquire, check, leak, release, and what a handle knows.

use std::ffi::c_char;

use super::guard::guarded;
use super::handles::LOCKS;
use super::input;
use super::output::{HandleOutput, MarkerOutput, TextOutput};
use super::types::{crtx_error, crtx_lock, crtx_lock_options, crtx_marker, crtx_status};
use crate::{Lock, MarkerState};

/// Acquires the lock: publishes the marker at marker_path and holds its OS locks. The directory of
/// marker_path must exist; a name that ends in ".flock" or ".new" is refused. With timeout_ms it
/// waits for a holder to go, never for a stale marker. On success *out_lock is the caller's, to be
/// released with crtx_lock_release; *out_lock is zeroed before anything else, also when the call
/// fails.
///
/// Statuses: MARKER_EXISTS (held, stale or malformed: see marker_state), CONTENDED, FORKED (in a
/// child of vfork, _Fork or raw clone), NO_PARENT_DIRECTORY, NOT_REGULAR_FILE,
/// INSECURE_PERMISSIONS, UNSUPPORTED_FILESYSTEM, NAME_TOO_LONG, IO. A failed call leaves no marker
/// of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_acquire(
    marker_path: *const c_char,
    options: *const crtx_lock_options,
    out_lock: *mut crtx_lock,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (out_lock, path, options) = unsafe {
            (
                HandleOutput::zeroed(out_lock)?,
                input::path("marker_path", marker_path)?,
                input::lock_options(options)?,
            )
        };
        let lock = Lock::acquire(path, &options)?;
        out_lock.write(LOCKS.insert(lock)?);
        Ok(())
    })
}

/// Asks whether marker and companion on disk are still this lock's own. Changes nothing.
///
/// Statuses: LOST (stop writing to the store), FORKED, BAD_HANDLE, IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_check(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    guarded(error, || LOCKS.with(lock, |lock, process| lock.check_in(process)))
}

/// Marks the lock so that its release keeps the marker and the companion, for a restore whose
/// rollback failed. Until the release the lock is still held. Calling it twice is fine.
///
/// Statuses: FORKED, BAD_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_leak(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    guarded(error, || LOCKS.with(lock, |lock, process| lock.leak_in(process)))
}

/// Removes the marker durably, then the companion, unlocks, and ends the handle; after
/// crtx_lock_leak it keeps both files. What is not this lock's own is left alone. Of two racing
/// releases one wins, the other gets BAD_HANDLE.
///
/// Statuses: LOST (the handle has ended), IO, FORKED, BAD_HANDLE. After IO, release once more: if
/// the marker could not be removed the handle is still valid, and nothing has changed; if it
/// answers BAD_HANDLE the marker was removed, but may come back after a power cut.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_release(lock: crtx_lock, error: *mut crtx_error) -> crtx_status {
    guarded(error, || LOCKS.with(lock, |lock, process| lock.release_in(process)))
}

/// Gives the marker as this lock wrote it, with state CRTX_MARKER_HELD_BY_THIS_PROCESS. The disk is
/// not read: see crtx_lock_check and crtx_marker_inspect for that.
///
/// Statuses: FORKED, BAD_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_marker(
    lock: crtx_lock,
    out_marker: *mut crtx_marker,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointer is as the header demands.
        let out_marker = unsafe { MarkerOutput::new(out_marker)? };
        let (marker, digest) =
            LOCKS.with(lock, |lock, _| Ok((lock.marker().clone(), lock.marker_digest())))?;
        out_marker.write(MarkerState::HeldByThisProcess, Some(&marker), Some(digest));
        Ok(())
    })
}

/// Gives the absolute path of the marker, as text.
///
/// Statuses: BUFFER_TOO_SMALL, FORKED, BAD_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_marker_path(
    lock: crtx_lock,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's buffer is as the header demands.
        let buffer = unsafe { TextOutput::new("buffer", buffer, capacity, out_needed)? };
        let path = LOCKS.with(lock, |lock, _| Ok(lock.marker_path().to_owned()))?;
        buffer.write_path(&path)
    })
}

/// Gives the absolute path of the companion, as text.
///
/// Statuses: BUFFER_TOO_SMALL, FORKED, BAD_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_lock_companion_path(
    lock: crtx_lock,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's buffer is as the header demands.
        let buffer = unsafe { TextOutput::new("buffer", buffer, capacity, out_needed)? };
        let path = LOCKS.with(lock, |lock, _| Ok(lock.companion_path()))?;
        buffer.write_path(&path)
    })
}
