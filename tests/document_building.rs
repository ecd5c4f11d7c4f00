// SPDX-License-Identifier: MIT OR Apache-2.0
//! What libcrtx writes for an operator to sign, and what it refuses to write.

mod documents;

use crtx::attestation::{IntentExpectation, build_intent, takeover_payload, verify_intent};
use crtx::{MarkerSnapshot, Result, Status};
use documents::*;

const WHY: &str = "the host lost power";

fn status<T>(result: Result<T>) -> Status {
    result.map_or_else(|error| error.status(), |_| Status::Ok)
}

fn whole_marker() -> MarkerSnapshot {
    MarkerSnapshot::of(MARKER.as_bytes())
}

#[test]
fn no_window_but_of_1_to_86400_seconds_is_written() {
    for (seconds, expected) in [
        (0, Status::InvalidArgument),
        (1, Status::Ok),
        (86_400, Status::Ok),
        (86_401, Status::InvalidArgument),
        (u32::MAX, Status::InvalidArgument),
    ] {
        let takeover = takeover_payload(&whole_marker(), None, PUBLIC_KEY, WHY, seconds, NOW);
        let intent = build_intent(DEPLOYMENT, &EXPECTED, PUBLIC_KEY, seconds, NOW);
        assert_eq!(status(takeover), expected);
        assert_eq!(status(intent), expected);
    }
}

#[test]
fn a_document_is_valid_from_300_seconds_before_to_its_end_and_no_longer() {
    let payload = takeover_payload(&whole_marker(), None, PUBLIC_KEY, WHY, 60, NOW).unwrap();
    let mut document = Signed::over(payload);
    for (now, expected) in [
        (NOW - 300 * SECOND - 1, Status::NotYetValid),
        (NOW - 300 * SECOND, Status::Ok),
        (NOW + 60 * SECOND, Status::Ok),
        (NOW + 60 * SECOND + 1, Status::Expired),
    ] {
        document.now = now;
        assert_eq!(document.takeover_status(), expected);
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for now in [i64::MIN, -1, 1, i64::MAX] {
        let payload = takeover_payload(&whole_marker(), None, PUBLIC_KEY, WHY, 86_400, now);
        let mut document = Signed::over(payload.unwrap());
        document.now = now;
        assert_eq!(document.takeover_status(), Status::Ok, "{now}");
    }
}

#[test]
fn without_a_time_the_system_clocks_is_written() {
    let payload = build_intent(DEPLOYMENT, &EXPECTED, PUBLIC_KEY, 60, 0).unwrap();
    let mut document = Signed::over(payload);
    document.now = 0;
    assert_eq!(document.intent_status(), Status::Ok);
}

#[test]
fn an_attestation_is_written_for_the_markers_own_deployment_only() {
    let takeover = |snapshot: &MarkerSnapshot, deployment: Option<&str>| {
        status(takeover_payload(snapshot, deployment, PUBLIC_KEY, WHY, 60, NOW))
    };
    let torn = MarkerSnapshot::of(b"torn");
    assert_eq!(takeover(&whole_marker(), None), Status::Ok);
    assert_eq!(takeover(&whole_marker(), Some(DEPLOYMENT)), Status::Ok);
    assert_eq!(takeover(&whole_marker(), Some("other")), Status::DeploymentMismatch);
    assert_eq!(takeover(&torn, None), Status::InvalidArgument);
    assert_eq!(takeover(&torn, Some(DEPLOYMENT)), Status::Ok);
    for bad in ["", "a\nb", &"d".repeat(256)] {
        assert_eq!(takeover(&torn, Some(bad)), Status::InvalidArgument);
        let intent = build_intent(bad, &EXPECTED, PUBLIC_KEY, 60, NOW);
        assert_eq!(status(intent), Status::InvalidArgument);
    }
}

#[test]
fn an_unusable_key_or_justification_is_refused_at_once() {
    let identity = [&[1][..], &[0; 31]].concat();
    for key in [&PUBLIC_KEY[1..], &identity] {
        let takeover = takeover_payload(&whole_marker(), None, key, WHY, 60, NOW);
        assert_eq!(status(takeover), Status::UntrustedKey);
        let intent = build_intent(DEPLOYMENT, &EXPECTED, key, 60, NOW);
        assert_eq!(status(intent), Status::UntrustedKey);
    }
    for why in ["", "\t", "a\nb", "\0", &"x".repeat(1025)] {
        let takeover = takeover_payload(&whole_marker(), None, PUBLIC_KEY, why, 60, NOW);
        assert_eq!(status(takeover), Status::JustificationInvalid, "{why:?}");
    }
}

#[test]
fn an_intent_is_written_and_verified_for_plain_absolute_paths_and_strict_digests_only() {
    let upper = EXPECTED.staged_jsonl_blake3.to_uppercase();
    let long = format!("/{}", "p".repeat(4096));
    let with_path = |path| IntentExpectation { active_db_path: path, ..EXPECTED };
    let with_log = |path| IntentExpectation { active_event_log_path: path, ..EXPECTED };
    let with_digest = |digest| IntentExpectation { staged_jsonl_blake3: digest, ..EXPECTED };
    for wrong in [
        with_path(""),
        with_path("srv/db"),
        with_path("/srv/../db"),
        with_path("/srv/./db"),
        with_path("/srv/d\nb"),
        with_path(&long),
        with_log("events"),
        with_digest(""),
        with_digest(&upper),
        with_digest(&EXPECTED.staged_jsonl_blake3[7..]),
    ] {
        let built = build_intent(DEPLOYMENT, &wrong, PUBLIC_KEY, 60, NOW);
        assert_eq!(status(built), Status::InvalidArgument, "{wrong:?}");
        let verified = verify_intent(&Signed::intent().document(), &wrong);
        assert_eq!(status(verified), Status::InvalidArgument, "{wrong:?}");
    }
}

#[test]
fn texts_with_quotes_and_unicode_come_back_as_they_were() {
    let path = "/srv/\"quoted\" \\ é \u{1f600}";
    let expected = IntentExpectation { active_db_path: path, ..EXPECTED };
    let payload = build_intent(DEPLOYMENT, &expected, PUBLIC_KEY, 60, NOW).unwrap();
    let document = Signed::over(payload);
    assert_eq!(status(verify_intent(&document.document(), &expected)), Status::Ok);
    assert_eq!(document.intent_status(), Status::PathMismatch);
}
