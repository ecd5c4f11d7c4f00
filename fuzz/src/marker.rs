// SPDX-License-Identifier: MIT OR Apache-2.0
//! The marker's text.

use crtx::{Digest, Marker, MarkerSnapshot};

use crate::input::Input;
use crate::times;

pub(crate) const EXAMPLE: &str =
    include_str!("../../tests/fixtures/cortex-0.1.2/active-store.lock");
pub(crate) const EXAMPLE_TIME: &str = "2026-11-23T00:40:55.469509729+00:00";

fn is_plain_text(text: &str, bytes: std::ops::RangeInclusive<usize>) -> bool {
    bytes.contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_pid(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.len() <= 10
        && text.parse::<u64>().is_ok_and(|pid| pid <= u64::from(u32::MAX))
}

pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 71
        && text.starts_with("blake3:")
        && text[7..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The format, line by line.
fn is_marker(bytes: &[u8]) -> bool {
    type Rule = fn(&str) -> bool;
    const RULES: [(&str, Rule); 7] = [
        ("pid=", is_pid),
        ("host=", |text| is_plain_text(text, 0..=255)),
        ("deployment_id=", |text| is_plain_text(text, 1..=255)),
        ("operator_principal_id=", |text| is_plain_text(text, 1..=255)),
        ("acquired_at=", |text| times::of_marker(text).is_some()),
        ("scope=", |text| text == "production"),
        ("restore_intent_blake3=", is_digest),
    ];
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let lines: Vec<&str> = text.split('\n').collect();
    bytes.len() <= 4096
        && lines.len() == 9
        && lines[0] == "cortex-restore-active-store-lock-v1"
        && lines[8].is_empty()
        && RULES
            .iter()
            .zip(&lines[1..])
            .all(|((key, holds), line)| line.strip_prefix(key).is_some_and(holds))
}

fn parse_as_it_should_be(bytes: &[u8]) {
    let parsed = Marker::parse(bytes);
    assert_eq!(parsed.is_ok(), is_marker(bytes), "{parsed:?}");
    let snapshot = MarkerSnapshot::of(bytes);
    assert_eq!(snapshot.digest, Digest::of(bytes));
    assert_eq!(snapshot.parsed, parsed);
    if let Ok(marker) = parsed {
        assert_eq!(marker.render().as_bytes(), bytes);
    }
}

/// A marker made of fields comes back as it was if the fields keep to their limits, else not at all.
fn make_and_read_back(data: &[u8]) {
    let mut input = Input::new(data);
    let mut text = || String::from_utf8_lossy(input.bytes()).into_owned();
    let (host, deployment_id, operator_principal_id) = (text(), text(), text());
    let acquired_at = String::from_utf8_lossy(input.bytes()).into_owned();
    let time = times::of_marker(&acquired_at);
    let marker = Marker {
        pid: input.number() as u32,
        host,
        deployment_id,
        operator_principal_id,
        acquired_at: if time.is_some() { acquired_at } else { EXAMPLE_TIME.to_owned() },
        acquired_at_unix_ns: time.unwrap_or(1_795_394_455_469_509_729),
        restore_intent_blake3: Digest::of(data),
    };
    let good = marker.pid != 0
        && is_plain_text(&marker.host, 0..=255)
        && is_plain_text(&marker.deployment_id, 1..=255)
        && is_plain_text(&marker.operator_principal_id, 1..=255);
    match Marker::parse(marker.render().as_bytes()) {
        Ok(read) => assert_eq!((good, read), (true, marker)),
        Err(reason) => assert!(!good, "{reason}: {marker:?}"),
    }
}

/// Target `marker`.
pub fn run(data: &[u8]) {
    parse_as_it_should_be(data);
    make_and_read_back(data);
}
