// SPDX-License-Identifier: MIT OR Apache-2.0
//! What C passes in, turned into Rust: NULL, sizes and encodings are checked here and only here.

use std::ffi::{CStr, OsStr};
use std::os::raw::c_char;
use std::path::Path;
use std::time::Duration;

use super::types::{
    CRTX_ALLOW_NETWORK_FILESYSTEM, CRTX_ALLOW_SHARED_DIRECTORY, CRTX_DURABILITY_FULL,
    CRTX_DURABILITY_PROCESS_CRASH, crtx_intent_expectation, crtx_lock_options,
    crtx_signed_document,
};
use crate::attestation::{IntentExpectation, SignedDocument};
use crate::error::{Error, Result};
use crate::lock::LockOptions;
use crate::publish::Durability;
use crate::site::Allow;

/// The largest struct that a newer caller may pass.
const MAX_STRUCT_SIZE: usize = 4096;

/// A struct that C callers pass in; it begins with `uint32_t struct_size`.
///
/// # Safety
///
/// The implementor is `repr(C)`, its first field is that size, and every bit pattern is a value.
pub(super) unsafe trait InputStruct: Copy {
    const NAME: &'static str;
}

// SAFETY: repr(C), begins with struct_size, and holds integers and raw pointers only.
unsafe impl InputStruct for crtx_lock_options {
    const NAME: &'static str = "crtx_lock_options";
}
// SAFETY: as above.
unsafe impl InputStruct for crtx_signed_document {
    const NAME: &'static str = "crtx_signed_document";
}
// SAFETY: as above.
unsafe impl InputStruct for crtx_intent_expectation {
    const NAME: &'static str = "crtx_intent_expectation";
}

/// Copies a struct in. Smaller than version 1 is refused; of a larger one, the part that this
/// library does not know must be zero.
///
/// # Safety
///
/// `pointer` is NULL or points to a `struct_size` that is true.
pub(super) unsafe fn read_struct<T: InputStruct>(pointer: *const T) -> Result<T> {
    if pointer.is_null() {
        return Err(null(T::NAME));
    }
    // SAFETY: the struct begins with its size; C may have aligned it less than Rust would.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    let known = size_of::<T>();
    if size < known || size > MAX_STRUCT_SIZE {
        return Err(Error::argument(format!(
            "{}.struct_size is {size} instead of {known} to {MAX_STRUCT_SIZE}",
            T::NAME
        )));
    }
    // SAFETY: the caller vouches for `size` bytes, which are at least `known`.
    let tail = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if tail.iter().any(|byte| *byte != 0) {
        return Err(Error::argument(format!(
            "{} has a field set that this version of the library does not know",
            T::NAME
        )));
    }
    // SAFETY: `known` bytes are readable, and every bit pattern is a value.
    Ok(unsafe { pointer.read_unaligned() })
}

/// A NUL-terminated UTF-8 text.
///
/// # Safety
///
/// `pointer` is NULL or points to a NUL-terminated text that outlives `'a`.
pub(super) unsafe fn text<'a>(name: &str, pointer: *const c_char) -> Result<&'a str> {
    // SAFETY: passed on from the caller.
    unsafe { optional_text(name, pointer) }?.ok_or_else(|| null(name))
}

/// The same where NULL has a meaning.
///
/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn optional_text<'a>(
    name: &str,
    pointer: *const c_char,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so the caller vouches for the text.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|_| Error::argument(format!("{name} is not UTF-8")))
}

/// A path: on Unix any bytes without NUL, on Windows UTF-8.
///
/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn path<'a>(name: &str, pointer: *const c_char) -> Result<&'a Path> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, so the caller vouches for the text.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    if bytes.is_empty() {
        return Err(Error::argument(format!("{name} is empty")));
    }
    #[cfg(unix)]
    let path: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
    #[cfg(not(unix))]
    let path: &OsStr = std::str::from_utf8(bytes)
        .map_err(|_| Error::argument(format!("{name} is not UTF-8")))?
        .as_ref();
    Ok(Path::new(path))
}

/// A byte array.
///
/// # Safety
///
/// `pointer` is NULL or points to `length` readable bytes that outlive `'a`.
pub(super) unsafe fn bytes<'a>(name: &str, pointer: *const u8, length: usize) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if isize::try_from(length).is_err() {
        return Err(Error::argument(format!("{name} cannot be {length} bytes long")));
    }
    // SAFETY: not NULL, so the caller vouches for the bytes.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// # Safety
///
/// As for [`read_struct`], and the texts in it as for [`text`].
pub(super) unsafe fn lock_options(pointer: *const crtx_lock_options) -> Result<LockOptions> {
    // SAFETY: passed on from the caller.
    let options = unsafe { read_struct(pointer) }?;
    zero("crtx_lock_options.reserved", options.reserved)?;
    let durability = match options.durability {
        CRTX_DURABILITY_FULL => Durability::Full,
        CRTX_DURABILITY_PROCESS_CRASH => Durability::ProcessCrash,
        other => {
            return Err(Error::argument(format!(
                "durability is {other}, which is none of CRTX_DURABILITY_*"
            )));
        }
    };
    // SAFETY: the caller vouches for the texts.
    let (deployment_id, operator_principal_id, restore_intent_blake3, host) = unsafe {
        (
            text("deployment_id", options.deployment_id)?,
            text("operator_principal_id", options.operator_principal_id)?,
            text("restore_intent_blake3", options.restore_intent_blake3)?,
            optional_text("host", options.host)?,
        )
    };
    Ok(LockOptions {
        durability,
        allow: allow(options.flags)?,
        timeout: Duration::from_millis(options.timeout_ms.into()),
        deployment_id: deployment_id.to_owned(),
        operator_principal_id: operator_principal_id.to_owned(),
        restore_intent_blake3: restore_intent_blake3.to_owned(),
        host: host.map(str::to_owned),
    })
}

/// # Safety
///
/// As for [`read_struct`], and what it points to outlives `'a`.
pub(super) unsafe fn signed_document<'a>(
    pointer: *const crtx_signed_document,
) -> Result<(SignedDocument<'a>, Allow)> {
    // SAFETY: passed on from the caller.
    let document = unsafe { read_struct(pointer) }?;
    let allow = allow(document.flags.into())?;
    // SAFETY: the caller vouches for the arrays and the text.
    let document = unsafe {
        SignedDocument {
            payload: bytes("payload", document.payload, document.payload_len)?,
            signature: bytes("signature", document.signature, document.signature_len)?,
            public_key: bytes("public_key", document.public_key, document.public_key_len)?,
            deployment_id: text("deployment_id", document.deployment_id)?,
            now_unix_ns: document.now_unix_ns,
        }
    };
    Ok((document, allow))
}

/// # Safety
///
/// As for [`read_struct`], and the texts in it outlive `'a`.
pub(super) unsafe fn intent_expectation<'a>(
    pointer: *const crtx_intent_expectation,
) -> Result<IntentExpectation<'a>> {
    // SAFETY: passed on from the caller.
    let intent = unsafe { read_struct(pointer) }?;
    zero("crtx_intent_expectation.reserved", intent.reserved)?;
    // SAFETY: the caller vouches for the texts.
    unsafe {
        Ok(IntentExpectation {
            active_db_path: text("active_db_path", intent.active_db_path)?,
            active_event_log_path: text("active_event_log_path", intent.active_event_log_path)?,
            backup_manifest_blake3: text("backup_manifest_blake3", intent.backup_manifest_blake3)?,
            staged_sqlite_blake3: text("staged_sqlite_blake3", intent.staged_sqlite_blake3)?,
            staged_jsonl_blake3: text("staged_jsonl_blake3", intent.staged_jsonl_blake3)?,
        })
    }
}

fn allow(flags: u64) -> Result<Allow> {
    let (network, shared) =
        (u64::from(CRTX_ALLOW_NETWORK_FILESYSTEM), u64::from(CRTX_ALLOW_SHARED_DIRECTORY));
    if flags & !(network | shared) != 0 {
        return Err(Error::argument(format!(
            "flags {flags:#x} has a bit that is none of CRTX_ALLOW_*"
        )));
    }
    Ok(Allow { network_filesystem: flags & network != 0, shared_directory: flags & shared != 0 })
}

fn zero(name: &str, value: u32) -> Result<()> {
    if value == 0 {
        Ok(())
    } else {
        Err(Error::argument(format!("{name} is {value} instead of 0")))
    }
}

pub(super) fn null(name: &str) -> Error {
    Error::argument(format!("{name} is NULL"))
}
