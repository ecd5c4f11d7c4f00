// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stale markers: quarantine, takeover, evidence.

use std::os::raw::c_char;
use std::path::Path;

use super::guard::guard;
use super::lock::zero_handle;
use super::output::TextOutput;
use super::types::{
    CRTX_STALE_PATH_EXTRA, crtx_error, crtx_lock, crtx_lock_options, crtx_signed_document,
    crtx_status,
};
use super::{handles, input};
use crate::error::Result;

/// Moves a stale marker aside, to marker_path.stale-<time>, on an operator's signed attestation
/// that names that very marker; attestation and signature are kept beside it. Nothing is ever
/// overwritten. Always durable: four syncs.
///
/// stale_path gets the marker's new path, which begins as marker_path was written. Its capacity
/// must be strlen(marker_path) + CRTX_STALE_PATH_EXTRA, checked before anything is touched;
/// *out_needed (which may be NULL) counts the terminating NUL.
///
/// The document is verified first: CRTX_E_UNTRUSTED_KEY, CRTX_E_TOO_LARGE,
/// CRTX_E_SIGNATURE_LENGTH, CRTX_E_BAD_SIGNATURE, CRTX_E_PAYLOAD_MALFORMED, CRTX_E_KIND_MISMATCH,
/// CRTX_E_SCHEMA_MISMATCH, CRTX_E_PRINCIPAL_MISMATCH, CRTX_E_DEPLOYMENT_MISMATCH,
/// CRTX_E_WINDOW_INVALID, CRTX_E_NOT_YET_VALID, CRTX_E_EXPIRED, CRTX_E_JUSTIFICATION_INVALID. Then
/// the marker: CRTX_E_MARKER_ABSENT; CRTX_E_CONTENDED if anybody holds either OS lock, for no
/// signature overrides a live holder; CRTX_E_MARKER_MALFORMED, CRTX_E_STALE_PID_MISMATCH,
/// CRTX_E_STALE_TIME_MISMATCH, CRTX_E_STALE_DIGEST_MISMATCH. CRTX_E_LOST: another file was put in
/// the marker's place at the last moment, and is there again. And what crtx_lock_acquire() answers
/// for directory and files. After a failure the marker is where it was, or the message says where
/// it stands.
///
/// Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_quarantine(
    marker_path: *const c_char,
    attestation: *const crtx_signed_document,
    stale_path: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, (document, allow), output) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                input::signed_document(attestation)?,
                TextOutput::new(stale_path, capacity, out_needed)?,
            )
        };
        require_room_for_stale_path(&output, path)?;
        let moved = crate::quarantine(path, &document, allow)?;
        output.write(moved.as_os_str().as_encoded_bytes())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Quarantines a stale marker and acquires the lock in one step, so that nobody can get in between.
/// Never waits: options->timeout_ms does not count here. The flags of document and options are
/// joined.
///
/// *out_lock is zeroed first and is a handle on CRTX_OK only. stale_path and *out_needed as for
/// crtx_quarantine(). If the new marker cannot be published, the old one is put back; if even that
/// fails, stale_path is written all the same, and the message says what stands where. Death in
/// between is a completed quarantine.
///
/// The statuses of crtx_quarantine(), and CRTX_E_DEPLOYMENT_MISMATCH if options name another
/// deployment than the document. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_takeover(
    marker_path: *const c_char,
    attestation: *const crtx_signed_document,
    options: *const crtx_lock_options,
    out_lock: *mut crtx_lock,
    stale_path: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, (document, allow), options, output) = unsafe {
            zero_handle(out_lock)?;
            (
                input::path("marker_path", marker_path)?,
                input::signed_document(attestation)?,
                input::lock_options(options)?,
                TextOutput::new(stale_path, capacity, out_needed)?,
            )
        };
        require_room_for_stale_path(&output, path)?;
        match crate::takeover(path, &document, allow, &options) {
            Ok((lock, moved)) => {
                let handle = handles::insert(lock)?;
                output.write(moved.as_os_str().as_encoded_bytes())?;
                // SAFETY: not NULL, or zero_handle had refused it.
                unsafe { out_lock.write(handle) };
                Ok(())
            }
            Err(failure) => {
                if let Some(moved) = failure.stale_path {
                    output.write(moved.as_os_str().as_encoded_bytes())?;
                }
                Err(failure.error)
            }
        }
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// What crtx_quarantine() would say now. Changes nothing on disk. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_takeover_verify(
    marker_path: *const c_char,
    attestation: *const crtx_signed_document,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, (document, allow)) = unsafe {
            (input::path("marker_path", marker_path)?, input::signed_document(attestation)?)
        };
        crate::verify_takeover(path, &document, allow)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The paths of the quarantined markers of marker_path, oldest first, each ended by a NUL, and one
/// more NUL at the end; they begin as marker_path was written. The only call that scans the
/// directory. capacity and *out_needed (which may be NULL) count every NUL.
///
/// CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_IO,
/// CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_evidence_list(
    marker_path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, output) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                TextOutput::new(buffer, capacity, out_needed)?,
            )
        };
        let mut list = Vec::new();
        for stale in crate::list_evidence(path)? {
            list.extend_from_slice(stale.as_os_str().as_encoded_bytes());
            list.push(0);
        }
        output.write(&list)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Verifies a quarantined marker against attestation and signature beside it, whenever that was.
///
/// CRTX_E_BAD_SIGNATURE for the signature, CRTX_E_EVIDENCE_INVALID for anything else that is
/// missing or does not fit, CRTX_E_UNTRUSTED_KEY for the key. CRTX_E_NO_PARENT_DIRECTORY,
/// CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_evidence_verify(
    stale_path: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, key) = unsafe {
            (
                input::path("stale_path", stale_path)?,
                input::bytes("public_key", public_key, public_key_len)?,
            )
        };
        crate::verify_evidence(path, key)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

fn require_room_for_stale_path(output: &TextOutput, marker_path: &Path) -> Result<()> {
    output.require(marker_path.as_os_str().len() + CRTX_STALE_PATH_EXTRA)
}
