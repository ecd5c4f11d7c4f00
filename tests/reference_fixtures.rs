// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interoperation at rest with the reference implementation, in both directions, on files that it
//! made itself.

mod documents;

use crtx::attestation::{build_intent, takeover_payload, verify_intent};
use crtx::{Digest, Marker, MarkerSnapshot, OperatorKey, Status};
use documents::*;

/// The moment at which the reference wrote its intent: 300 seconds into the window.
const WRITTEN: &str = "2026-11-23T00:40:20.178175700+00:00";

fn written_unix_ns() -> i64 {
    chrono::DateTime::parse_from_rfc3339(WRITTEN).unwrap().timestamp_nanos_opt().unwrap()
}

#[test]
fn the_references_documents_are_accepted_byte_for_byte() {
    let attestation = Signed::takeover().verify_takeover().unwrap();
    assert_eq!(attestation.deployment_id(), DEPLOYMENT);
    assert!(attestation.justification().starts_with("host lost power"));
    let principal = OperatorKey::from_bytes(PUBLIC_KEY).unwrap().principal();
    assert_eq!(attestation.operator_principal_id(), principal);
    let digest = verify_intent(&Signed::intent().document(), &EXPECTED).unwrap();
    assert_eq!(digest, Digest::of(INTENT.as_bytes()));
}

#[test]
fn the_references_signatures_are_ours() {
    assert_eq!(crtx::public_key(SEED).unwrap(), PUBLIC_KEY);
    assert_eq!(crtx::sign(SEED, TAKEOVER.as_bytes()).unwrap(), TAKEOVER_SIG);
    assert_eq!(crtx::sign(SEED, INTENT.as_bytes()).unwrap(), INTENT_SIG);
}

/// Damages one part of both documents in every way and demands one of the statuses.
fn refuse_every_damage(part: impl Fn(&mut Signed) -> &mut Vec<u8>, expected: &[Status]) {
    for (document, status_of) in [
        (Signed::takeover(), Signed::takeover_status as fn(&Signed) -> Status),
        (Signed::intent(), Signed::intent_status),
    ] {
        let mut damaged = document.clone();
        let whole = part(&mut damaged).clone();
        for_each_damage(&whole, |bytes| {
            *part(&mut damaged) = bytes.to_vec();
            let status = status_of(&damaged);
            assert!(expected.contains(&status), "{status:?} for {bytes:?}");
        });
    }
}

#[test]
fn every_one_byte_change_of_a_payload_is_refused() {
    refuse_every_damage(|document| &mut document.payload, &[Status::BadSignature]);
}

#[test]
fn every_one_byte_change_of_a_signature_is_refused() {
    let expected = [Status::BadSignature, Status::SignatureLength];
    refuse_every_damage(|document| &mut document.signature, &expected);
}

#[test]
fn every_one_byte_change_of_a_public_key_is_refused() {
    let expected = [Status::BadSignature, Status::UntrustedKey];
    refuse_every_damage(|document| &mut document.public_key, &expected);
}

#[test]
fn the_references_marker_is_read_and_a_marker_of_the_same_fields_is_the_same_file() {
    let marker = Marker::parse(MARKER.as_bytes()).unwrap();
    let same = Marker {
        pid: 5641,
        host: "fixture-host".to_owned(),
        deployment_id: DEPLOYMENT.to_owned(),
        operator_principal_id: OperatorKey::from_bytes(PUBLIC_KEY).unwrap().principal(),
        acquired_at: "2026-11-23T00:40:55.469509729+00:00".to_owned(),
        acquired_at_unix_ns: 1_795_394_455_469_509_729,
        restore_intent_blake3: Digest::of(INTENT.as_bytes()),
    };
    assert_eq!(marker, same);
    assert_eq!(same.render(), MARKER);
}

#[test]
fn every_one_byte_change_of_the_marker_is_malformed_or_says_something_else() {
    let whole = MarkerSnapshot::of(MARKER.as_bytes());
    for_each_damage(MARKER.as_bytes(), |bytes| {
        let damaged = MarkerSnapshot::of(bytes);
        assert_ne!(damaged.parsed, whole.parsed);
        assert_ne!(damaged.digest, whole.digest);
    });
}

#[test]
fn an_intent_with_the_references_fields_is_the_references_file() {
    let payload =
        build_intent(DEPLOYMENT, &EXPECTED, PUBLIC_KEY, 86_400, written_unix_ns()).unwrap();
    assert_eq!(String::from_utf8(payload).unwrap(), INTENT);
}

#[test]
fn an_attestation_with_the_references_fields_adds_the_markers_digest_and_nothing_else() {
    let snapshot = MarkerSnapshot::of(MARKER.as_bytes());
    let why = "host lost power during the restore; process confirmed dead";
    for deployment in [None, Some(DEPLOYMENT)] {
        let now = written_unix_ns();
        let payload = takeover_payload(&snapshot, deployment, PUBLIC_KEY, why, 86_400, now);
        let payload = String::from_utf8(payload.unwrap()).unwrap();
        let digest = format!("\"stale_marker_blake3\":\"{}\",", snapshot.digest);
        assert_eq!(with(&payload, &digest, ""), TAKEOVER);
        assert!(payload.contains(&format!("{digest}\"stale_pid\"")), "its place is the sorted one");
        assert_eq!(Signed::over(payload).takeover_status(), Status::Ok);
    }
}
