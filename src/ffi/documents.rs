// SPDX-License-Identifier: MIT OR Apache-2.0
//! Documents, keys and digests: build, sign, verify.

use std::ffi::c_char;

use super::guard::guarded;
use super::input;
use super::output::{BytesOutput, TextOutput};
use super::types::{
    CRTX_PUBLIC_KEY_SIZE, CRTX_SIGNATURE_SIZE, crtx_error, crtx_intent_expectation,
    crtx_signed_document, crtx_status,
};
use crate::{OperatorKey, attestation};

/// Builds the takeover attestation of the marker that is at marker_path now, held or not, as JSON
/// text for crtx_sign (without the NUL: *out_needed - 1 bytes). deployment_id NULL means the
/// marker's own; for a malformed marker it is required. justification is one plain sentence, at most
/// 1,024 bytes. The document is valid from 300 seconds before now_unix_ns (0: the system clock) until
/// valid_for_seconds after it, 1 to 86,400. It names the operator principal of public_key.
///
/// Statuses: MARKER_ABSENT, BUFFER_TOO_SMALL, JUSTIFICATION_INVALID, UNTRUSTED_KEY,
/// DEPLOYMENT_MISMATCH, TOO_LARGE, NOT_REGULAR_FILE, INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY,
/// NAME_TOO_LONG, CONTENDED (as crtx_marker_read), IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_takeover_build(
    marker_path: *const c_char,
    deployment_id: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    justification: *const c_char,
    valid_for_seconds: u32,
    now_unix_ns: i64,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, deployment_id, public_key, justification, buffer) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                input::optional_text("deployment_id", deployment_id)?,
                input::bytes("public_key", public_key, public_key_len)?,
                input::text("justification", justification)?,
                TextOutput::new("buffer", buffer, capacity, out_needed)?,
            )
        };
        buffer.write_text(&crate::build_takeover(
            path,
            deployment_id,
            public_key,
            justification,
            valid_for_seconds,
            now_unix_ns,
        )?)
    })
}

/// Builds a restore intent as JSON text for crtx_sign (without the NUL: *out_needed - 1 bytes). The
/// document is valid from 300 seconds before now_unix_ns (0: the system clock) until
/// valid_for_seconds after it, 1 to 86,400. It names the operator principal of public_key.
///
/// Statuses: BUFFER_TOO_SMALL, UNTRUSTED_KEY, TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_intent_build(
    deployment_id: *const c_char,
    intent: *const crtx_intent_expectation,
    public_key: *const u8,
    public_key_len: usize,
    valid_for_seconds: u32,
    now_unix_ns: i64,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (deployment_id, intent, public_key, buffer) = unsafe {
            (
                input::text("deployment_id", deployment_id)?,
                input::intent_expectation("intent", intent)?,
                input::bytes("public_key", public_key, public_key_len)?,
                TextOutput::new("buffer", buffer, capacity, out_needed)?,
            )
        };
        buffer.write_text(&attestation::build_intent(
            deployment_id,
            &intent,
            public_key,
            valid_for_seconds,
            now_unix_ns,
        )?)
    })
}

/// Verifies a signed restore intent, and that it authorizes exactly what is expected. digest receives
/// the digest of the payload as text (CRTX_DIGEST_SIZE bytes), for restore_intent_blake3 of
/// crtx_lock_options. The flags of the document are not used.
///
/// Statuses: BUFFER_TOO_SMALL, TOO_LARGE, and 60 to 76 but for the four of markers (71 to 74).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_intent_verify(
    intent: *const crtx_signed_document,
    expected: *const crtx_intent_expectation,
    digest: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (intent, expected, digest) = unsafe {
            (
                input::signed_document("intent", intent)?,
                input::intent_expectation("expected", expected)?,
                TextOutput::new("digest", digest, capacity, out_needed)?,
            )
        };
        let verified = attestation::verify_intent(&intent.document, &expected)?;
        digest.write_text(verified.to_string().as_bytes())
    })
}

/// Signs payload, at most 65,536 bytes, with the key of seed (CRTX_SEED_SIZE bytes). signature
/// receives CRTX_SIGNATURE_SIZE raw bytes. The library wipes its own copies of the secret; the
/// caller's seed is the caller's to wipe. payload may be NULL if payload_len is 0.
///
/// Statuses: BUFFER_TOO_SMALL, TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_sign(
    seed: *const u8,
    seed_len: usize,
    payload: *const u8,
    payload_len: usize,
    signature: *mut u8,
    capacity: usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (seed, payload, signature) = unsafe {
            (
                input::bytes("seed", seed, seed_len)?,
                input::bytes_or_none("payload", payload, payload_len)?,
                BytesOutput::<CRTX_SIGNATURE_SIZE>::new("signature", signature, capacity)?,
            )
        };
        signature.write(&crate::sign(seed, payload)?);
        Ok(())
    })
}

/// Derives the public key of seed (CRTX_SEED_SIZE bytes). public_key receives CRTX_PUBLIC_KEY_SIZE
/// raw bytes.
///
/// Statuses: BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_public_key(
    seed: *const u8,
    seed_len: usize,
    public_key: *mut u8,
    capacity: usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (seed, public_key) = unsafe {
            (
                input::bytes("seed", seed, seed_len)?,
                BytesOutput::<CRTX_PUBLIC_KEY_SIZE>::new("public_key", public_key, capacity)?,
            )
        };
        public_key.write(&crate::public_key(seed)?);
        Ok(())
    })
}

/// Gives the operator principal of a public key as text (CRTX_PRINCIPAL_SIZE bytes).
///
/// Statuses: UNTRUSTED_KEY, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_operator_principal(
    public_key: *const u8,
    public_key_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (public_key, buffer) = unsafe {
            (
                input::bytes("public_key", public_key, public_key_len)?,
                TextOutput::new("buffer", buffer, capacity, out_needed)?,
            )
        };
        buffer.write_text(OperatorKey::from_bytes(public_key)?.principal().as_bytes())
    })
}

/// Gives the BLAKE3 digest of a regular file of any size as text (CRTX_DIGEST_SIZE bytes). Symlinks
/// are followed.
///
/// Statuses: NOT_REGULAR_FILE, BUFFER_TOO_SMALL, IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_blake3_file(
    path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, buffer) = unsafe {
            (input::path("path", path)?, TextOutput::new("buffer", buffer, capacity, out_needed)?)
        };
        buffer.write_text(crate::blake3_file(path)?.to_string().as_bytes())
    })
}
