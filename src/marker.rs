// SPDX-License-Identifier: MIT OR Apache-2.0
//! The marker's text: render and parse.

use std::fmt::{self, Write};
use std::io::{self, Read};
use std::ops::RangeInclusive;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::time;

/// A marker is read up to this many bytes; a longer one is malformed.
pub(crate) const MAX_MARKER_BYTES: usize = 4096;

/// The digest of a malformed marker is taken up to this many bytes.
pub(crate) const MAX_DIGESTED_BYTES: u64 = 1024 * 1024;

/// The one scope there is.
pub(crate) const SCOPE: &str = "production";

const FIRST_LINE: &str = "cortex-restore-active-store-lock-v1\n";

/// `acquired_at` goes into 64 bytes of the C ABI, with a terminating NUL.
const MAX_TIME_BYTES: usize = 63;

/// The longest marker that is written, rounded up: three texts of 255 bytes and what is around them.
const MAX_RENDERED_BYTES: usize = 1200;

const DEPLOYMENT_ID_BYTES: RangeInclusive<usize> = 1..=255;
const OPERATOR_PRINCIPAL_ID_BYTES: RangeInclusive<usize> = 1..=255;
const HOST_BYTES: RangeInclusive<usize> = 0..=255;

/// Who is mutating the store, as the marker tells it. Evidence for people: the kernel's locks
/// alone decide whether the holder is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The holder's process id, from 1.
    pub pid: u32,
    /// The holder's host name, 0 to 255 bytes.
    pub host: String,
    /// The deployment whose store it is, 1 to 255 bytes.
    pub deployment_id: String,
    /// The operator who authorized the restore, 1 to 255 bytes.
    pub operator_principal_id: String,
    /// When the lock was acquired, in RFC 3339 as the marker has it, at most 63 bytes. Documents
    /// are bound to this text, not to the time that it means.
    pub acquired_at: String,
    /// The same time in nanoseconds since 1970.
    pub acquired_at_unix_ns: i64,
    /// The digest of the restore intent.
    pub restore_intent_blake3: Digest,
}

impl Marker {
    /// The marker's text. It parses again if the fields keep to the limits named at each.
    #[must_use]
    pub fn render(&self) -> String {
        let Marker { pid, host, deployment_id, operator_principal_id, acquired_at, .. } = self;
        let intent = self.restore_intent_blake3;
        let mut text = String::with_capacity(MAX_RENDERED_BYTES);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{FIRST_LINE}\
             pid={pid}\n\
             host={host}\n\
             deployment_id={deployment_id}\n\
             operator_principal_id={operator_principal_id}\n\
             acquired_at={acquired_at}\n\
             scope={SCOPE}\n\
             restore_intent_blake3={intent}\n"
        );
        text
    }

    /// Reads a marker's bytes. Whatever this accepts, [`render`](Self::render) gives back byte for
    /// byte.
    ///
    /// # Errors
    ///
    /// [`MalformedMarker`] for everything but the lines of the format in their order, each ended
    /// by a line feed, in at most 4,096 bytes.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Marker, MalformedMarker> {
        if bytes.len() > MAX_MARKER_BYTES {
            return Err(MalformedMarker::over_limit());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        let rest = text.strip_prefix(FIRST_LINE).ok_or_else(|| {
            malformed(format!("its first line is not {:?}", FIRST_LINE.trim_end()))
        })?;
        let mut lines = Lines(rest);
        let pid = lines.take("pid", parse_pid)?;
        let host = lines.take("host", |value| text_of(value, HOST_BYTES))?;
        let deployment_id =
            lines.take("deployment_id", |value| text_of(value, DEPLOYMENT_ID_BYTES))?;
        let operator_principal_id = lines
            .take("operator_principal_id", |value| text_of(value, OPERATOR_PRINCIPAL_ID_BYTES))?;
        let (acquired_at, acquired_at_unix_ns) = lines.take("acquired_at", parse_acquired_at)?;
        lines.take("scope", |value| (value == SCOPE).then_some(()))?;
        let restore_intent_blake3 = lines.take("restore_intent_blake3", Digest::parse)?;
        if !lines.0.is_empty() {
            return Err(malformed("something follows its last line"));
        }
        Ok(Marker {
            pid,
            host,
            deployment_id,
            operator_principal_id,
            acquired_at,
            acquired_at_unix_ns,
            restore_intent_blake3,
        })
    }
}

/// What is left of a marker's text.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// Takes the next line, which must be `key=` and a value that `parse` accepts.
    fn take<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> std::result::Result<T, MalformedMarker> {
        let (line, rest) = self
            .0
            .split_once('\n')
            .ok_or_else(|| malformed(format!("it ends before the end of the line {key:?}")))?;
        let value = line
            .strip_prefix(key)
            .and_then(|line| line.strip_prefix('='))
            .ok_or_else(|| malformed(format!("the line {key:?} is not where it belongs")))?;
        self.0 = rest;
        parse(value).ok_or_else(|| malformed(format!("the value of {key:?} is not valid")))
    }
}

/// Plain decimal: whatever is not written as we would write it is refused.
fn parse_pid(value: &str) -> Option<u32> {
    value.parse().ok().filter(|pid: &u32| *pid != 0 && pid.to_string() == value)
}

fn text_of(value: &str, bytes: RangeInclusive<usize>) -> Option<String> {
    (bytes.contains(&value.len()) && !has_control_character(value)).then(|| value.to_owned())
}

fn parse_acquired_at(value: &str) -> Option<(String, i64)> {
    let unix_ns = time::parse_rfc3339(value)?.timestamp_nanos_opt()?;
    (value.len() <= MAX_TIME_BYTES).then(|| (value.to_owned(), unix_ns))
}

/// Why a marker cannot be parsed: one clause, without any text of the marker's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedMarker(String);

impl MalformedMarker {
    /// The marker is longer than a marker can be.
    pub(crate) fn over_limit() -> MalformedMarker {
        malformed(format!("it is over {MAX_MARKER_BYTES} bytes long"))
    }
}

fn malformed(reason: impl Into<String>) -> MalformedMarker {
    MalformedMarker(reason.into())
}

impl fmt::Display for MalformedMarker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MalformedMarker {}

/// A marker's bytes as they were read at one moment: their digest, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerSnapshot {
    /// The digest of the bytes as they stand.
    pub digest: Digest,
    /// What they say, if that can be made out.
    pub parsed: std::result::Result<Marker, MalformedMarker>,
}

impl MarkerSnapshot {
    /// Reads a marker to its end: the first 4,096 bytes for the fields, all of it, in pieces, for
    /// the digest. `None` if there are more than 1,048,576 bytes.
    pub(crate) fn read(mut file: impl Read) -> io::Result<Option<MarkerSnapshot>> {
        let mut head = [0; MAX_MARKER_BYTES + 1];
        let mut length = 0;
        while length < head.len() {
            match file.read(&mut head[length..])? {
                0 => return Ok(Some(MarkerSnapshot::of(&head[..length]))),
                read => length += read,
            }
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&head);
        let limit = MAX_DIGESTED_BYTES - head.len() as u64;
        hasher.update_reader(file.take(limit + 1))?;
        Ok((hasher.count() <= MAX_DIGESTED_BYTES).then(|| MarkerSnapshot {
            digest: Digest::from_hash(hasher.finalize()),
            parsed: Err(MalformedMarker::over_limit()),
        }))
    }

    /// The snapshot of all bytes of a marker, malformed or not.
    #[must_use]
    pub fn of(bytes: &[u8]) -> MarkerSnapshot {
        MarkerSnapshot { digest: Digest::of(bytes), parsed: Marker::parse(bytes) }
    }
}

/// Refuses what cannot be a deployment's name: 1 to 255 bytes without control characters.
pub(crate) fn check_deployment_id(text: &str) -> Result<()> {
    check_field("deployment_id", text, DEPLOYMENT_ID_BYTES)
}

/// Refuses what cannot be a principal's name: 1 to 255 bytes without control characters.
pub(crate) fn check_operator_principal_id(text: &str) -> Result<()> {
    check_field("operator_principal_id", text, OPERATOR_PRINCIPAL_ID_BYTES)
}

/// Refuses what cannot be a host's name: 0 to 255 bytes without control characters.
pub(crate) fn check_host(text: &str) -> Result<()> {
    check_field("host", text, HOST_BYTES)
}

fn check_field(name: &str, text: &str, bytes: RangeInclusive<usize>) -> Result<()> {
    if !bytes.contains(&text.len()) {
        let (least, most) = bytes.into_inner();
        let length = text.len();
        return Err(Error::argument(format!(
            "{name} is {length} bytes long instead of {least} to {most}"
        )));
    }
    if has_control_character(text) {
        return Err(Error::argument(format!("{name} has a control character")));
    }
    Ok(())
}

pub(crate) fn has_control_character(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    const FIXTURE: &str = include_str!("../tests/fixtures/cortex-0.1.2/active-store.lock");

    fn reason(text: &str) -> String {
        Marker::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[track_caller]
    fn assert_malformed(old: &str, new: &str) {
        let text = FIXTURE.replacen(old, new, 1);
        assert_ne!(text, FIXTURE, "{old} is not in the fixture");
        assert!(Marker::parse(text.as_bytes()).is_err(), "{text}");
    }

    #[test]
    fn a_pid_is_a_plain_decimal_of_32_bits() {
        for pid in ["", "0", "-1", "+5641", "05641", " 5641", "5641 ", "0x1", "4294967296", "٣"] {
            assert_malformed("pid=5641", &format!("pid={pid}"));
        }
        let text = FIXTURE.replace("pid=5641", "pid=4294967295");
        assert_eq!(Marker::parse(text.as_bytes()).unwrap().pid, u32::MAX);
    }

    #[test]
    fn a_time_must_fit_64_bits_of_nanoseconds() {
        const TIME: &str = "2026-11-23T00:40:55.469509729+00:00";
        for (time, nanoseconds) in [
            ("2262-04-11T23:47:16.854775807Z", i64::MAX),
            ("1677-09-21T00:12:43.145224192+00:00", i64::MIN),
            ("1970-01-01T01:00:00.5+01:00", 500_000_000),
        ] {
            let marker = Marker::parse(FIXTURE.replace(TIME, time).as_bytes()).unwrap();
            assert_eq!(marker.acquired_at_unix_ns, nanoseconds);
            assert_eq!(marker.acquired_at, time);
        }
        assert_malformed(TIME, "2262-04-11T23:47:16.854775808Z");
        assert_malformed(TIME, "1677-09-21T00:12:43.145224191Z");
        assert_malformed(TIME, "2026-11-23T00:40:55");
        let digits = "1".repeat(42);
        let longest = FIXTURE.replace(TIME, &format!("2026-11-23T00:40:55.{digits}Z"));
        assert!(Marker::parse(longest.as_bytes()).is_ok());
        assert_malformed(TIME, &format!("2026-11-23T00:40:55.{digits}1Z"));
    }

    #[test]
    fn lines_missing_doubled_swapped_or_added_are_malformed() {
        let lines: Vec<&str> = FIXTURE.split_inclusive('\n').collect();
        assert_eq!(lines.len(), 8);
        for index in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(index);
            assert!(Marker::parse(without.concat().as_bytes()).is_err());
            let mut doubled = lines.clone();
            doubled.insert(index, lines[index]);
            assert!(Marker::parse(doubled.concat().as_bytes()).is_err());
            let mut swapped = lines.clone();
            swapped.swap(index, (index + 1) % lines.len());
            assert!(Marker::parse(swapped.concat().as_bytes()).is_err());
        }
        for extra in ["\n", "note=x\n", " ", "\0"] {
            assert!(Marker::parse(format!("{FIXTURE}{extra}").as_bytes()).is_err());
        }
        assert!(Marker::parse(FIXTURE.trim_end().as_bytes()).is_err());
        assert!(Marker::parse(FIXTURE.replace('\n', "\r\n").as_bytes()).is_err());
        assert!(Marker::parse(format!("\u{feff}{FIXTURE}").as_bytes()).is_err());
    }

    #[test]
    fn scope_digest_and_texts_have_one_form() {
        assert_malformed("scope=production", "scope=Production");
        assert_malformed("scope=production", "scope=");
        assert_malformed("blake3:410d", "blake3:410D");
        assert_malformed("blake3:", "");
        assert_malformed("host=fixture-host", &format!("host={}", "h".repeat(256)));
        assert_malformed("host=fixture-host", "host=\u{85}");
        assert_malformed("host=fixture-host", "host=a\tb");
        for key in ["deployment_id", "operator_principal_id"] {
            let (before, line) = FIXTURE.split_once(&format!("{key}=")).unwrap();
            let (_, after) = line.split_once('\n').unwrap();
            let with = |value: &str| format!("{before}{key}={value}\n{after}");
            assert!(Marker::parse(with(&"d".repeat(255)).as_bytes()).is_ok());
            assert_eq!(reason(&with("")), format!("the value of {key:?} is not valid"));
            assert!(Marker::parse(with(&"d".repeat(256)).as_bytes()).is_err());
        }
        let empty_host = FIXTURE.replace("host=fixture-host", "host=");
        assert_eq!(Marker::parse(empty_host.as_bytes()).unwrap().host, "");
    }

    #[test]
    fn more_than_4096_bytes_are_malformed_whatever_they_say() {
        let long = vec![b'x'; MAX_MARKER_BYTES + 1];
        assert_eq!(Marker::parse(&long), Err(MalformedMarker::over_limit()));
        assert_ne!(Marker::parse(&long[1..]), Err(MalformedMarker::over_limit()));
        assert_eq!(MarkerSnapshot::of(&long).digest, Digest::of(&long));
    }

    #[test]
    fn a_field_that_would_break_the_marker_is_refused_before_it_is_written() {
        for check in [check_deployment_id, check_operator_principal_id, check_host] {
            assert_eq!(check(&"é".repeat(127)), Ok(()));
            for bad in ["a\nb", "\n", "\0", "\x7f", "a\u{9b}b", &"x".repeat(256)] {
                assert_eq!(check(bad).unwrap_err().status(), Status::InvalidArgument, "{bad:?}");
            }
        }
        assert!(check_deployment_id("").is_err());
        assert!(check_operator_principal_id("").is_err());
        assert_eq!(check_host(""), Ok(()));
    }
}
