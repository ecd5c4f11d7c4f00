// SPDX-License-Identifier: MIT OR Apache-2.0
//! The status numbers of the C header. A test holds them against the one table in `error.rs`;
//! cbindgen does not expand macros, so they cannot be made from it.

use std::os::raw::c_char;

use super::types::crtx_status;
use crate::error::Status;

/// The call succeeded.
pub const CRTX_OK: crtx_status = 0;
/// An argument is missing, out of range, not UTF-8, or a reserved name; correct the call.
pub const CRTX_E_INVALID_ARGUMENT: crtx_status = 1;
/// The lock handle is zero, was released before, or was never given out; correct the program.
pub const CRTX_E_BAD_HANDLE: crtx_status = 2;
/// The handle belongs to the parent process; a forked child must acquire a lock of its own.
pub const CRTX_E_FORKED: crtx_status = 3;
/// The output does not fit the buffer; call again with the size that out_needed tells.
pub const CRTX_E_BUFFER_TOO_SMALL: crtx_status = 4;
/// A marker is there: wait for the holder if it is held, or have an operator attest a takeover if
/// it is stale.
pub const CRTX_E_MARKER_EXISTS: crtx_status = 20;
/// Somebody holds the OS lock at this moment; nobody may take over, so wait and try again.
pub const CRTX_E_CONTENDED: crtx_status = 21;
/// There is no marker to read, to quarantine or to take over; the store is free.
pub const CRTX_E_MARKER_ABSENT: crtx_status = 22;
/// The marker or its companion is gone or is no longer ours; stop writing to the store and find
/// out who removed it.
pub const CRTX_E_LOST: crtx_status = 23;
/// The operating system refused a step; os_error and operation tell which and why.
pub const CRTX_E_IO: crtx_status = 40;
/// The directory that should hold the marker does not exist; create it or correct the path.
pub const CRTX_E_NO_PARENT_DIRECTORY: crtx_status = 41;
/// A lock file is a symlink, FIFO, socket, device or directory, or has more than one link; find
/// out who put it there.
pub const CRTX_E_NOT_REGULAR_FILE: crtx_status = 42;
/// The directory is writable by everybody, or a lock file belongs to another user; correct owner
/// and mode.
pub const CRTX_E_INSECURE_PERMISSIONS: crtx_status = 43;
/// The directory is on a network filesystem, where OS locks cannot be trusted; use a local one,
/// or allow it by flag.
pub const CRTX_E_UNSUPPORTED_FILESYSTEM: crtx_status = 44;
/// The marker's name leaves no room for the 44 bytes that the longest derived name adds; use a
/// shorter name.
pub const CRTX_E_NAME_TOO_LONG: crtx_status = 45;
/// A file or document is over its size limit.
pub const CRTX_E_TOO_LARGE: crtx_status = 46;
/// The marker cannot be parsed; it is quarantined only with an attestation that names its digest.
pub const CRTX_E_MARKER_MALFORMED: crtx_status = 47;
/// The public key is not 32 bytes, not canonical, of small order, or of mixed order; use a proper
/// Ed25519 key.
pub const CRTX_E_UNTRUSTED_KEY: crtx_status = 60;
/// The signature is not exactly 64 raw bytes; pass the detached signature, not an encoding of it.
pub const CRTX_E_SIGNATURE_LENGTH: crtx_status = 61;
/// The signature does not hold for these bytes and this key; nothing in the document is to be
/// believed.
pub const CRTX_E_BAD_SIGNATURE: crtx_status = 62;
/// The signed payload is not the strict JSON object that its kind demands.
pub const CRTX_E_PAYLOAD_MALFORMED: crtx_status = 63;
/// The signed document is of another kind than this call wants.
pub const CRTX_E_KIND_MISMATCH: crtx_status = 64;
/// The signed document has a schema version that this library does not know.
pub const CRTX_E_SCHEMA_MISMATCH: crtx_status = 65;
/// The document names an operator principal that is not the one derived from the verifying key.
pub const CRTX_E_PRINCIPAL_MISMATCH: crtx_status = 66;
/// The document, the marker and the caller do not name the same deployment.
pub const CRTX_E_DEPLOYMENT_MISMATCH: crtx_status = 67;
/// The document is not valid yet; check the clocks, or wait.
pub const CRTX_E_NOT_YET_VALID: crtx_status = 68;
/// The document has expired; have the operator sign a new one.
pub const CRTX_E_EXPIRED: crtx_status = 69;
/// The document's validity window ends before it begins, or is longer than 86,700 seconds.
pub const CRTX_E_WINDOW_INVALID: crtx_status = 70;
/// The attestation names another process than the marker on disk; attest the marker that is
/// there.
pub const CRTX_E_STALE_PID_MISMATCH: crtx_status = 71;
/// The attestation names another time than the marker on disk; attest the marker that is there.
pub const CRTX_E_STALE_TIME_MISMATCH: crtx_status = 72;
/// The attestation names another digest than that of the marker on disk; attest the marker that
/// is there.
pub const CRTX_E_STALE_DIGEST_MISMATCH: crtx_status = 73;
/// The justification is blank, over 1,024 bytes, or has control characters; write one plain
/// sentence.
pub const CRTX_E_JUSTIFICATION_INVALID: crtx_status = 74;
/// The restore intent authorizes another path than the one to be restored.
pub const CRTX_E_PATH_MISMATCH: crtx_status = 75;
/// The restore intent authorizes other bytes than those that are staged.
pub const CRTX_E_DIGEST_MISMATCH: crtx_status = 76;
/// The evidence is missing, or does not fit the quarantined marker.
pub const CRTX_E_EVIDENCE_INVALID: crtx_status = 77;
/// The library caught a fault of its own; the handle, if any, still exists; please report it.
pub const CRTX_E_INTERNAL: crtx_status = 120;

/// The name of a status, such as "CRTX_E_CONTENDED"; "CRTX_E_UNKNOWN" for a number that this
/// library does not know. Never NULL; the text lives as long as the program. Any thread may call
/// this.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_status_name(status: crtx_status) -> *const c_char {
    let name = Status::from_number(status).map_or("CRTX_E_UNKNOWN\0", Status::c_name);
    name.as_ptr().cast()
}

/// One sentence on a status: what it means and what to do. Never NULL; the text lives as long as
/// the program. Any thread may call this. The message in crtx_error says more: it names the file.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_status_message(status: crtx_status) -> *const c_char {
    const UNKNOWN: &str = "This library does not know the status; a newer one may.\0";
    Status::from_number(status).map_or(UNKNOWN, Status::c_message).as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The constants above, read from this very file.
    fn constants() -> Vec<(String, i32)> {
        let lines = include_str!("status.rs").lines();
        let constants = lines
            .filter_map(|line| line.strip_prefix("pub const ")?.split_once(": crtx_status = "));
        constants
            .map(|(name, number)| (name.to_owned(), number.trim_end_matches(';').parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_header_has_the_numbers_of_the_one_table() {
        let table: Vec<(String, i32)> =
            Status::ALL.iter().map(|status| (status.name().to_owned(), status.number())).collect();
        assert_eq!(constants(), table);
    }
}
