// SPDX-License-Identifier: MIT OR Apache-2.0
//! One error type, and one table from status to number, name and meaning.

use std::path::Path;

use crate::state::MarkerState;
use crate::sys::{ERROR_NUMBER, words_for};

/// Writes the status table once; numbers, names and messages all come from it.
macro_rules! status_table {
    ($($variant:ident = $number:literal, $name:literal, $message:literal;)+) => {
        /// What a call came to. The numbers are part of the C ABI and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Status {
            $(#[doc = $message] $variant = $number,)+
        }

        impl Status {
            /// Every status, in the order of its number.
            pub const ALL: &[Status] = &[$(Status::$variant,)+];

            /// The name in the C header, such as `CRTX_E_CONTENDED`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Status::$variant => $name,)+ }
            }

            /// The name as C callers want it: NUL-terminated.
            pub(crate) const fn c_name(self) -> &'static str {
                match self { $(Status::$variant => concat!($name, "\0"),)+ }
            }

            /// One sentence: what the status means and what to do.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Status::$variant => $message,)+ }
            }

            /// The message as C callers want it: NUL-terminated.
            pub(crate) const fn c_message(self) -> &'static str {
                match self { $(Status::$variant => concat!($message, "\0"),)+ }
            }
        }
    };
}

status_table! {
    Ok = 0, "CRTX_OK", "The call succeeded.";
    InvalidArgument = 1, "CRTX_E_INVALID_ARGUMENT", "An argument is missing, out of range, not UTF-8, or a reserved name; correct the call.";
    BadHandle = 2, "CRTX_E_BAD_HANDLE", "The lock handle is zero, was released before, or was never given out; correct the program.";
    Forked = 3, "CRTX_E_FORKED", "The handle belongs to the parent process; a forked child must acquire a lock of its own.";
    BufferTooSmall = 4, "CRTX_E_BUFFER_TOO_SMALL", "The output does not fit the buffer; call again with the size that out_needed tells.";
    MarkerExists = 20, "CRTX_E_MARKER_EXISTS", "A marker is there: wait for the holder if it is held, or have an operator attest a takeover if it is stale.";
    Contended = 21, "CRTX_E_CONTENDED", "Somebody holds the OS lock at this moment; nobody may take over, so wait and try again.";
    MarkerAbsent = 22, "CRTX_E_MARKER_ABSENT", "There is no marker to read, to quarantine or to take over; the store is free.";
    Lost = 23, "CRTX_E_LOST", "The marker or its companion is gone or is no longer ours; stop writing to the store and find out who removed it.";
    Io = 40, "CRTX_E_IO", "The operating system refused a step; os_error and operation tell which and why.";
    NoParentDirectory = 41, "CRTX_E_NO_PARENT_DIRECTORY", "The directory that should hold the marker does not exist; create it or correct the path.";
    NotRegularFile = 42, "CRTX_E_NOT_REGULAR_FILE", "A lock file is a symlink, FIFO, socket, device or directory, or has more than one link; find out who put it there.";
    InsecurePermissions = 43, "CRTX_E_INSECURE_PERMISSIONS", "The directory is writable by everybody, or a lock file belongs to another user; correct owner and mode.";
    UnsupportedFilesystem = 44, "CRTX_E_UNSUPPORTED_FILESYSTEM", "The directory is on a network filesystem, where OS locks cannot be trusted; use a local one, or allow it by flag.";
    NameTooLong = 45, "CRTX_E_NAME_TOO_LONG", "The marker's name leaves no room for the 44 bytes that the longest derived name adds; use a shorter name.";
    TooLarge = 46, "CRTX_E_TOO_LARGE", "A file or document is over its size limit.";
    MarkerMalformed = 47, "CRTX_E_MARKER_MALFORMED", "The marker cannot be parsed; it is quarantined only with an attestation that names its digest.";
    UntrustedKey = 60, "CRTX_E_UNTRUSTED_KEY", "The public key is not 32 bytes, not canonical, of small order, or of mixed order; use a proper Ed25519 key.";
    SignatureLength = 61, "CRTX_E_SIGNATURE_LENGTH", "The signature is not exactly 64 raw bytes; pass the detached signature, not an encoding of it.";
    BadSignature = 62, "CRTX_E_BAD_SIGNATURE", "The signature does not hold for these bytes and this key; nothing in the document is to be believed.";
    PayloadMalformed = 63, "CRTX_E_PAYLOAD_MALFORMED", "The signed payload is not the strict JSON object that its kind demands.";
    KindMismatch = 64, "CRTX_E_KIND_MISMATCH", "The signed document is of another kind than this call wants.";
    SchemaMismatch = 65, "CRTX_E_SCHEMA_MISMATCH", "The signed document has a schema version that this library does not know.";
    PrincipalMismatch = 66, "CRTX_E_PRINCIPAL_MISMATCH", "The document names an operator principal that is not the one derived from the verifying key.";
    DeploymentMismatch = 67, "CRTX_E_DEPLOYMENT_MISMATCH", "The document, the marker and the caller do not name the same deployment.";
    NotYetValid = 68, "CRTX_E_NOT_YET_VALID", "The document is not valid yet; check the clocks, or wait.";
    Expired = 69, "CRTX_E_EXPIRED", "The document has expired; have the operator sign a new one.";
    WindowInvalid = 70, "CRTX_E_WINDOW_INVALID", "The document's validity window ends before it begins, or is longer than 86,700 seconds.";
    StalePidMismatch = 71, "CRTX_E_STALE_PID_MISMATCH", "The attestation names another process than the marker on disk; attest the marker that is there.";
    StaleTimeMismatch = 72, "CRTX_E_STALE_TIME_MISMATCH", "The attestation names another time than the marker on disk; attest the marker that is there.";
    StaleDigestMismatch = 73, "CRTX_E_STALE_DIGEST_MISMATCH", "The attestation names another digest than that of the marker on disk; attest the marker that is there.";
    JustificationInvalid = 74, "CRTX_E_JUSTIFICATION_INVALID", "The justification is blank, over 1,024 bytes, or has control characters; write one plain sentence.";
    PathMismatch = 75, "CRTX_E_PATH_MISMATCH", "The restore intent authorizes another path than the one to be restored.";
    DigestMismatch = 76, "CRTX_E_DIGEST_MISMATCH", "The restore intent authorizes other bytes than those that are staged.";
    EvidenceInvalid = 77, "CRTX_E_EVIDENCE_INVALID", "The evidence is missing, or does not fit the quarantined marker.";
    Internal = 120, "CRTX_E_INTERNAL", "The library caught a fault of its own; the handle, if any, still exists; please report it.";
}

impl Status {
    /// The number in the C header.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The status of a number, if there is one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Status> {
        Status::ALL.iter().copied().find(|status| status.number() == number)
    }
}

/// Why a call failed: a status for programs, and a sentence for people.
///
/// The message names the file or field concerned. File names and texts that come from outside are
/// escaped in it, so that it can go to a terminal or a log as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", .0.operation, .0.message)]
pub struct Error(Box<Details>);

/// On the heap, so that a result costs one word to hand on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    status: Status,
    os_error: i32,
    marker_state: Option<MarkerState>,
    operation: &'static str,
    message: String,
}

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `operation` is the step in plain words, at most 63 bytes, such as "marker publish".
    pub(crate) fn new(status: Status, operation: &'static str, message: impl Into<String>) -> Self {
        debug_assert!(operation.len() < 64 && status != Status::Ok);
        let message = message.into();
        Error(Box::new(Details { status, os_error: 0, marker_state: None, operation, message }))
    }

    /// The operating system refused `operation` on `path`.
    pub(crate) fn io(operation: &'static str, path: &Path, error: &std::io::Error) -> Self {
        let message = format!("{} on {}", describe_os_error(error), quote_path(path));
        Error::new(Status::Io, operation, message).with_os_error(error)
    }

    /// A wrong argument; the message names it.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Error::new(Status::InvalidArgument, "argument check", message)
    }

    pub(crate) fn with_os_error(mut self, error: &std::io::Error) -> Self {
        self.0.os_error = error.raw_os_error().unwrap_or(0);
        self
    }

    pub(crate) fn with_os_error_of(mut self, other: &Error) -> Self {
        self.0.os_error = other.0.os_error;
        self
    }

    pub(crate) fn with_marker_state(mut self, state: MarkerState) -> Self {
        self.0.marker_state = Some(state);
        self
    }

    /// Names the file that a message of a check without files is about.
    pub(crate) fn about(mut self, path: &Path) -> Self {
        self.0.message = format!("{}: {}", quote_path(path), self.0.message);
        self
    }

    /// Adds a clause on what now stands on disk.
    pub(crate) fn and_note(mut self, note: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(note);
        self
    }

    /// For programs.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// `errno` (on Windows `GetLastError()`), or 0 where the operating system had no part in it.
    #[must_use]
    pub fn os_error(&self) -> i32 {
        self.0.os_error
    }

    /// The marker's state as found, with the statuses 20 to 23.
    #[must_use]
    pub fn marker_state(&self) -> Option<MarkerState> {
        self.0.marker_state
    }

    /// The step that failed, such as "marker publish".
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// One English sentence that names the file or the field.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// English words for what the operating system said, with its number. Not strerror's: those follow
/// the program's locale.
pub(crate) fn describe_os_error(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => match words_for(number) {
            Some(words) => format!("{words} ({ERROR_NUMBER} {number})"),
            None => format!("{} ({ERROR_NUMBER} {number})", error.kind()),
        },
        None => error.kind().to_string(),
    }
}

/// The longest quoted path or text in a message; three fit into the 1,024 bytes of `crtx_error`, and
/// no message has more.
const QUOTE_LIMIT: usize = 240;

/// A path in quotes, with everything that is not plain text escaped, shortened in the middle.
pub(crate) fn quote_path(path: &Path) -> String {
    quote_bytes(path.as_os_str().as_encoded_bytes())
}

/// A text from outside in quotes, escaped and shortened like a path.
pub(crate) fn quote_text(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

fn quote_bytes(bytes: &[u8]) -> String {
    let needs_care =
        |byte: &u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\'' | b'\\');
    match std::str::from_utf8(bytes) {
        Ok(plain) if bytes.len() <= QUOTE_LIMIT && !bytes.iter().any(needs_care) => {
            ["\"", plain, "\""].concat()
        }
        _ => quote_carefully(bytes),
    }
}

fn quote_carefully(bytes: &[u8]) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for chunk in bytes.utf8_chunks() {
        pieces.extend(chunk.valid().chars().map(|c| c.escape_debug().to_string()));
        pieces.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    let length: usize = pieces.iter().map(String::len).sum();
    let mut quoted = String::with_capacity(length.min(QUOTE_LIMIT) + 8);
    quoted.push('"');
    if length <= QUOTE_LIMIT {
        quoted.extend(pieces);
    } else {
        let half = QUOTE_LIMIT / 2;
        let head = take_up_to(pieces.iter(), half);
        let tail = take_up_to(pieces.iter().rev(), half);
        quoted.extend(pieces[..head].iter().map(String::as_str));
        quoted.push_str("...");
        quoted.extend(pieces[pieces.len() - tail..].iter().map(String::as_str));
    }
    quoted.push('"');
    quoted
}

/// How many of the pieces fit into `limit` bytes.
fn take_up_to<'a>(pieces: impl Iterator<Item = &'a String>, limit: usize) -> usize {
    let mut used = 0;
    pieces
        .take_while(|piece| {
            used += piece.len();
            used <= limit
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_number_is_never_used_twice_and_is_found_again() {
        for pair in Status::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        for status in Status::ALL {
            assert_eq!(Status::from_number(status.number()), Some(*status));
        }
        assert_eq!(Status::from_number(5), None);
    }

    #[test]
    fn a_quoted_path_is_escaped() {
        assert_eq!(quote_text("a\n\"b\u{202e}"), "\"a\\n\\\"b\\u{202e}\"");
        assert_eq!(quote_bytes(b"x\xff\x1b["), "\"x\\xff\\u{1b}[\"");
    }

    #[test]
    fn a_long_path_is_shortened_in_the_middle() {
        let path = format!("/{}/end", "é".repeat(2000));
        let quoted = quote_text(&path);
        assert!(quoted.len() <= QUOTE_LIMIT + 5, "{}", quoted.len());
        assert!(quoted.starts_with("\"/é") && quoted.contains("...") && quoted.ends_with("/end\""));
    }
}
