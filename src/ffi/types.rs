// SPDX-License-Identifier: MIT OR Apache-2.0
//! The structs and numbers of the C header, named and laid out as in C.

use std::ffi::c_char;

/// In crtx_lock_options: the marker survives a power cut once the call has returned.
pub const CRTX_DURABILITY_FULL: u32 = 0;
/// In crtx_lock_options: the marker survives the death of the process, but perhaps not a power
/// cut. Nothing of the lock is synced; a takeover's evidence always.
pub const CRTX_DURABILITY_PROCESS_CRASH: u32 = 1;

/// A flag: work on a network filesystem too. OS locks may not exclude anybody there.
pub const CRTX_ALLOW_NETWORK_FILESYSTEM: u32 = 1;
/// A flag: work in a directory that everybody may write to too.
pub const CRTX_ALLOW_SHARED_DIRECTORY: u32 = 2;

/// State of a marker: there is none, and the store is free.
pub const CRTX_MARKER_ABSENT: u32 = 1;
/// State of a marker: somebody is at work; nobody may take over.
pub const CRTX_MARKER_HELD: u32 = 2;
/// State of a marker: a handle of this very process owns it, whichever thread acquired it.
pub const CRTX_MARKER_HELD_BY_THIS_PROCESS: u32 = 3;
/// State of a marker: its holder died, or kept the marker on purpose. Only a signed attestation
/// moves it aside.
pub const CRTX_MARKER_STALE: u32 = 4;
/// State of a marker: nobody holds it, and its text cannot be parsed. It is not free.
pub const CRTX_MARKER_MALFORMED: u32 = 5;

/// Bytes of an Ed25519 seed (the secret).
pub const CRTX_SEED_SIZE: usize = 32;
/// Bytes of an Ed25519 public key.
pub const CRTX_PUBLIC_KEY_SIZE: usize = 32;
/// Bytes of an Ed25519 signature.
pub const CRTX_SIGNATURE_SIZE: usize = 64;
/// Bytes of a digest as text, "blake3:" and 64 hex digits, with the terminating NUL.
pub const CRTX_DIGEST_SIZE: usize = 72;
/// Bytes of an operator principal, "operator:" and 64 hex digits, with the terminating NUL.
pub const CRTX_PRINCIPAL_SIZE: usize = 74;
/// A buffer for stale_path has at least strlen(marker_path) + CRTX_STALE_PATH_EXTRA bytes.
pub const CRTX_STALE_PATH_EXTRA: usize = 32;

/// What a call came to: CRTX_OK, or one of the CRTX_E_... numbers.
pub type crtx_status = i32;

/// A lock that this process holds. It is a value: copy it freely, pass it to any thread, never
/// look inside. All-zero is never a valid handle.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct crtx_lock {
    /// For the library only.
    pub opaque: u64,
}

/// Why a call failed. The caller owns it and passes it last, or NULL. Each call fills it anew; on
/// success with status 0 and empty texts. One error per thread, not one shared between threads.
///
/// With a struct_size under 16 it is ignored, else the whole fields that fit into struct_size are
/// written. Its size never changes the result of a call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crtx_error {
    /// sizeof(crtx_error), set by the caller.
    pub struct_size: u32,
    /// The same number as the call returned.
    pub status: i32,
    /// errno, on Windows GetLastError(); 0 if the operating system had no part in it.
    pub os_error: i32,
    /// CRTX_MARKER_...: what was found, with the statuses 20 to 23; else 0.
    pub marker_state: u32,
    /// The step that failed, such as "marker publish".
    pub operation: [c_char; 64],
    /// One English sentence. It names the file, escaped, and is fit for a terminal or a log.
    pub message: [c_char; 1024],
}

/// How to acquire a lock. The texts are copied during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crtx_lock_options {
    /// sizeof(crtx_lock_options), set by the caller.
    pub struct_size: u32,
    /// CRTX_DURABILITY_FULL or CRTX_DURABILITY_PROCESS_CRASH.
    pub durability: u32,
    /// CRTX_ALLOW_... flags, or 0.
    pub flags: u64,
    /// How long crtx_lock_acquire waits for a holder to go, in milliseconds; 0: one attempt.
    pub timeout_ms: u32,
    /// Must be zero.
    pub reserved: u32,
    /// Which deployment the store belongs to: UTF-8, 1 to 255 bytes, no control characters.
    pub deployment_id: *const c_char,
    /// Who answers for the restore: UTF-8, 1 to 255 bytes, no control characters.
    pub operator_principal_id: *const c_char,
    /// Digest of the restore intent, as crtx_intent_verify gives it: "blake3:" and 64 hex digits.
    pub restore_intent_blake3: *const c_char,
    /// UTF-8, up to 255 bytes, no control characters; NULL: this machine's host name.
    pub host: *const c_char,
}

/// A marker as it was found. All texts are NUL-terminated UTF-8, empty where there is nothing to
/// tell.
///
/// With a struct_size from 8 to 4096 the whole fields that fit are filled, and the rest of
/// struct_size is zeroed; any other size is CRTX_E_INVALID_ARGUMENT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crtx_marker {
    /// sizeof(crtx_marker), set by the caller.
    pub struct_size: u32,
    /// CRTX_MARKER_...
    pub state: u32,
    /// The process that wrote the marker; 0 if absent or malformed. Evidence for people only.
    pub pid: u32,
    /// Zero.
    pub reserved: u32,
    /// acquired_at in nanoseconds since 1970-01-01T00:00:00Z.
    pub acquired_at_unix_ns: i64,
    /// RFC 3339, exactly as it stands in the marker.
    pub acquired_at: [c_char; 64],
    /// The holder's host name.
    pub host: [c_char; 256],
    /// The deployment that the marker names.
    pub deployment_id: [c_char; 256],
    /// Who answers for the restore.
    pub operator_principal_id: [c_char; 256],
    /// "production".
    pub scope: [c_char; 32],
    /// "blake3:" and 64 hex digits.
    pub restore_intent_blake3: [c_char; 80],
    /// Digest of the marker's own bytes; known for a malformed marker too, up to 1 MiB.
    pub marker_blake3: [c_char; 80],
}

/// A signed document and what to judge it by. Everything is only read, and only during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crtx_signed_document {
    /// sizeof(crtx_signed_document), set by the caller.
    pub struct_size: u32,
    /// CRTX_ALLOW_... flags, or 0, for crtx_quarantine, crtx_takeover and crtx_takeover_verify.
    pub flags: u32,
    /// The signed bytes, exactly as they were signed.
    pub payload: *const u8,
    /// Bytes in payload, at most 65,536.
    pub payload_len: usize,
    /// The detached Ed25519 signature, raw.
    pub signature: *const u8,
    /// Bytes in signature: CRTX_SIGNATURE_SIZE.
    pub signature_len: usize,
    /// The operator key that the caller trusts. Never take it from beside the document.
    pub public_key: *const u8,
    /// Bytes in public_key: CRTX_PUBLIC_KEY_SIZE.
    pub public_key_len: usize,
    /// This deployment: UTF-8, 1 to 255 bytes, no control characters.
    pub deployment_id: *const c_char,
    /// The time to judge by, in nanoseconds since 1970-01-01T00:00:00Z; 0: the system clock.
    pub now_unix_ns: i64,
}

/// What a restore intent must authorize. Paths are UTF-8, absolute, without "." and ".."; digests
/// are "blake3:" and 64 lowercase hex digits. All are compared byte for byte.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct crtx_intent_expectation {
    /// sizeof(crtx_intent_expectation), set by the caller.
    pub struct_size: u32,
    /// Must be zero.
    pub reserved: u32,
    /// The database that is going to be replaced.
    pub active_db_path: *const c_char,
    /// The event log that is going to be replaced.
    pub active_event_log_path: *const c_char,
    /// Digest of the backup's manifest.
    pub backup_manifest_blake3: *const c_char,
    /// Digest of the staged database.
    pub staged_sqlite_blake3: *const c_char,
    /// Digest of the staged event log.
    pub staged_jsonl_blake3: *const c_char,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MarkerState;

    #[test]
    fn the_marker_states_are_the_cores() {
        let states = [
            (CRTX_MARKER_ABSENT, MarkerState::Absent),
            (CRTX_MARKER_HELD, MarkerState::Held),
            (CRTX_MARKER_HELD_BY_THIS_PROCESS, MarkerState::HeldByThisProcess),
            (CRTX_MARKER_STALE, MarkerState::Stale),
            (CRTX_MARKER_MALFORMED, MarkerState::Malformed),
        ];
        for (number, state) in states {
            assert_eq!(number, state as u32);
        }
    }

    #[test]
    fn the_sizes_are_those_of_version_1() {
        assert_eq!(size_of::<crtx_lock>(), 8);
        assert_eq!(size_of::<crtx_error>(), 1104);
        assert_eq!(size_of::<crtx_marker>(), 1048);
        if cfg!(target_pointer_width = "64") {
            assert_eq!(size_of::<crtx_lock_options>(), 56);
            assert_eq!(size_of::<crtx_signed_document>(), 72);
            assert_eq!(size_of::<crtx_intent_expectation>(), 48);
        }
    }

    #[test]
    fn the_text_sizes_hold_what_they_are_for() {
        assert_eq!(crate::Digest::of(b"").to_string().len() + 1, CRTX_DIGEST_SIZE);
        let key = crate::public_key(&[7; CRTX_SEED_SIZE]).unwrap();
        let principal = crate::OperatorKey::from_bytes(&key).unwrap().principal();
        assert_eq!(principal.len() + 1, CRTX_PRINCIPAL_SIZE);
        assert_eq!(key.len(), CRTX_PUBLIC_KEY_SIZE);
    }
}
