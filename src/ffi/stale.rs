// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stale markers: quarantine, takeover, and the evidence of both.

use std::ffi::c_char;

use super::guard::guarded;
use super::handles::LOCKS;
use super::input;
use super::output::{HandleOutput, TextOutput};
use super::types::{
    CRTX_STALE_PATH_EXTRA, crtx_error, crtx_lock, crtx_lock_options, crtx_signed_document,
    crtx_status,
};
use crate::TakeoverError;

/// Moves a stale marker aside, on the strength of an operator's signed takeover attestation: renames
/// it to "marker_path.stale-TIME" and keeps payload and signature beside it as evidence. Nothing
/// is ever overwritten, and all is synced. stale_path receives the new name as text; it needs
/// strlen(marker_path) + CRTX_STALE_PATH_EXTRA bytes, checked before anything is touched.
///
/// Statuses: CONTENDED (the holder lives: no signature overrides it), MARKER_ABSENT,
/// MARKER_MALFORMED, LOST, BUFFER_TOO_SMALL, FORKED (in a child of vfork, _Fork or raw clone), the
/// statuses 60 to 74 of the document, and 40 to 46 of the files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_quarantine(
    marker_path: *const c_char,
    attestation: *const crtx_signed_document,
    stale_path: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, attestation, stale_path) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                input::signed_document("attestation", attestation)?,
                TextOutput::new("stale_path", stale_path, capacity, out_needed)?,
            )
        };
        stale_path.require(path.as_os_str().len() + CRTX_STALE_PATH_EXTRA)?;
        let stale = crate::quarantine(path, &attestation.document, attestation.allow)?;
        stale_path.write_path(&stale)
    })
}

/// Quarantines a stale marker as crtx_quarantine does, and acquires the lock in the same step: nobody
/// can get in between. It never waits: timeout_ms is not used. The flags of document and options are
/// joined. *out_lock is zeroed before anything else, also when the call fails.
///
/// Statuses: those of crtx_quarantine and of crtx_lock_acquire; DEPLOYMENT_MISMATCH also if the
/// options name another deployment than the document. If the call fails after the old marker was
/// moved and it could not be moved back, stale_path and *out_needed are written all the same, and
/// the message says what stands where.
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
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (out_lock, path, attestation, options, stale_path) = unsafe {
            (
                HandleOutput::zeroed(out_lock)?,
                input::path("marker_path", marker_path)?,
                input::signed_document("attestation", attestation)?,
                input::lock_options(options)?,
                TextOutput::new("stale_path", stale_path, capacity, out_needed)?,
            )
        };
        stale_path.require(path.as_os_str().len() + CRTX_STALE_PATH_EXTRA)?;
        match crate::takeover(path, &attestation.document, attestation.allow, &options) {
            Ok((lock, stale)) => {
                stale_path.write_path(&stale)?;
                out_lock.write(LOCKS.insert(lock)?);
                Ok(())
            }
            Err(TakeoverError { error, stale_path: moved, .. }) => {
                if let Some(moved) = moved {
                    // The takeover's own error tells more than one about the buffer would.
                    let _ = stale_path.write_path(&moved);
                }
                Err(error)
            }
        }
    })
}

/// Asks what crtx_quarantine would answer now. Changes nothing on disk.
///
/// Statuses: those of crtx_quarantine, without BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_takeover_verify(
    marker_path: *const c_char,
    attestation: *const crtx_signed_document,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, attestation) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                input::signed_document("attestation", attestation)?,
            )
        };
        crate::verify_takeover(path, &attestation.document, attestation.allow)
    })
}

/// Lists the quarantined markers of marker_path, oldest first: their paths, each ended by a NUL, then
/// one more NUL. *out_needed counts them all; with nothing quarantined it is 1. This alone reads the
/// whole directory.
///
/// Statuses: BUFFER_TOO_SMALL, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (on Windows: a file is
/// being deleted), IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_evidence_list(
    marker_path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, buffer) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                TextOutput::new("buffer", buffer, capacity, out_needed)?,
            )
        };
        buffer.write_path_list(&crate::list_evidence(path)?)
    })
}

/// Proves that a quarantined marker, one path of crtx_evidence_list, was moved aside by an attestation
/// that public_key signed and that names this very marker. The time is not checked: the attestation
/// was valid when it was used.
///
/// Statuses: BAD_SIGNATURE, UNTRUSTED_KEY, EVIDENCE_INVALID (missing, or anything else that does not
/// fit), NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (on Windows: a program does not share a file),
/// IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_evidence_verify(
    stale_path: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, public_key) = unsafe {
            (
                input::path("stale_path", stale_path)?,
                input::bytes("public_key", public_key, public_key_len)?,
            )
        };
        crate::verify_evidence(path, public_key)
    })
}
