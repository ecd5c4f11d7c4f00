// SPDX-License-Identifier: MIT OR Apache-2.0
//! Restore intents: an operator's permission to restore these bytes over this store.

use std::path::{Path, is_separator};

use super::{Authorization, Kind, SignedDocument, open_here_and_now, refused};
use crate::digest::Digest;
use crate::error::{Error, Result, Status, quote_text};
use crate::marker::has_control_character;
use crate::principal::OperatorKey;
use crate::time;

const ACTIVE_DB_PATH: &str = "active_db_path";
const ACTIVE_EVENT_LOG_PATH: &str = "active_event_log_path";
const BACKUP_MANIFEST: &str = "backup_manifest_blake3";
const STAGED_SQLITE: &str = "staged_sqlite_blake3";
const STAGED_JSONL: &str = "staged_jsonl_blake3";

pub(super) const KIND: Kind = Kind {
    name: "cortex_restore_intent",
    versions: &["schema_version", "p_n_schema_version"],
    own_keys: &[
        ACTIVE_DB_PATH,
        ACTIVE_EVENT_LOG_PATH,
        BACKUP_MANIFEST,
        STAGED_SQLITE,
        STAGED_JSONL,
    ],
};

const MAX_PATH_BYTES: usize = 4096;

/// What a restore is about to do, to be found in the operator's intent.
///
/// Paths are absolute, without `.` and `..`, at most 4,096 bytes, without control characters, and
/// compared byte for byte; digests are `blake3:` and 64 lowercase hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentExpectation<'a> {
    /// The database that will be replaced.
    pub active_db_path: &'a str,
    /// The event log that will be replaced.
    pub active_event_log_path: &'a str,
    /// The digest of the backup's manifest.
    pub backup_manifest_blake3: &'a str,
    /// The digest of the staged database.
    pub staged_sqlite_blake3: &'a str,
    /// The digest of the staged event log.
    pub staged_jsonl_blake3: &'a str,
}

impl<'a> IntentExpectation<'a> {
    fn paths(&self) -> [(&'static str, &'a str); 2] {
        [(ACTIVE_DB_PATH, self.active_db_path), (ACTIVE_EVENT_LOG_PATH, self.active_event_log_path)]
    }

    fn digests(&self) -> [(&'static str, &'a str); 3] {
        [
            (BACKUP_MANIFEST, self.backup_manifest_blake3),
            (STAGED_SQLITE, self.staged_sqlite_blake3),
            (STAGED_JSONL, self.staged_jsonl_blake3),
        ]
    }

    /// Checks the caller's side.
    fn check(&self) -> Result<()> {
        for (key, path) in self.paths() {
            check_path(key, path)?;
        }
        match self.digests().into_iter().find(|(_, digest)| Digest::parse(digest).is_none()) {
            Some((key, _)) => {
                Err(Error::argument(format!("{key} is not \"blake3:\" and 64 lowercase hex")))
            }
            None => Ok(()),
        }
    }
}

/// In the way of this system, or in POSIX's: a document says the same everywhere, and may be written
/// or verified on another machine than it is for.
fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || Path::new(path).is_absolute()
}

fn check_path(key: &str, path: &str) -> Result<()> {
    let problem = if path.len() > MAX_PATH_BYTES {
        format!("is {} bytes long, over {MAX_PATH_BYTES}", path.len())
    } else if has_control_character(path) {
        "has a control character".to_owned()
    } else if !is_absolute(path) {
        format!("is not absolute: {}", quote_text(path))
    } else if path.split(is_separator).any(|part| part == "." || part == "..") {
        format!("has a . or .. in it: {}", quote_text(path))
    } else {
        return Ok(());
    };
    Err(Error::argument(format!("{key} {problem}")))
}

/// Writes a restore intent, for the operator to sign.
///
/// The document is valid from 300 seconds before `now_unix_ns` (nanoseconds since 1970; 0 is the
/// system clock's) to `valid_for_seconds` (1 to 86,400) after it.
///
/// # Errors
///
/// [`Status::InvalidArgument`] or [`Status::UntrustedKey`].
pub fn build_intent(
    deployment_id: &str,
    intent: &IntentExpectation<'_>,
    public_key: &[u8],
    valid_for_seconds: u32,
    now_unix_ns: i64,
) -> Result<Vec<u8>> {
    intent.check()?;
    let key = OperatorKey::from_bytes(public_key)?;
    let now = time::or_system_clock(now_unix_ns);
    let authorization = Authorization::starting(now, valid_for_seconds, deployment_id, &key)?;
    let [db, log] = intent.paths().map(|(key, path)| (key, path.into()));
    let [manifest, sqlite, jsonl] = intent.digests().map(|(key, digest)| (key, digest.into()));
    Ok(authorization.render(&KIND, [db, log, manifest, sqlite, jsonl]))
}

/// Verifies a restore intent, and that it permits just what is expected. Gives the digest of the
/// payload, which the lock's marker keeps.
///
/// # Errors
///
/// Those of [`TakeoverAttestation::verify`](super::TakeoverAttestation::verify) in the same order,
/// but for the justification; then [`Status::PathMismatch`], [`Status::DigestMismatch`].
pub fn verify_intent(
    document: &SignedDocument<'_>,
    expected: &IntentExpectation<'_>,
) -> Result<Digest> {
    expected.check()?;
    let (_, (paths, digests)) = open_here_and_now(document, &KIND, |object| {
        let paths = expected.paths().map(|(key, _)| object.take_text(key));
        let digests = expected.digests().map(|(key, _)| object.take_digest(key));
        let paths: Vec<String> = paths.into_iter().collect::<Result<_>>()?;
        let digests: Vec<Digest> = digests.into_iter().collect::<Result<_>>()?;
        Ok((paths, digests))
    })?;
    for ((key, wanted), permitted) in expected.paths().into_iter().zip(&paths) {
        if wanted != permitted {
            return Err(differs(Status::PathMismatch, key, permitted, wanted));
        }
    }
    for ((key, wanted), permitted) in expected.digests().into_iter().zip(digests) {
        if Digest::parse(wanted) != Some(permitted) {
            return Err(differs(Status::DigestMismatch, key, &permitted.to_string(), wanted));
        }
    }
    Ok(Digest::of(document.payload))
}

fn differs(status: Status, key: &str, permitted: &str, wanted: &str) -> Error {
    let (permitted, wanted) = (quote_text(permitted), quote_text(wanted));
    refused(status, format!("{key} is {permitted} in the intent, not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_be_absolute_and_plain() {
        let longest = format!("/{}", "p".repeat(MAX_PATH_BYTES - 1));
        for path in ["/srv/db", "/", "/...", "/a/.hidden/..b", "/é", &longest] {
            assert_eq!(check_path("path", path), Ok(()), "{path:.20}");
        }
        for (path, here) in
            [(r"C:\srv\db", true), ("C:/srv/db", true), ("C:db", false), (r"\srv\db", false)]
        {
            assert_eq!(check_path("path", path).is_ok(), cfg!(windows) && here, "{path}");
        }
        let too_long = format!("{longest}p");
        for path in ["", "db", "./db", "/a/./b", "/a/..", "/../a", "/.", "/a\nb", "/a\0", &too_long]
        {
            let error = check_path("path", path).unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument, "{path:.20}");
        }
    }
}
