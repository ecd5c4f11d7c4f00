// SPDX-License-Identifier: MIT OR Apache-2.0
//! The status numbers as literals, for the C header; the truth is the table of `Status`. They are
//! `i32` and not `crtx_status`, so that the header has them before the structs.

/// The call succeeded.
pub const CRTX_OK: i32 = 0;
/// An argument is missing, out of range, not UTF-8, or a reserved name; correct the call.
pub const CRTX_E_INVALID_ARGUMENT: i32 = 1;
/// The lock handle is zero, was released before, or was never given out; correct the program.
pub const CRTX_E_BAD_HANDLE: i32 = 2;
/// The handle belongs to the parent process; a forked child must acquire a lock of its own.
pub const CRTX_E_FORKED: i32 = 3;
/// The output does not fit the buffer; call again with the size that out_needed tells.
pub const CRTX_E_BUFFER_TOO_SMALL: i32 = 4;
/// A marker is there: wait for the holder if it is held, or have an operator attest a takeover if it is stale.
pub const CRTX_E_MARKER_EXISTS: i32 = 20;
/// Somebody holds the OS lock at this moment; nobody may take over, so wait and try again.
pub const CRTX_E_CONTENDED: i32 = 21;
/// There is no marker to read, to quarantine or to take over; the store is free.
pub const CRTX_E_MARKER_ABSENT: i32 = 22;
/// The marker or its companion is gone or is no longer ours; stop writing to the store and find out who removed it.
pub const CRTX_E_LOST: i32 = 23;
/// The operating system refused a step; os_error and operation tell which and why.
pub const CRTX_E_IO: i32 = 40;
/// The directory that should hold the marker does not exist; create it or correct the path.
pub const CRTX_E_NO_PARENT_DIRECTORY: i32 = 41;
/// A lock file is a symlink, FIFO, socket, device or directory, or has more than one link; find out who put it there.
pub const CRTX_E_NOT_REGULAR_FILE: i32 = 42;
/// The directory is writable by everybody, or a lock file belongs to another user; correct owner and mode.
pub const CRTX_E_INSECURE_PERMISSIONS: i32 = 43;
/// The directory is on a network filesystem, where OS locks cannot be trusted; use a local one, or allow it by flag.
pub const CRTX_E_UNSUPPORTED_FILESYSTEM: i32 = 44;
/// The marker's name leaves no room for the 44 bytes that the longest derived name adds; use a shorter name.
pub const CRTX_E_NAME_TOO_LONG: i32 = 45;
/// A file or document is over its size limit.
pub const CRTX_E_TOO_LARGE: i32 = 46;
/// The marker cannot be parsed; it is quarantined only with an attestation that names its digest.
pub const CRTX_E_MARKER_MALFORMED: i32 = 47;
/// The public key is not 32 bytes, not canonical, of small order, or of mixed order; use a proper Ed25519 key.
pub const CRTX_E_UNTRUSTED_KEY: i32 = 60;
/// The signature is not exactly 64 raw bytes; pass the detached signature, not an encoding of it.
pub const CRTX_E_SIGNATURE_LENGTH: i32 = 61;
/// The signature does not hold for these bytes and this key; nothing in the document is to be believed.
pub const CRTX_E_BAD_SIGNATURE: i32 = 62;
/// The signed payload is not the strict JSON object that its kind demands.
pub const CRTX_E_PAYLOAD_MALFORMED: i32 = 63;
/// The signed document is of another kind than this call wants.
pub const CRTX_E_KIND_MISMATCH: i32 = 64;
/// The signed document has a schema version that this library does not know.
pub const CRTX_E_SCHEMA_MISMATCH: i32 = 65;
/// The document names an operator principal that is not the one derived from the verifying key.
pub const CRTX_E_PRINCIPAL_MISMATCH: i32 = 66;
/// The document, the marker and the caller do not name the same deployment.
pub const CRTX_E_DEPLOYMENT_MISMATCH: i32 = 67;
/// The document is not valid yet; check the clocks, or wait.
pub const CRTX_E_NOT_YET_VALID: i32 = 68;
/// The document has expired; have the operator sign a new one.
pub const CRTX_E_EXPIRED: i32 = 69;
/// The document's validity window ends before it begins, or is longer than 86,700 seconds.
pub const CRTX_E_WINDOW_INVALID: i32 = 70;
/// The attestation names another process than the marker on disk; attest the marker that is there.
pub const CRTX_E_STALE_PID_MISMATCH: i32 = 71;
/// The attestation names another time than the marker on disk; attest the marker that is there.
pub const CRTX_E_STALE_TIME_MISMATCH: i32 = 72;
/// The attestation names another digest than that of the marker on disk; attest the marker that is there.
pub const CRTX_E_STALE_DIGEST_MISMATCH: i32 = 73;
/// The justification is blank, over 1,024 bytes, or has control characters; write one plain sentence.
pub const CRTX_E_JUSTIFICATION_INVALID: i32 = 74;
/// The restore intent authorizes another path than the one to be restored.
pub const CRTX_E_PATH_MISMATCH: i32 = 75;
/// The restore intent authorizes other bytes than those that are staged.
pub const CRTX_E_DIGEST_MISMATCH: i32 = 76;
/// The evidence is missing, or does not fit the quarantined marker.
pub const CRTX_E_EVIDENCE_INVALID: i32 = 77;
/// The library caught a fault of its own; the handle, if any, still exists; please report it.
pub const CRTX_E_INTERNAL: i32 = 120;

#[cfg(test)]
mod tests {
    use crate::Status;

    /// cbindgen reads literals only, so the table is written again above; this holds it to the
    /// truth.
    #[test]
    fn the_header_has_every_status_with_its_number_and_its_meaning() {
        let source = include_str!("status.rs").replace("\r\n", "\n");
        let mut declared = source.matches("\npub const CRTX_").count();
        for status in Status::ALL {
            let lines = format!(
                "\n/// {}\npub const {}: i32 = {};\n",
                status.message(),
                status.name(),
                status.number()
            );
            assert!(source.contains(&lines), "status.rs lacks: {lines}");
            declared -= 1;
        }
        assert_eq!(declared, 0, "status.rs declares a number that Status does not know");
    }
}
