// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times as markers and documents write them.

use std::time::SystemTime;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// The system clock, also where it stands before 1970.
pub(crate) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// The caller's time in nanoseconds since 1970, or the system clock's for 0.
pub(crate) fn or_system_clock(unix_ns: i64) -> DateTime<Utc> {
    if unix_ns == 0 { now() } else { DateTime::from_timestamp_nanos(unix_ns) }
}

/// A time of the years 0 to 9999 as the names of quarantined markers have it: `20261123T004055Z`.
pub(crate) fn compact(time: DateTime<Utc>) -> String {
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Reads an RFC 3339 time.
///
/// chrono alone would also take the Unicode minus sign of ISO 8601 and a space for the T, which the
/// grammar of RFC 3339 does not have (section 5.6).
pub(crate) fn parse_rfc3339(text: &str) -> Option<DateTime<Utc>> {
    if !text.is_ascii() || !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
        return None;
    }
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_means_the_system_clock() {
        assert!(or_system_clock(0) > or_system_clock(1_700_000_000_000_000_000));
        assert_eq!(or_system_clock(1).to_rfc3339(), "1970-01-01T00:00:00.000000001+00:00");
        assert_eq!(or_system_clock(i64::MIN).timestamp_nanos_opt(), Some(i64::MIN));
    }

    #[test]
    fn a_compact_time_has_sixteen_characters() {
        let time = |text| compact(parse_rfc3339(text).unwrap());
        assert_eq!(time("2026-11-03T00:40:05.469509729Z"), "20261103T004005Z");
        assert_eq!(time("0099-01-01T00:00:00Z"), "00990101T000000Z");
    }

    #[test]
    fn only_rfc_3339_is_a_time() {
        for time in [
            "2026-11-23T00:40:55+00:00",
            "2026-11-23T00:40:55.469509729Z",
            "2026-11-23t00:40:55.1-23:59",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(parse_rfc3339(time).is_some(), "{time}");
        }
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T00:40:55",
            "2026-11-23 00:40:55Z",
            "2026-11-23T00:40:55.+00:00",
            "2026-11-23T00:40:55+00",
            "2026-11-23T00:40:55\u{2212}01:00",
            "2026-11-23T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "12026-11-23T00:40:55Z",
            " 2026-11-23T00:40:55Z",
            "2026-11-23T00:40:55Z ",
        ] {
            assert!(parse_rfc3339(text).is_none(), "{text}");
        }
    }
}
