// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules of signed documents: every refusal, and the order in which they are checked.
//!
//! How an attestation is bound to a marker (statuses 71 to 73) is shown beside the code.

mod documents;

use crtx::Status;
use documents::*;

const NOT_BEFORE: &str = "2026-11-23T00:35:20.178175700+00:00";
const NOT_AFTER: &str = "2026-11-24T00:40:20.178175700+00:00";
const WHY: &str = "host lost power during the restore; process confirmed dead";

/// The status of the reference's attestation with one part replaced, signed anew.
#[track_caller]
fn takeover_with(old: &str, new: &str) -> Status {
    Signed::over(with(TAKEOVER, old, new)).takeover_status()
}

/// The status of the reference's intent with one part replaced, signed anew.
#[track_caller]
fn intent_with(old: &str, new: &str) -> Status {
    Signed::over(with(INTENT, old, new)).intent_status()
}

#[test]
fn every_defect_of_a_document_has_its_own_status() {
    for (old, new, status) in [
        ("{\"deployment_id\"", "[\"deployment_id\"", Status::PayloadMalformed),
        ("_lock_takeover", "_lock_takeove", Status::KindMismatch),
        ("\"schema_version\":1", "\"schema_version\":2", Status::SchemaMismatch),
        ("operator:4718", "operator:4719", Status::PrincipalMismatch),
        ("deployment:d502", "deployment:d503", Status::DeploymentMismatch),
        (NOT_BEFORE, "2026-11-23T01:00:00.000000001+00:00", Status::NotYetValid),
        (NOT_AFTER, "2026-11-23T00:59:59.999999999+00:00", Status::Expired),
        (NOT_AFTER, "2026-11-22T00:00:00+00:00", Status::WindowInvalid),
        (WHY, "", Status::JustificationInvalid),
    ] {
        assert_eq!(takeover_with(old, new), status, "{new}");
    }
    for (old, new, status) in [
        ("{\"active_db_path\"", "[\"active_db_path\"", Status::PayloadMalformed),
        ("cortex_restore_intent", "cortex_restore_lock_takeover", Status::KindMismatch),
        (",\"schema_version\":1", ",\"schema_version\":0", Status::SchemaMismatch),
        ("p_n_schema_version\":1", "p_n_schema_version\":2", Status::SchemaMismatch),
        ("operator:4718", "operator:4719", Status::PrincipalMismatch),
        ("deployment:d502", "deployment:d503", Status::DeploymentMismatch),
        (NOT_BEFORE, "2026-11-23T01:00:00.000000001+00:00", Status::NotYetValid),
        (NOT_AFTER, "2026-11-23T00:59:59.999999999+00:00", Status::Expired),
        (NOT_AFTER, "2027-11-24T00:40:20.178175700+00:00", Status::WindowInvalid),
        ("cortex.db", "cortex.DB", Status::PathMismatch),
        ("events.jsonl", "events.jsonl/", Status::PathMismatch),
        ("blake3:2099", "blake3:2098", Status::DigestMismatch),
        ("jsonl_blake3\":\"blake3:af13", "jsonl_blake3\":\"blake3:af14", Status::DigestMismatch),
        ("sqlite_blake3\":\"blake3:af13", "sqlite_blake3\":\"blake3:af14", Status::DigestMismatch),
    ] {
        assert_eq!(intent_with(old, new), status, "{new}");
    }
}

#[test]
fn a_document_of_one_kind_is_never_one_of_the_other() {
    assert_eq!(Signed::takeover().intent_status(), Status::KindMismatch);
    assert_eq!(Signed::intent().takeover_status(), Status::KindMismatch);
}

#[test]
fn the_checks_inside_a_document_have_their_order() {
    let defects = [
        ("{\"deployment_id\"", "{\"a\":1,\"deployment_id\"", Status::PayloadMalformed),
        ("cortex_restore_lock_takeover", "cortex_restore_intent", Status::KindMismatch),
        ("\"schema_version\":1", "\"schema_version\":2", Status::SchemaMismatch),
        (",\"stale_pid\":5641", "", Status::PayloadMalformed),
        ("operator:4718", "operator:4719", Status::PrincipalMismatch),
        ("deployment:d502", "deployment:d503", Status::DeploymentMismatch),
        ("2026-11-24T00:40", "2027-11-24T00:40", Status::WindowInvalid),
        ("2026-11-23T00:35", "2026-11-23T01:35", Status::NotYetValid),
        (WHY, " ", Status::JustificationInvalid),
    ];
    for first in 0..defects.len() {
        let rest = &defects[first..];
        let payload =
            rest.iter().fold(TAKEOVER.to_owned(), |text, (old, new, _)| with(&text, old, new));
        assert_eq!(Signed::over(payload).takeover_status(), rest[0].2);
    }
    let defects = [
        ("2026-11-24T00:40", "2026-11-23T00:59", Status::Expired),
        ("events.jsonl", "events", Status::PathMismatch),
        ("blake3:2099", "blake3:2098", Status::DigestMismatch),
    ];
    for first in 0..defects.len() {
        let rest = &defects[first..];
        let payload =
            rest.iter().fold(INTENT.to_owned(), |text, (old, new, _)| with(&text, old, new));
        assert_eq!(Signed::over(payload).intent_status(), rest[0].2);
    }
}

#[test]
fn key_sizes_and_signature_are_checked_before_the_document_is_read() {
    let mut document = Signed::over("not JSON");
    document.payload = vec![b'x'; 65_537];
    document.signature.pop();
    document.public_key.pop();
    assert_eq!(document.takeover_status(), Status::UntrustedKey);
    document.public_key = PUBLIC_KEY.to_vec();
    assert_eq!(document.takeover_status(), Status::TooLarge);
    document.payload.pop();
    assert_eq!(document.takeover_status(), Status::SignatureLength);
    document.signature.push(0);
    assert_eq!(document.takeover_status(), Status::BadSignature);
    let document = Signed::over(document.payload);
    assert_eq!(document.takeover_status(), Status::PayloadMalformed);
}

#[test]
fn a_payload_of_64_kib_is_accepted_and_one_byte_more_is_not() {
    let mut document = Signed::over(format!("{TAKEOVER}{}", " ".repeat(65_536 - TAKEOVER.len())));
    assert_eq!(document.payload.len(), 65_536);
    assert_eq!(document.takeover_status(), Status::Ok);
    document.payload.push(b' ');
    assert_eq!(document.takeover_status(), Status::TooLarge);
    assert_eq!(crtx::sign(SEED, &document.payload).unwrap_err().status(), Status::TooLarge);
}

#[test]
fn both_ends_of_the_window_belong_to_it() {
    let unix_ns = |text: &str| {
        let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
        time.timestamp_nanos_opt().unwrap()
    };
    let (first, last) = (unix_ns(NOT_BEFORE), unix_ns(NOT_AFTER));
    for (now, status) in [
        (first - 1, Status::NotYetValid),
        (first, Status::Ok),
        (last, Status::Ok),
        (last + 1, Status::Expired),
        (i64::MIN, Status::NotYetValid),
        (i64::MAX, Status::Expired),
    ] {
        let (mut takeover, mut intent) = (Signed::takeover(), Signed::intent());
        (takeover.now, intent.now) = (now, now);
        assert_eq!(takeover.takeover_status(), status, "{now}");
        assert_eq!(intent.intent_status(), status, "{now}");
    }
}

#[test]
fn no_time_given_means_the_system_clock() {
    let now = chrono::Utc::now();
    let hour = chrono::TimeDelta::hours(1);
    for (from, to, status) in [
        (now - hour, now + hour, Status::Ok),
        (now + hour, now + hour, Status::NotYetValid),
        (now - hour, now - hour, Status::Expired),
    ] {
        let payload = with(TAKEOVER, NOT_BEFORE, &from.to_rfc3339());
        let mut document = Signed::over(with(&payload, NOT_AFTER, &to.to_rfc3339()));
        document.now = 0;
        assert_eq!(document.takeover_status(), status);
    }
}

#[test]
fn a_window_is_at_most_86700_seconds_long_and_ends_after_it_begins() {
    let status = |from: &str, to: &str| {
        let payload = with(TAKEOVER, NOT_BEFORE, from);
        Signed::over(with(&payload, NOT_AFTER, to)).takeover_status()
    };
    assert_eq!(status("2026-11-23T01:00:00Z", "2026-11-24T01:05:00Z"), Status::Ok);
    assert_eq!(
        status("2026-11-23T01:00:00Z", "2026-11-24T01:05:00.000000001Z"),
        Status::WindowInvalid
    );
    assert_eq!(status("2026-11-23T01:00:00Z", "2026-11-23T01:00:00Z"), Status::Ok);
    assert_eq!(status("2026-11-23T03:00:00+02:00", "2026-11-22T20:00:00-05:00"), Status::Ok);
    for (from, to) in [
        ("2026-11-23T01:00:00Z", "2026-11-23T00:59:59.999999999Z"),
        ("2026-11-23T01:00:00Z", "3026-11-23T01:00:00Z"),
        ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"),
    ] {
        assert_eq!(status(from, to), Status::WindowInvalid, "{from} {to}");
    }
    for from in
        ["", "now", "2026-11-23", "2026-11-23T01:00:00", "1795395600", "2026-13-01T00:00:00Z"]
    {
        assert_eq!(status(from, "2026-11-24T00:00:00Z"), Status::PayloadMalformed, "{from}");
    }
}

#[test]
fn a_payload_that_is_not_one_flat_strict_object_is_malformed() {
    let members = &TAKEOVER[1..TAKEOVER.len() - 1];
    let array = format!("[{}]", members.replace("\":", "\",").replace("\",\"", "\", \""));
    for payload in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        array,
        format!("[{TAKEOVER}]"),
        format!("\u{feff}{TAKEOVER}"),
        format!("{TAKEOVER}{TAKEOVER}"),
        format!("{TAKEOVER}x"),
        format!("{TAKEOVER}\0"),
        format!("{TAKEOVER},"),
        format!("{{{members},}}"),
        format!("{{{members},\"kind\":\"cortex_restore_lock_takeover\"}}"),
        format!("{{{members},\"stale_pid\":5641}}"),
        format!("{{{members},\"stale\\u005fpid\":5641}}"),
        format!("{{{members},\"note\":\"\"}}"),
        format!("{{{members},\"Kind\":\"\"}}"),
        format!("{{{members},\"active_db_path\":\"/\"}}"),
        format!("{{{members},\"p_n_schema_version\":1}}"),
        TAKEOVER[..TAKEOVER.len() - 1].to_owned(),
    ] {
        assert_eq!(
            Signed::over(payload.as_str()).takeover_status(),
            Status::PayloadMalformed,
            "{payload}"
        );
    }
    let latin1 = with(TAKEOVER, "host lost", "host\u{1} lost").replace('\u{1}', "#");
    let latin1: Vec<u8> = latin1.bytes().map(|b| if b == b'#' { 0xe9 } else { b }).collect();
    assert_eq!(Signed::over(latin1).takeover_status(), Status::PayloadMalformed);
}

#[test]
fn white_space_between_the_members_and_their_order_do_not_matter() {
    let members: Vec<&str> = TAKEOVER[1..TAKEOVER.len() - 1].split(',').rev().collect();
    let payload = format!("\n{{ {} }}\n", members.join(" ,\t"));
    assert_eq!(Signed::over(payload).takeover_status(), Status::Ok);
}

#[test]
fn every_member_is_required_and_has_its_type() {
    for (document, status_of) in [
        (TAKEOVER, Signed::takeover_status as fn(&Signed) -> Status),
        (INTENT, Signed::intent_status),
    ] {
        let members: Vec<&str> = document[1..document.len() - 1].split(',').collect();
        for (index, member) in members.iter().enumerate() {
            let mut others = members.clone();
            others.remove(index);
            let payload = format!("{{{}}}", others.join(","));
            assert_eq!(status_of(&Signed::over(payload)), Status::PayloadMalformed, "no {member}");
            let (key, value) = member.split_once(':').unwrap();
            let other_type = if value.starts_with('"') { "1" } else { "\"1\"" };
            for value in [other_type, "1.0", "true", "null", "[]", "{}", "[1]", "1e0", "-0.5"] {
                others = members.clone();
                let member = format!("{key}:{value}");
                others[index] = &member;
                let payload = format!("{{{}}}", others.join(","));
                assert_eq!(status_of(&Signed::over(payload)), Status::PayloadMalformed, "{member}");
            }
        }
    }
}

#[test]
fn a_version_of_any_size_but_1_is_another_schema() {
    let huge = "9".repeat(400);
    for version in ["0", "-1", "-0", "2", "11", "4294967297", "18446744073709551617", &huge] {
        let member = format!("\"schema_version\":{version}");
        assert_eq!(
            takeover_with("\"schema_version\":1", &member),
            Status::SchemaMismatch,
            "{version}"
        );
    }
}

#[test]
fn a_process_id_is_32_bits_and_a_digest_has_one_form() {
    for (pid, status) in [
        ("0", Status::Ok),
        ("4294967295", Status::Ok),
        ("4294967296", Status::PayloadMalformed),
        ("-1", Status::PayloadMalformed),
        ("5641.0", Status::PayloadMalformed),
    ] {
        assert_eq!(takeover_with(":5641", &format!(":{pid}")), status, "{pid}");
    }
    let hex = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    for (digest, status) in [
        (format!("\"blake3:{hex}\""), Status::Ok),
        (format!("\"blake3:{}\"", hex.to_uppercase()), Status::PayloadMalformed),
        (format!("\"{hex}\""), Status::PayloadMalformed),
        ("\"\"".to_owned(), Status::PayloadMalformed),
        ("null".to_owned(), Status::PayloadMalformed),
    ] {
        let member = format!("{{\"stale_marker_blake3\":{digest},");
        assert_eq!(takeover_with("{", &member), status, "{digest}");
    }
    assert_eq!(intent_with("blake3:af13", "blake3:AF13"), Status::PayloadMalformed);
}

#[test]
fn a_justification_is_a_plain_text_of_1_to_1024_bytes() {
    let longest = "é".repeat(512);
    let too_long = format!("{longest}x");
    for (text, status) in [
        ("x", Status::Ok),
        (" \\u0041 \\\"quoted\\\" \\\\ \\/ ", Status::Ok),
        (&longest, Status::Ok),
        (&too_long, Status::JustificationInvalid),
        ("", Status::JustificationInvalid),
        (" \u{a0}\u{3000}", Status::JustificationInvalid),
        ("a\\nb", Status::JustificationInvalid),
        ("a\\u0000b", Status::JustificationInvalid),
        ("a\\u001b[31mb", Status::JustificationInvalid),
        ("a\\u007f", Status::JustificationInvalid),
        ("a\u{85}b", Status::JustificationInvalid),
        ("\\ud800", Status::PayloadMalformed),
        ("a\nb", Status::PayloadMalformed),
        ("a\0b", Status::PayloadMalformed),
    ] {
        assert_eq!(takeover_with(WHY, text), status, "{text:?}");
    }
}

#[test]
fn an_escape_means_the_character_it_stands_for() {
    assert_eq!(takeover_with("\"kind\"", "\"\\u006bind\""), Status::Ok);
    assert_eq!(takeover_with("deployment:d502", "deployment\\u003ad502"), Status::Ok);
    assert_eq!(
        takeover_with("deployment:d502", "deployment:d502\\u0000"),
        Status::DeploymentMismatch
    );
    assert_eq!(takeover_with("_lock_takeover", "_lock_takeover\\u0000"), Status::KindMismatch);
    assert_eq!(intent_with("cortex.db", "cortex.db\\u0000"), Status::PathMismatch);
    assert_eq!(intent_with("/srv/cortex", "\\/srv\\/cortex"), Status::Ok);
}

#[test]
fn nothing_of_a_document_is_shown_before_its_signature_holds_and_then_only_escaped() {
    let payload = with(TAKEOVER, "deployment:d502", "evil\\u001b[31m\\n");
    let mut forged = Signed::over(payload);
    let error = forged.verify_takeover().unwrap_err();
    assert_eq!(error.status(), Status::DeploymentMismatch);
    assert!(error.message().contains("evil\\u{1b}[31m\\n"), "{error}");
    forged.signature[0] ^= 1;
    let error = forged.verify_takeover().unwrap_err();
    assert!(!error.to_string().contains("evil"), "{error}");
    for (old, new) in [
        ("\"kind\"", "\"\\u001bkind\""),
        ("cortex_restore_lock_takeover", "\\u001b\\n"),
        ("operator:4718", "\\u001b\\n"),
    ] {
        let error = Signed::over(with(TAKEOVER, old, new)).verify_takeover().unwrap_err();
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
}

#[test]
fn a_deployment_that_cannot_be_one_is_a_wrong_argument() {
    for deployment in ["", "a\nb", &"d".repeat(256)] {
        let mut document = Signed::takeover();
        document.deployment_id = deployment.to_owned();
        assert_eq!(document.takeover_status(), Status::InvalidArgument);
        assert_eq!(document.intent_status(), Status::InvalidArgument);
    }
}
