// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library by its C ABI, as C programs call it: include/crtx.h by hand, as far as it is measured.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use crate::Result;

pub const FULL: u32 = 0;
pub const PROCESS_CRASH: u32 = 1;
pub const OK: i32 = 0;
pub const MARKER_EXISTS: i32 = 20;
pub const STATE_ABSENT: u32 = 1;
pub const STATE_HELD: u32 = 2;
pub const STATE_STALE: u32 = 4;
pub const DEPLOYMENT: &CStr = c"bench";
const DIGEST: &CStr = c"blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const OPERATOR: &CStr =
    c"operator:6a2ad0b4c1e1d3b6d0cf2b3fbd2b5d1c0c5a9df6b5a3e1f7a8b9c0d1e2f30415";

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Handle(u64);

#[repr(C)]
pub struct CError {
    struct_size: u32,
    status: i32,
    os_error: i32,
    marker_state: u32,
    operation: [c_char; 64],
    message: [c_char; 1024],
}

#[repr(C)]
struct LockOptions {
    struct_size: u32,
    durability: u32,
    flags: u64,
    timeout_ms: u32,
    reserved: u32,
    deployment_id: *const c_char,
    operator_principal_id: *const c_char,
    restore_intent_blake3: *const c_char,
    host: *const c_char,
}

#[repr(C)]
pub struct Marker {
    struct_size: u32,
    pub state: u32,
    pid: u32,
    reserved: u32,
    acquired_at_unix_ns: i64,
    acquired_at: [c_char; 64],
    host: [c_char; 256],
    deployment_id: [c_char; 256],
    operator_principal_id: [c_char; 256],
    scope: [c_char; 32],
    restore_intent_blake3: [c_char; 80],
    marker_blake3: [c_char; 80],
}

#[repr(C)]
struct SignedDocument {
    struct_size: u32,
    flags: u32,
    payload: *const u8,
    payload_len: usize,
    signature: *const u8,
    signature_len: usize,
    public_key: *const u8,
    public_key_len: usize,
    deployment_id: *const c_char,
    now_unix_ns: i64,
}

#[repr(C)]
struct IntentExpectation {
    struct_size: u32,
    reserved: u32,
    active_db_path: *const c_char,
    active_event_log_path: *const c_char,
    backup_manifest_blake3: *const c_char,
    staged_sqlite_blake3: *const c_char,
    staged_jsonl_blake3: *const c_char,
}

#[rustfmt::skip]
unsafe extern "C" {
    fn crtx_lock_acquire(path: *const c_char, options: *const LockOptions, lock: *mut Handle, error: *mut CError) -> i32;
    fn crtx_lock_check(lock: Handle, error: *mut CError) -> i32;
    fn crtx_lock_leak(lock: Handle, error: *mut CError) -> i32;
    fn crtx_lock_release(lock: Handle, error: *mut CError) -> i32;
    fn crtx_marker_inspect(path: *const c_char, marker: *mut Marker, error: *mut CError) -> i32;
    fn crtx_marker_read(path: *const c_char, buffer: *mut u8, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_quarantine(path: *const c_char, document: *const SignedDocument, stale: *mut c_char, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_takeover(path: *const c_char, document: *const SignedDocument, options: *const LockOptions, lock: *mut Handle, stale: *mut c_char, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_takeover_build(path: *const c_char, deployment: *const c_char, key: *const u8, key_len: usize, why: *const c_char, seconds: u32, now: i64, buffer: *mut u8, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_intent_build(deployment: *const c_char, intent: *const IntentExpectation, key: *const u8, key_len: usize, seconds: u32, now: i64, buffer: *mut u8, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_intent_verify(document: *const SignedDocument, expected: *const IntentExpectation, digest: *mut c_char, capacity: usize, needed: *mut usize, error: *mut CError) -> i32;
    fn crtx_sign(seed: *const u8, seed_len: usize, payload: *const u8, len: usize, signature: *mut u8, capacity: usize, error: *mut CError) -> i32;
    fn crtx_public_key(seed: *const u8, seed_len: usize, key: *mut u8, capacity: usize, error: *mut CError) -> i32;
    fn crtx_version() -> *const c_char;
}

impl CError {
    fn new() -> CError {
        // SAFETY: all fields are numbers or arrays of numbers, for which zero is a value.
        let mut error: CError = unsafe { std::mem::zeroed() };
        error.struct_size = size_of::<CError>() as u32;
        error
    }

    fn text(&self) -> String {
        // SAFETY: the library terminates what it writes, and the array is zero before that.
        let message = unsafe { CStr::from_ptr(self.message.as_ptr()) };
        format!("status {}: {}", self.status, message.to_string_lossy())
    }

    fn expect(&self, status: i32, wanted: i32) -> Result<()> {
        if status == wanted { Ok(()) } else { Err(self.text().into()) }
    }
}

fn options(durability: u32, timeout_ms: u32) -> LockOptions {
    LockOptions {
        struct_size: size_of::<LockOptions>() as u32,
        durability,
        flags: 0,
        timeout_ms,
        reserved: 0,
        deployment_id: DEPLOYMENT.as_ptr(),
        operator_principal_id: OPERATOR.as_ptr(),
        restore_intent_blake3: DIGEST.as_ptr(),
        host: ptr::null(),
    }
}

/// The version that the library itself tells.
pub fn version() -> String {
    // SAFETY: the function gives a constant text.
    unsafe { CStr::from_ptr(crtx_version()) }.to_string_lossy().into_owned()
}

pub fn acquire(path: &CStr, durability: u32, timeout_ms: u32) -> Result<Handle> {
    let (mut lock, mut error) = (Handle::default(), CError::new());
    // SAFETY: all pointers are to values that outlive the call.
    let status = unsafe {
        crtx_lock_acquire(path.as_ptr(), &options(durability, timeout_ms), &mut lock, &mut error)
    };
    error.expect(status, OK).map(|()| lock)
}

/// An acquire that finds a marker, held or stale.
pub fn be_refused(path: &CStr) -> Result<()> {
    let (mut lock, mut error) = (Handle::default(), CError::new());
    // SAFETY: all pointers are to values that outlive the call.
    let status =
        unsafe { crtx_lock_acquire(path.as_ptr(), &options(FULL, 0), &mut lock, &mut error) };
    error.expect(status, MARKER_EXISTS)
}

pub fn release(lock: Handle) -> Result<()> {
    let mut error = CError::new();
    // SAFETY: a handle is a value, and `error` outlives the call.
    let status = unsafe { crtx_lock_release(lock, &mut error) };
    error.expect(status, OK)
}

pub fn check(lock: Handle) -> Result<()> {
    let mut error = CError::new();
    // SAFETY: a handle is a value, and `error` outlives the call.
    let status = unsafe { crtx_lock_check(lock, &mut error) };
    error.expect(status, OK)
}

/// Acquires and dies, so to speak: the marker stays, and nobody holds its locks.
pub fn leave_stale(path: &CStr) -> Result<()> {
    let lock = acquire(path, PROCESS_CRASH, 0)?;
    let mut error = CError::new();
    // SAFETY: a handle is a value, and `error` outlives the call.
    let status = unsafe { crtx_lock_leak(lock, &mut error) };
    error.expect(status, OK)?;
    release(lock)
}

pub fn inspect(path: &CStr, marker: &mut Marker) -> Result<u32> {
    let mut error = CError::new();
    // SAFETY: all pointers are to values that outlive the call.
    let status = unsafe { crtx_marker_inspect(path.as_ptr(), marker, &mut error) };
    error.expect(status, OK).map(|()| marker.state)
}

pub fn empty_marker() -> Box<Marker> {
    // SAFETY: all fields are numbers or arrays of numbers, for which zero is a value.
    let mut marker: Box<Marker> = Box::new(unsafe { std::mem::zeroed() });
    marker.struct_size = size_of::<Marker>() as u32;
    marker
}

/// The bytes of the marker at `path`.
pub fn read(path: &CStr) -> Result<Vec<u8>> {
    let (mut buffer, mut needed, mut error) = (vec![0_u8; 4097], 0, CError::new());
    // SAFETY: the buffer has the capacity that is told.
    let status = unsafe {
        crtx_marker_read(path.as_ptr(), buffer.as_mut_ptr(), buffer.len(), &mut needed, &mut error)
    };
    error.expect(status, OK)?;
    buffer.truncate(needed - 1);
    Ok(buffer)
}

/// An operator's key pair.
pub struct Key {
    seed: [u8; 32],
    pub public: [u8; 32],
}

impl Key {
    /// The key of a seed of the benchmark's own.
    pub fn of(seed: u8) -> Result<Key> {
        let (mut key, mut error) = (Key { seed: [seed; 32], public: [0; 32] }, CError::new());
        // SAFETY: both arrays have the lengths that are told.
        let status = unsafe {
            crtx_public_key(key.seed.as_ptr(), 32, key.public.as_mut_ptr(), 32, &mut error)
        };
        error.expect(status, OK).map(|()| key)
    }

    fn sign(&self, payload: Vec<u8>) -> Result<Document> {
        let (mut signature, mut error) = ([0_u8; 64], CError::new());
        // SAFETY: the slices have the lengths that are told.
        let status = unsafe {
            crtx_sign(
                self.seed.as_ptr(),
                32,
                payload.as_ptr(),
                payload.len(),
                signature.as_mut_ptr(),
                64,
                &mut error,
            )
        };
        error.expect(status, OK)?;
        Ok(Document { payload, signature, public_key: self.public })
    }

    /// A takeover attestation for the marker at `path`.
    pub fn attest(&self, path: &CStr) -> Result<Document> {
        let (mut buffer, mut needed, mut error) = (vec![0_u8; 8192], 0, CError::new());
        // SAFETY: the key and the buffer have the lengths that are told.
        let status = unsafe {
            crtx_takeover_build(
                path.as_ptr(),
                ptr::null(),
                self.public.as_ptr(),
                32,
                c"its process has ended".as_ptr(),
                3600,
                0,
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut needed,
                &mut error,
            )
        };
        error.expect(status, OK)?;
        buffer.truncate(needed - 1);
        self.sign(buffer)
    }

    /// A restore intent, as [`verify`] expects it.
    pub fn intend(&self) -> Result<Document> {
        let (mut buffer, mut needed, mut error) = (vec![0_u8; 8192], 0, CError::new());
        // SAFETY: the key and the buffer have the lengths that are told.
        let status = unsafe {
            crtx_intent_build(
                DEPLOYMENT.as_ptr(),
                &INTENT,
                self.public.as_ptr(),
                32,
                86_400,
                0,
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut needed,
                &mut error,
            )
        };
        error.expect(status, OK)?;
        buffer.truncate(needed - 1);
        self.sign(buffer)
    }
}

const INTENT: IntentExpectation = IntentExpectation {
    struct_size: size_of::<IntentExpectation>() as u32,
    reserved: 0,
    active_db_path: c"/var/lib/bench/ledger.db".as_ptr(),
    active_event_log_path: c"/var/lib/bench/events.jsonl".as_ptr(),
    backup_manifest_blake3: DIGEST.as_ptr(),
    staged_sqlite_blake3: DIGEST.as_ptr(),
    staged_jsonl_blake3: DIGEST.as_ptr(),
};

pub struct Document {
    pub payload: Vec<u8>,
    pub signature: [u8; 64],
    pub public_key: [u8; 32],
}

impl Document {
    fn as_c(&self) -> SignedDocument {
        SignedDocument {
            struct_size: size_of::<SignedDocument>() as u32,
            flags: 0,
            payload: self.payload.as_ptr(),
            payload_len: self.payload.len(),
            signature: self.signature.as_ptr(),
            signature_len: 64,
            public_key: self.public_key.as_ptr(),
            public_key_len: 32,
            deployment_id: DEPLOYMENT.as_ptr(),
            now_unix_ns: 0,
        }
    }
}

/// Verifies a restore intent, with everything in it.
pub fn verify(document: &Document) -> Result<()> {
    let (mut digest, mut error) = ([0 as c_char; 72], CError::new());
    let document = document.as_c();
    // SAFETY: what the document points to outlives the call, and so do the buffers.
    let status = unsafe {
        crtx_intent_verify(
            &document,
            &INTENT,
            digest.as_mut_ptr(),
            digest.len(),
            ptr::null_mut(),
            &mut error,
        )
    };
    error.expect(status, OK)
}

/// A buffer for the path that a stale marker is moved to.
pub fn stale_path_buffer(path: &CStr) -> Vec<c_char> {
    vec![0; path.count_bytes() + 32]
}

pub fn quarantine(path: &CStr, document: &Document, stale: &mut [c_char]) -> Result<()> {
    let mut error = CError::new();
    let document = document.as_c();
    // SAFETY: what the document points to outlives the call, and so does the buffer.
    let status = unsafe {
        crtx_quarantine(
            path.as_ptr(),
            &document,
            stale.as_mut_ptr(),
            stale.len(),
            ptr::null_mut(),
            &mut error,
        )
    };
    error.expect(status, OK)
}

pub fn take_over(path: &CStr, document: &Document, stale: &mut [c_char]) -> Result<Handle> {
    let (mut lock, mut error) = (Handle::default(), CError::new());
    let document = document.as_c();
    // SAFETY: what the document points to outlives the call, and so do the buffers.
    let status = unsafe {
        crtx_takeover(
            path.as_ptr(),
            &document,
            &options(FULL, 0),
            &mut lock,
            stale.as_mut_ptr(),
            stale.len(),
            ptr::null_mut(),
            &mut error,
        )
    };
    error.expect(status, OK).map(|()| lock)
}

/// The text in such a buffer.
pub fn text(buffer: &[c_char]) -> CString {
    let bytes: Vec<u8> = buffer.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    CString::new(bytes).unwrap_or_default()
}
