// SPDX-License-Identifier: MIT OR Apache-2.0
//! Arguments from C into Rust. Nothing here touches the disk, and nothing is trusted but the
//! pointers, which no callee can check. Limits on texts are the core's business.

use std::ffi::{CStr, c_char};
use std::fmt::{self, Display};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;

use super::types::{
    CRTX_ALLOW_NETWORK_FILESYSTEM, CRTX_ALLOW_SHARED_DIRECTORY, CRTX_DURABILITY_FULL,
    CRTX_DURABILITY_PROCESS_CRASH, crtx_intent_expectation, crtx_lock_options,
    crtx_signed_document,
};
use crate::attestation::{IntentExpectation, SignedDocument};
use crate::{Allow, Durability, Error, LockOptions, Result};

/// The largest struct that is accepted from a program newer than this library.
pub(super) const MAX_STRUCT_SIZE: usize = 4096;

/// A field of an argument, by names. The text is made only where it is to be read.
#[derive(Debug, Clone, Copy)]
struct Field<'a>(&'a str, &'a str);

impl Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A pointer that must not be NULL.
pub(super) fn required<T>(name: impl Display, pointer: *mut T) -> Result<NonNull<T>> {
    NonNull::new(pointer).ok_or_else(|| Error::argument(format!("{name} is NULL")))
}

/// A length or capacity that an object in memory can have: no more than `isize::MAX`.
pub(super) fn plausible_size(name: impl Display, size: usize) -> Result<usize> {
    if isize::try_from(size).is_ok() {
        Ok(size)
    } else {
        Err(Error::argument(format!("the size of {name} is more than any object can have")))
    }
}

/// A text that must be there.
///
/// # Safety
///
/// `pointer` is NULL or a NUL-terminated text that outlives `'a`.
pub(super) unsafe fn text<'a>(name: impl Display, pointer: *const c_char) -> Result<&'a str> {
    // SAFETY: as the caller's.
    let text = unsafe { terminated(&name, pointer)? };
    text.to_str().map_err(|_| Error::argument(format!("{name} is not UTF-8")))
}

/// A text that may be NULL.
///
/// # Safety
///
/// As [`text`].
pub(super) unsafe fn optional_text<'a>(
    name: impl Display,
    pointer: *const c_char,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller's.
    unsafe { text(name, pointer) }.map(Some)
}

/// A path: on Unix any bytes, elsewhere UTF-8; never empty.
///
/// # Safety
///
/// As [`text`].
pub(super) unsafe fn path<'a>(name: &str, pointer: *const c_char) -> Result<&'a Path> {
    // SAFETY: as the caller's.
    let text = unsafe { terminated(name, pointer)? };
    let path = crate::sys::path_from_c(text.to_bytes())
        .ok_or_else(|| Error::argument(format!("{name} is not UTF-8")))?;
    if path.as_os_str().is_empty() {
        return Err(Error::argument(format!("{name} is empty")));
    }
    Ok(path)
}

unsafe fn terminated<'a>(name: impl Display, pointer: *const c_char) -> Result<&'a CStr> {
    let pointer = required(name, pointer.cast_mut())?;
    // SAFETY: it is not NULL, and the caller promises the rest.
    Ok(unsafe { CStr::from_ptr(pointer.as_ptr()) })
}

/// Bytes that must be there; their number may be 0.
///
/// # Safety
///
/// `pointer` is NULL or points to `len` bytes that outlive `'a`.
pub(super) unsafe fn bytes<'a>(
    name: impl Display,
    pointer: *const u8,
    len: usize,
) -> Result<&'a [u8]> {
    let pointer = required(&name, pointer.cast_mut())?;
    let len = plausible_size(name, len)?;
    // SAFETY: it is not NULL and the length is one that a slice can have; the caller promises the
    // rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer.as_ptr(), len) })
}

/// Bytes that may be NULL if there are none: what other languages pass for an empty array.
///
/// # Safety
///
/// As [`bytes`].
pub(super) unsafe fn bytes_or_none<'a>(
    name: &str,
    pointer: *const u8,
    len: usize,
) -> Result<&'a [u8]> {
    if pointer.is_null() && len == 0 {
        return Ok(&[]);
    }
    // SAFETY: as the caller's.
    unsafe { bytes(name, pointer, len) }
}

/// A struct of C that begins with its own size.
///
/// # Safety
///
/// `repr(C)`, begins with `struct_size: u32`, is valid for any bit pattern, and has no padding at
/// its end.
unsafe trait SizedInput: Copy {}

// SAFETY: numbers and raw pointers only; the tests check the rest.
unsafe impl SizedInput for crtx_lock_options {}
// SAFETY: as above.
unsafe impl SizedInput for crtx_signed_document {}
// SAFETY: as above.
unsafe impl SizedInput for crtx_intent_expectation {}

/// A copy of the caller's struct, once its size is accepted: not smaller than version 1, and what
/// this version does not know is all zero.
///
/// # Safety
///
/// `pointer` is NULL or points to as many bytes as the `u32` at its beginning says, at least four.
unsafe fn sized<T: SizedInput>(name: &str, pointer: *const T) -> Result<T> {
    let bytes = required(name, pointer.cast_mut())?.as_ptr().cast_const().cast::<u8>();
    // SAFETY: not NULL, and there are four bytes at least. Unaligned, since no callee can know.
    let size = unsafe { bytes.cast::<u32>().read_unaligned() } as usize;
    let known = size_of::<T>();
    if !(known..=MAX_STRUCT_SIZE).contains(&size) {
        return Err(Error::argument(format!(
            "{name}.struct_size is {size}; it must be {known} to {MAX_STRUCT_SIZE}"
        )));
    }
    // SAFETY: the caller promises `size` bytes.
    let tail = unsafe { std::slice::from_raw_parts(bytes.add(known), size - known) };
    if tail.iter().any(|byte| *byte != 0) {
        return Err(Error::argument(format!(
            "{name} uses fields that this version of the library does not know"
        )));
    }
    // SAFETY: there are `known` bytes, and T is valid for any of them.
    Ok(unsafe { ptr::read_unaligned(bytes.cast::<T>()) })
}

fn reserved(name: &str, value: u32) -> Result<()> {
    if value == 0 { Ok(()) } else { Err(Error::argument(format!("{name}.reserved is not zero"))) }
}

fn allow(name: &str, flags: u64) -> Result<Allow> {
    let network = u64::from(CRTX_ALLOW_NETWORK_FILESYSTEM);
    let shared = u64::from(CRTX_ALLOW_SHARED_DIRECTORY);
    if flags & !(network | shared) != 0 {
        return Err(Error::argument(format!("{name}.flags has an unknown flag: {flags:#x}")));
    }
    Ok(Allow { network_filesystem: flags & network != 0, shared_directory: flags & shared != 0 })
}

fn durability(value: u32) -> Result<Durability> {
    match value {
        CRTX_DURABILITY_FULL => Ok(Durability::Full),
        CRTX_DURABILITY_PROCESS_CRASH => Ok(Durability::ProcessCrash),
        _ => Err(Error::argument(format!("options.durability is unknown: {value}"))),
    }
}

/// The options of acquire and takeover.
///
/// # Safety
///
/// `pointer` is NULL or points to a struct as the header describes it.
pub(super) unsafe fn lock_options(pointer: *const crtx_lock_options) -> Result<LockOptions> {
    // SAFETY: as the caller's.
    let options = unsafe { sized("options", pointer)? };
    reserved("options", options.reserved)?;
    // SAFETY: as the caller's.
    let required =
        |field, pointer| unsafe { text(Field("options", field), pointer) }.map(str::to_owned);
    // SAFETY: as the caller's.
    let host = unsafe { optional_text(Field("options", "host"), options.host)? };
    Ok(LockOptions {
        durability: durability(options.durability)?,
        allow: allow("options", options.flags)?,
        timeout: Duration::from_millis(options.timeout_ms.into()),
        deployment_id: required("deployment_id", options.deployment_id)?,
        operator_principal_id: required("operator_principal_id", options.operator_principal_id)?,
        restore_intent_blake3: required("restore_intent_blake3", options.restore_intent_blake3)?,
        host: host.map(str::to_owned),
    })
}

/// A document as the core wants it, and the flags that came with it.
#[derive(Debug)]
pub(super) struct DocumentInput<'a> {
    pub(super) document: SignedDocument<'a>,
    pub(super) allow: Allow,
}

/// A signed document.
///
/// # Safety
///
/// `pointer` is NULL or points to a struct as the header describes it, whose texts and bytes
/// outlive `'a`.
pub(super) unsafe fn signed_document<'a>(
    name: &str,
    pointer: *const crtx_signed_document,
) -> Result<DocumentInput<'a>> {
    let field = |field| Field(name, field);
    // SAFETY: as the caller's.
    unsafe {
        let given = sized(name, pointer)?;
        Ok(DocumentInput {
            allow: allow(name, given.flags.into())?,
            document: SignedDocument {
                payload: bytes(field("payload"), given.payload, given.payload_len)?,
                signature: bytes(field("signature"), given.signature, given.signature_len)?,
                public_key: bytes(field("public_key"), given.public_key, given.public_key_len)?,
                deployment_id: text(field("deployment_id"), given.deployment_id)?,
                now_unix_ns: given.now_unix_ns,
            },
        })
    }
}

/// What a restore intent must authorize.
///
/// # Safety
///
/// As [`signed_document`].
pub(super) unsafe fn intent_expectation<'a>(
    name: &str,
    pointer: *const crtx_intent_expectation,
) -> Result<IntentExpectation<'a>> {
    // SAFETY: as the caller's.
    unsafe {
        let given = sized(name, pointer)?;
        reserved(name, given.reserved)?;
        let field = |field, pointer| text(Field(name, field), pointer);
        Ok(IntentExpectation {
            active_db_path: field("active_db_path", given.active_db_path)?,
            active_event_log_path: field("active_event_log_path", given.active_event_log_path)?,
            backup_manifest_blake3: field("backup_manifest_blake3", given.backup_manifest_blake3)?,
            staged_sqlite_blake3: field("staged_sqlite_blake3", given.staged_sqlite_blake3)?,
            staged_jsonl_blake3: field("staged_jsonl_blake3", given.staged_jsonl_blake3)?,
        })
    }
}

#[cfg(test)]
mod tests;
