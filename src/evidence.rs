// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quarantined markers and the signed documents beside them.

use std::io;
use std::path::{Path, PathBuf};

use crate::attestation::{SignedDocument, TakeoverAttestation};
use crate::error::{Error, Result, Status, quote_path};
use crate::inspect::read_at_most;
use crate::marker::{MAX_DIGESTED_BYTES, MarkerSnapshot};
use crate::marker_path::MarkerPath;
use crate::principal::{MAX_PAYLOAD_BYTES, OperatorKey};
use crate::site::Site;
use crate::sys::{self, Access, FileId, FileName, LockFile, fork::Process};

const STALE_INFIX: &str = ".stale-";
const ATTESTATION_SUFFIX: &str = ".attestation.json";
const SIGNATURE_SUFFIX: &str = ".attestation.sig";
/// The most markers of one name quarantined within one second.
const MOST_IN_ONE_SECOND: u32 = 999;

/// The names of one quarantined marker: its own and those of its evidence.
#[derive(Debug)]
pub(crate) struct StaleNames {
    suffix: String,
    pub(crate) marker: FileName,
    attestation: FileName,
    signature: FileName,
}

impl StaleNames {
    fn new(site: &Site, suffix: String) -> StaleNames {
        let marker = site.marker().with_suffix(&suffix);
        StaleNames {
            attestation: marker.with_suffix(ATTESTATION_SUFFIX),
            signature: marker.with_suffix(SIGNATURE_SUFFIX),
            marker,
            suffix,
        }
    }

    /// The quarantined marker's path, as the caller wrote the marker's.
    pub(crate) fn stale_path(&self, site: &Site) -> PathBuf {
        site.path().given_with_suffix(&self.suffix)
    }

    fn are_free(&self, site: &Site) -> Result<bool> {
        for name in [&self.marker, &self.attestation, &self.signature] {
            let taken = site.directory().facts_at(name);
            if taken.map_err(|error| site.io_error("evidence name", name, &error))?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Evidence on disk, synced, its names reserved by exclusive creation; its marker not moved yet.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) names: StaleNames,
    written: Vec<(FileName, FileId)>,
}

impl Evidence {
    /// Writes the exact bytes that were verified, under names of which none exists.
    pub(crate) fn write(site: &Site, document: &SignedDocument<'_>) -> Result<Evidence> {
        let time = crate::time::compact(crate::time::now());
        for number in 1..=MOST_IN_ONE_SECOND {
            let suffix = match number {
                1 => format!("{STALE_INFIX}{time}"),
                _ => format!("{STALE_INFIX}{time}-{number}"),
            };
            let names = StaleNames::new(site, suffix);
            if !names.are_free(site)? {
                continue;
            }
            let mut evidence = Evidence { names, written: Vec::with_capacity(2) };
            match evidence.write_files(site, document) {
                Ok(()) => return Ok(evidence),
                Err(failure) => {
                    evidence.discard(site);
                    // Created by somebody else since we looked: the next number, then.
                    if failure.0 != io::ErrorKind::AlreadyExists {
                        return Err(failure.1);
                    }
                }
            }
        }
        let message = format!(
            "marker {} was quarantined {MOST_IN_ONE_SECOND} times within one second",
            quote_path(site.path().given())
        );
        Err(Error::new(Status::Io, "evidence name", message).with_os_error(&sys::already_exists()))
    }

    fn write_files(
        &mut self,
        site: &Site,
        document: &SignedDocument<'_>,
    ) -> std::result::Result<(), (io::ErrorKind, Error)> {
        let files = [
            (self.names.attestation.clone(), document.payload),
            (self.names.signature.clone(), document.signature),
        ];
        for (name, bytes) in files {
            let written = site.create_new(&name).and_then(|(file, facts)| {
                self.written.push((name.clone(), facts.id));
                file.write_all(bytes)?;
                file.sync()
            });
            written
                .map_err(|error| (error.kind(), site.io_error("evidence write", &name, &error)))?;
        }
        site.sync_directory("evidence directory sync")
            .map_err(|error| (io::ErrorKind::Other, error))
    }

    /// Removes what this call wrote, after a failure before the marker was moved.
    pub(crate) fn discard(self, site: &Site) {
        for (name, id) in self.written {
            // What stays is evidence without a marker: harmless, and it keeps its name.
            let _ = site.remove_if_same_file(&name, id);
        }
    }
}

/// The quarantined markers of a marker, oldest first. The only call that scans a directory.
///
/// The paths begin as `marker_path` was given. Markers that the reference implementation
/// quarantined, which have no evidence, are listed too.
pub fn list_evidence(marker_path: &Path) -> Result<Vec<PathBuf>> {
    const OPERATION: &str = "evidence list";
    let path = MarkerPath::parse(marker_path)?;
    // Tells a missing directory from an unreadable one as every other call does.
    let site = Site::open(Process::current(), path.clone())?;
    let entries = std::fs::read_dir(path.parent());
    let mut found: Vec<((String, u32), PathBuf)> = Vec::new();
    for entry in entries.map_err(|error| Error::io(OPERATION, path.parent(), &error))? {
        let entry = entry.map_err(|error| Error::io(OPERATION, path.parent(), &error))?;
        let name = entry.file_name();
        let Some((age, suffix)) = quarantine_order(path.name(), &name) else { continue };
        let name = path.name().with_suffix(&suffix);
        let facts = site.directory().facts_at(&name);
        let facts = facts.map_err(|error| site.io_error(OPERATION, &name, &error))?;
        if facts.is_some_and(|facts| facts.is_regular) {
            found.push((age, path.given_with_suffix(&suffix)));
        }
    }
    found.sort_unstable();
    // Where a name can be spelt in several ways, another marker's entries may lead to ours again.
    found.dedup();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The time and number in a quarantined marker's name, and its suffix; `None` for other names.
fn quarantine_order(marker: &FileName, name: &std::ffi::OsStr) -> Option<((String, u32), String)> {
    let rest = marker.rest_of(name)?.strip_prefix(STALE_INFIX.as_bytes())?;
    let rest = std::str::from_utf8(rest).ok()?;
    let (time, number) = match rest.split_once('-') {
        None => (rest, 1),
        Some((time, digits)) => {
            let number: u32 = digits.parse().ok()?;
            if !(2..=MOST_IN_ONE_SECOND).contains(&number) || number.to_string() != digits {
                return None;
            }
            (time, number)
        }
    };
    let shape = |index: usize, byte: u8| match index {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let fits = time.len() == 16 && time.bytes().enumerate().all(|(index, byte)| shape(index, byte));
    fits.then(|| ((time.to_owned(), number), format!("{STALE_INFIX}{rest}")))
}

/// Verifies a quarantined marker against the evidence beside it, whenever that was.
///
/// # Errors
///
/// [`Status::BadSignature`] for the signature, [`Status::EvidenceInvalid`] for anything else that
/// is missing or does not fit, [`Status::UntrustedKey`] for the key.
pub fn verify_evidence(stale_path: &Path, public_key: &[u8]) -> Result<()> {
    let path = MarkerPath::parse_any(stale_path)?;
    OperatorKey::from_bytes(public_key)?;
    let site = Site::open(Process::current(), path)?;
    let marker = read_evidence(&site, site.marker(), MAX_DIGESTED_BYTES)?;
    let attestation = site.marker().with_suffix(ATTESTATION_SUFFIX);
    let payload = read_evidence(&site, &attestation, MAX_PAYLOAD_BYTES as u64)?;
    let signature = site.marker().with_suffix(SIGNATURE_SUFFIX);
    // A signature of any other length is a bad signature, not a file too large.
    let signature = read_evidence(&site, &signature, MAX_PAYLOAD_BYTES as u64)?;
    TakeoverAttestation::verify_at_any_time(&payload, &signature, public_key)
        .and_then(|attestation| attestation.check_names(&MarkerSnapshot::of(&marker)))
        .map_err(|error| does_not_fit(&site, &error))
}

fn read_evidence(site: &Site, name: &FileName, limit: u64) -> Result<Vec<u8>> {
    const OPERATION: &str = "evidence read";
    let invalid = |why: &str| {
        let message = format!("{} {why}", quote_path(&site.path_of(name)));
        Error::new(Status::EvidenceInvalid, OPERATION, message)
    };
    let file: LockFile = match site.directory().open_file(name, Access::Read) {
        Ok(Some(file)) => file,
        Ok(None) => return Err(invalid("is missing")),
        Err(error) if sys::means_not_a_regular_file(&error) => {
            return Err(invalid("is not a regular file"));
        }
        Err(error) => return Err(site.io_error(OPERATION, name, &error)),
    };
    let facts = file.facts().map_err(|error| site.io_error(OPERATION, name, &error))?;
    if !facts.is_regular {
        return Err(invalid("is not a regular file"));
    }
    let bytes =
        read_at_most(&file, limit).map_err(|error| site.io_error(OPERATION, name, &error))?;
    bytes.ok_or_else(|| invalid(&format!("is over {limit} bytes")))
}

fn does_not_fit(site: &Site, error: &Error) -> Error {
    let status = match error.status() {
        Status::BadSignature | Status::SignatureLength => Status::BadSignature,
        _ => Status::EvidenceInvalid,
    };
    Error::new(status, "evidence check", error.message()).about(site.path().given())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(name: &str) -> Option<(String, u32)> {
        let marker = FileName::new("store.lock".as_ref()).unwrap();
        quarantine_order(&marker, name.as_ref()).map(|(age, _)| age)
    }

    #[test]
    fn only_the_exact_names_of_quarantined_markers_are_listed() {
        let time = "20261123T004055Z".to_owned();
        assert_eq!(order("store.lock.stale-20261123T004055Z"), Some((time.clone(), 1)));
        assert_eq!(order("store.lock.stale-20261123T004055Z-2"), Some((time.clone(), 2)));
        assert_eq!(order("store.lock.stale-20261123T004055Z-999"), Some((time, 999)));
        for other in [
            "store.lock",
            "store.lock.stale-20261123T004055Z-1",
            "store.lock.stale-20261123T004055Z-02",
            "store.lock.stale-20261123T004055Z-1000",
            "store.lock.stale-20261123T004055",
            "store.lock.stale-20261123T004055Z.attestation.json",
            "other.lock.stale-20261123T004055Z",
            "store.lock.stale-2026112aT004055Z",
        ] {
            assert_eq!(order(other), None, "{other}");
        }
    }
}
