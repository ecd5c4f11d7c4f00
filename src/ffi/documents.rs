// SPDX-License-Identifier: MIT OR Apache-2.0
//! Documents: built, signed, verified; keys, principals and digests.

use std::os::raw::c_char;

use super::guard::guard;
use super::input;
use super::output::{TextOutput, write_bytes};
use super::types::{crtx_error, crtx_intent_expectation, crtx_signed_document, crtx_status};
use crate::attestation;
use crate::principal::OperatorKey;

/// Writes the takeover attestation for the marker at marker_path, held or stale, for the operator
/// to sign with crtx_sign(): minified JSON with sorted keys, with the marker's digest.
///
/// deployment_id may be NULL for the marker's own; a malformed marker has none. The justification
/// is one line of 1 to 1,024 bytes. The document is valid from 300 s before now_unix_ns (nanoseconds
/// since 1970; 0 for the system clock) to valid_for_seconds (1 to 86,400) after it. capacity and
/// *out_needed (which may be NULL) count bytes with the terminating NUL, which is not to be signed.
///
/// CRTX_OK, CRTX_E_MARKER_ABSENT, CRTX_E_JUSTIFICATION_INVALID, CRTX_E_DEPLOYMENT_MISMATCH (the
/// marker is of another deployment), CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL,
/// CRTX_E_TOO_LARGE (a marker over 1 MiB), CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE,
/// CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
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
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, deployment, key, why, output) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                input::optional_text("deployment_id", deployment_id)?,
                input::bytes("public_key", public_key, public_key_len)?,
                input::text("justification", justification)?,
                TextOutput::new(buffer, capacity, out_needed)?,
            )
        };
        let payload =
            crate::build_takeover(path, deployment, key, why, valid_for_seconds, now_unix_ns)?;
        output.write(&payload)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Writes a restore intent, for the operator to sign with crtx_sign(): minified JSON with sorted
/// keys. Window, capacity and *out_needed as for crtx_takeover_build().
///
/// CRTX_OK, CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Touches no
/// file. Any thread may call this.
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
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (deployment, intent, key, output) = unsafe {
            (
                input::text("deployment_id", deployment_id)?,
                input::intent_expectation(intent)?,
                input::bytes("public_key", public_key, public_key_len)?,
                TextOutput::new(buffer, capacity, out_needed)?,
            )
        };
        let payload =
            attestation::build_intent(deployment, &intent, key, valid_for_seconds, now_unix_ns)?;
        output.write(&payload)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Verifies a restore intent, and that it permits just what is expected. digest gets the payload's
/// digest for crtx_lock_options.restore_intent_blake3: CRTX_DIGEST_SIZE bytes with the NUL.
///
/// The statuses of the document as for crtx_quarantine(), but for the justification; then
/// CRTX_E_PATH_MISMATCH, CRTX_E_DIGEST_MISMATCH. CRTX_E_BUFFER_TOO_SMALL,
/// CRTX_E_INVALID_ARGUMENT. Touches no file. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_intent_verify(
    intent: *const crtx_signed_document,
    expected: *const crtx_intent_expectation,
    digest: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let ((document, _), expected, output) = unsafe {
            (
                input::signed_document(intent)?,
                input::intent_expectation(expected)?,
                TextOutput::new(digest, capacity, out_needed)?,
            )
        };
        output.write(attestation::verify_intent(&document, &expected)?.to_string().as_bytes())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// Signs a payload of at most 65,536 bytes with the CRTX_SEED_SIZE bytes of an Ed25519 seed. The
/// signature has CRTX_SIGNATURE_SIZE bytes. The library wipes its own copies of the seed; the
/// caller wipes the seed.
///
/// CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_TOO_LARGE, CRTX_E_INVALID_ARGUMENT. Any thread may call
/// this.
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
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (seed, payload) = unsafe {
            (input::bytes("seed", seed, seed_len)?, input::bytes("payload", payload, payload_len)?)
        };
        let made = crate::sign(seed, payload)?;
        // SAFETY: the caller vouches for the buffer.
        unsafe { write_bytes("signature", signature, capacity, &made) }
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The public key of an Ed25519 seed: CRTX_PUBLIC_KEY_SIZE bytes.
///
/// CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_public_key(
    seed: *const u8,
    seed_len: usize,
    public_key: *mut u8,
    capacity: usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointer.
        let seed = unsafe { input::bytes("seed", seed, seed_len)? };
        let made = crate::public_key(seed)?;
        // SAFETY: the caller vouches for the buffer.
        unsafe { write_bytes("public_key", public_key, capacity, &made) }
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The operator principal of a public key: "operator:" and 64 lowercase hex digits,
/// CRTX_PRINCIPAL_SIZE bytes with the NUL.
///
/// CRTX_OK, CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Any thread may
/// call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_operator_principal(
    public_key: *const u8,
    public_key_len: usize,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (key, output) = unsafe {
            (
                input::bytes("public_key", public_key, public_key_len)?,
                TextOutput::new(buffer, capacity, out_needed)?,
            )
        };
        output.write(OperatorKey::from_bytes(key)?.principal().as_bytes())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The digest of a regular file of any size: "blake3:" and 64 lowercase hex digits,
/// CRTX_DIGEST_SIZE bytes with the NUL. Symlinks are followed; a FIFO is refused at once.
///
/// CRTX_OK, CRTX_E_NOT_REGULAR_FILE, CRTX_E_IO, CRTX_E_BUFFER_TOO_SMALL (checked before the file is
/// read), CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_blake3_file(
    path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, output) =
            unsafe { (input::path("path", path)?, TextOutput::new(buffer, capacity, out_needed)?) };
        output.require(super::types::CRTX_DIGEST_SIZE)?;
        output.write(crate::blake3_file(path)?.to_string().as_bytes())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}
