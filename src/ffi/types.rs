// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C structs and constants, as include/crtx.h has them.

use std::os::raw::c_char;

/// What a call came to: CRTX_OK or one of the CRTX_E_* numbers.
pub type crtx_status = i32;

/// crtx_lock_options.durability: survives process death and power loss. Two syncs to acquire, one
/// to release.
pub const CRTX_DURABILITY_FULL: u32 = 0;
/// crtx_lock_options.durability: survives process death, not power loss. Nothing is synced.
pub const CRTX_DURABILITY_PROCESS_CRASH: u32 = 1;

/// Flag: accept a directory on a network filesystem, although OS locks cannot be trusted there.
pub const CRTX_ALLOW_NETWORK_FILESYSTEM: u32 = 1;
/// Flag: accept a directory that everybody may write to, although anybody can remove the files.
pub const CRTX_ALLOW_SHARED_DIRECTORY: u32 = 2;

/// crtx_marker.state: there is no marker; the store is free.
pub const CRTX_MARKER_ABSENT: u32 = 1;
/// crtx_marker.state: another process holds an OS lock; nobody may take over.
pub const CRTX_MARKER_HELD: u32 = 2;
/// crtx_marker.state: a handle of this process, of any thread, owns the marker.
pub const CRTX_MARKER_HELD_BY_THIS_PROCESS: u32 = 3;
/// crtx_marker.state: a marker without a holder; only a signed attestation moves it aside.
pub const CRTX_MARKER_STALE: u32 = 4;
/// crtx_marker.state: nobody holds it and its text cannot be parsed.
pub const CRTX_MARKER_MALFORMED: u32 = 5;

/// Bytes of an Ed25519 seed.
pub const CRTX_SEED_SIZE: usize = 32;
/// Bytes of an Ed25519 public key.
pub const CRTX_PUBLIC_KEY_SIZE: usize = 32;
/// Bytes of a detached Ed25519 signature.
pub const CRTX_SIGNATURE_SIZE: usize = 64;
/// Bytes of a digest's text, "blake3:" and 64 hex digits, with the terminating NUL.
pub const CRTX_DIGEST_SIZE: usize = 72;
/// Bytes of an operator principal, "operator:" and 64 hex digits, with the terminating NUL.
pub const CRTX_PRINCIPAL_SIZE: usize = 74;
/// What stale_path wants beyond strlen(marker_path), with the terminating NUL.
pub const CRTX_STALE_PATH_EXTRA: usize = 32;

/// A lock's handle: a value, copied freely, never dereferenced. All-zero is never valid. Threads
/// may share it. Used after its release, made up, or of another process, it is refused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct crtx_lock {
    /// Not for the caller.
    pub opaque: u64,
}

/// Why a call failed. The caller owns it and sets struct_size (CRTX_ERROR_INIT); every call that is
/// given one fills it, with CRTX_OK and empty texts on success. Fields that do not fit into
/// struct_size are left out; under 16 nothing is written. One thread at a time may use it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct crtx_error {
    /// sizeof(crtx_error), set by the caller.
    pub struct_size: u32,
    /// The same as the return value.
    pub status: crtx_status,
    /// errno, on Windows GetLastError(); 0 where the operating system had no part in it.
    pub os_error: i32,
    /// CRTX_MARKER_*: what was found, for status 20 to 23; otherwise 0.
    pub marker_state: u32,
    /// The step that failed, such as "marker publish". Ends in NUL.
    pub operation: [c_char; 64],
    /// One English sentence for people. It names the file, escaped, a long path shortened in the
    /// middle. Ends in NUL.
    pub message: [c_char; 1024],
}

/// Who acquires, for what, and how. Start from CRTX_LOCK_OPTIONS_INIT. The texts are UTF-8 and are
/// copied before the call returns.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct crtx_lock_options {
    /// sizeof(crtx_lock_options), set by the caller.
    pub struct_size: u32,
    /// CRTX_DURABILITY_*.
    pub durability: u32,
    /// CRTX_ALLOW_*, or-ed.
    pub flags: u64,
    /// How long to wait for a holder, in milliseconds; 0 makes one attempt. A stale marker is never
    /// waited for.
    pub timeout_ms: u32,
    /// 0.
    pub reserved: u32,
    /// The deployment, 1 to 255 bytes without control characters.
    pub deployment_id: *const c_char,
    /// The operator, 1 to 255 bytes without control characters.
    pub operator_principal_id: *const c_char,
    /// The digest that crtx_intent_verify() gave: "blake3:" and 64 lowercase hex digits.
    pub restore_intent_blake3: *const c_char,
    /// The host to name in the marker, 0 to 255 bytes; NULL for this machine's name.
    pub host: *const c_char,
}

/// A marker as it was found. The caller owns it and sets struct_size (CRTX_MARKER_INIT), 8 to
/// 4,096; what it holds is filled, the rest of it zeroed. Texts end in NUL and are empty where the
/// marker is absent or cannot be parsed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct crtx_marker {
    /// sizeof(crtx_marker), set by the caller.
    pub struct_size: u32,
    /// CRTX_MARKER_*.
    pub state: u32,
    /// The holder's process id, in its own pid namespace; evidence for people only.
    pub pid: u32,
    /// 0.
    pub reserved: u32,
    /// When the lock was acquired, in nanoseconds since 1970.
    pub acquired_at_unix_ns: i64,
    /// The same as the marker writes it (RFC 3339).
    pub acquired_at: [c_char; 64],
    /// The holder's host; evidence for people only.
    pub host: [c_char; 256],
    /// The deployment.
    pub deployment_id: [c_char; 256],
    /// The operator who authorized the restore.
    pub operator_principal_id: [c_char; 256],
    /// "production".
    pub scope: [c_char; 32],
    /// The digest of the restore intent.
    pub restore_intent_blake3: [c_char; 80],
    /// The digest of the marker's own bytes; of a malformed marker too, up to 1 MiB.
    pub marker_blake3: [c_char; 80],
}

/// A signed document, and what the caller knows without it. Start from CRTX_SIGNED_DOCUMENT_INIT.
/// Nothing of it is kept after the call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct crtx_signed_document {
    /// sizeof(crtx_signed_document), set by the caller.
    pub struct_size: u32,
    /// CRTX_ALLOW_*, or-ed, for the calls that take a marker_path.
    pub flags: u32,
    /// The raw bytes that were signed, at most 65,536.
    pub payload: *const u8,
    /// Bytes of the payload.
    pub payload_len: usize,
    /// The detached signature.
    pub signature: *const u8,
    /// Bytes of the signature: 64.
    pub signature_len: usize,
    /// The operator's public key that the caller trusts.
    pub public_key: *const u8,
    /// Bytes of the public key: 32.
    pub public_key_len: usize,
    /// This deployment, UTF-8, 1 to 255 bytes.
    pub deployment_id: *const c_char,
    /// The time to verify at, in nanoseconds since 1970; 0 for the system clock.
    pub now_unix_ns: i64,
}

/// What a restore is about to do, to be found in the operator's intent. Start from
/// CRTX_INTENT_EXPECTATION_INIT. Paths are UTF-8, absolute, without "." and "..", at most 4,096
/// bytes; digests are "blake3:" and 64 lowercase hex digits.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct crtx_intent_expectation {
    /// sizeof(crtx_intent_expectation), set by the caller.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// The database that will be replaced.
    pub active_db_path: *const c_char,
    /// The event log that will be replaced.
    pub active_event_log_path: *const c_char,
    /// The digest of the backup's manifest.
    pub backup_manifest_blake3: *const c_char,
    /// The digest of the staged database.
    pub staged_sqlite_blake3: *const c_char,
    /// The digest of the staged event log.
    pub staged_jsonl_blake3: *const c_char,
}
