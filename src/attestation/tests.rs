// SPDX-License-Identifier: MIT OR Apache-2.0
//! How an attestation is bound to one marker, shown with the reference implementation's files.

use super::*;
use crate::digest::Digest;
use crate::marker::MarkerSnapshot;
use crate::principal::sign;

const MARKER: &str = include_str!("../../tests/fixtures/cortex-0.1.2/active-store.lock");
const TAKEOVER: &[u8] = include_bytes!("../../tests/fixtures/cortex-0.1.2/TAKEOVER.json");
const TAKEOVER_SIG: &[u8] = include_bytes!("../../tests/fixtures/cortex-0.1.2/TAKEOVER.sig");
const PUBLIC_KEY: &[u8] = include_bytes!("../../tests/fixtures/cortex-0.1.2/operator.pub");
const SEED: &[u8] = include_bytes!("../../tests/fixtures/cortex-0.1.2/operator.seed");
const DEPLOYMENT: &str =
    "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556";
const NOW: i64 = 1_795_395_600_000_000_000;
const WHY: &str = "the host lost power";

fn reference() -> TakeoverAttestation {
    TakeoverAttestation::verify_at_any_time(TAKEOVER, TAKEOVER_SIG, PUBLIC_KEY).unwrap()
}

fn verified(payload: &[u8]) -> TakeoverAttestation {
    let signature = sign(SEED, payload).unwrap();
    TakeoverAttestation::verify(&SignedDocument {
        payload,
        signature: &signature,
        public_key: PUBLIC_KEY,
        deployment_id: DEPLOYMENT,
        now_unix_ns: NOW,
    })
    .unwrap()
}

/// The attestation that libcrtx writes for these bytes.
fn attestation_of(marker: &[u8]) -> TakeoverAttestation {
    let snapshot = MarkerSnapshot::of(marker);
    let payload = takeover_payload(&snapshot, Some(DEPLOYMENT), PUBLIC_KEY, WHY, 60, NOW);
    verified(&payload.unwrap())
}

#[track_caller]
fn answer(attestation: &TakeoverAttestation, marker: &[u8]) -> Status {
    match attestation.check_names(&MarkerSnapshot::of(marker)) {
        Ok(()) => Status::Ok,
        Err(error) => error.status(),
    }
}

/// The reference's marker with one value changed.
#[track_caller]
fn changed(old: &str, new: &str) -> Vec<u8> {
    assert!(MARKER.contains(old), "{old}");
    MARKER.replacen(old, new, 1).into_bytes()
}

/// The reference's attestation with one text changed, signed anew.
#[track_caller]
fn reference_with(old: &str, new: &str) -> TakeoverAttestation {
    let payload = std::str::from_utf8(TAKEOVER).unwrap();
    assert!(payload.contains(old), "{old}");
    verified(payload.replacen(old, new, 1).as_bytes())
}

#[test]
fn the_references_attestation_names_the_references_marker() {
    assert_eq!(answer(&reference(), MARKER.as_bytes()), Status::Ok);
    assert_eq!(answer(&attestation_of(MARKER.as_bytes()), MARKER.as_bytes()), Status::Ok);
}

#[test]
fn a_marker_of_another_process_time_or_deployment_is_refused_by_the_references_attestation() {
    let other_time = changed("40:55.469509729", "40:55.469509728");
    assert_eq!(answer(&reference(), &changed("pid=5641", "pid=5642")), Status::StalePidMismatch);
    assert_eq!(answer(&reference(), &other_time), Status::StaleTimeMismatch);
    let other_deployment = changed("deployment:d502", "deployment:d503");
    assert_eq!(answer(&reference(), &other_deployment), Status::DeploymentMismatch);
}

#[test]
fn the_same_time_written_in_another_way_is_another_time() {
    for same in ["469509729Z", "469509729-00:00", "4695097290+00:00"] {
        let marker = changed("469509729+00:00", same);
        assert_eq!(answer(&reference(), &marker), Status::StaleTimeMismatch, "{same}");
    }
}

#[test]
fn process_time_digest_and_deployment_are_checked_in_this_order() {
    let mut marker = MARKER.to_owned();
    let attestation = attestation_of(MARKER.as_bytes());
    let mut change = |old: &str, new: &str| {
        marker = marker.replacen(old, new, 1);
        answer(&attestation, marker.as_bytes())
    };
    assert_eq!(change("deployment:d502", "deployment:d503"), Status::StaleDigestMismatch);
    assert_eq!(change("40:55.469509729", "40:56"), Status::StaleTimeMismatch);
    assert_eq!(change("pid=5641", "pid=5642"), Status::StalePidMismatch);
}

#[test]
fn every_one_byte_change_of_a_marker_is_refused_by_an_attestation_with_its_digest() {
    let attestation = attestation_of(MARKER.as_bytes());
    let mut malformed = 0;
    let mut refuse = |marker: &[u8]| {
        let status = answer(&attestation, marker);
        assert_ne!(status, Status::Ok, "{}", String::from_utf8_lossy(marker));
        malformed += usize::from(status == Status::MarkerMalformed);
    };
    let mut marker = MARKER.as_bytes().to_vec();
    for index in 0..marker.len() {
        for flip in 1..=255 {
            marker[index] ^= flip;
            refuse(&marker);
            marker[index] ^= flip;
        }
        refuse(&marker[..index]);
    }
    for byte in 0..=255 {
        refuse(&[MARKER.as_bytes(), &[byte]].concat());
    }
    assert!(malformed > 0);
}

#[test]
fn a_digest_that_the_attestation_gives_must_be_the_markers() {
    let own = Digest::of(MARKER.as_bytes()).to_string();
    let other = Digest::of(b"other").to_string();
    for (digest, status) in [(own, Status::Ok), (other, Status::StaleDigestMismatch)] {
        let member = format!("\"stale_marker_blake3\":\"{digest}\",\"stale_pid\"");
        let attestation = reference_with("\"stale_pid\"", &member);
        assert_eq!(answer(&attestation, MARKER.as_bytes()), status);
    }
}

#[test]
fn a_malformed_marker_is_named_by_its_digest_process_zero_and_the_first_second_only() {
    let torn = &MARKER.as_bytes()[..100];
    assert_eq!(answer(&attestation_of(torn), torn), Status::Ok);
    let other = &MARKER.as_bytes()[..101];
    assert_eq!(answer(&attestation_of(torn), other), Status::StaleDigestMismatch);
    assert_eq!(answer(&reference(), torn), Status::MarkerMalformed);
    // A well-formed marker has a process and a time to be named by.
    assert_eq!(answer(&attestation_of(torn), MARKER.as_bytes()), Status::StalePidMismatch);

    let payload =
        takeover_payload(&MarkerSnapshot::of(torn), Some(DEPLOYMENT), PUBLIC_KEY, WHY, 60, NOW);
    let payload = String::from_utf8(payload.unwrap()).unwrap();
    let digest_member = format!("\"stale_marker_blake3\":\"{}\",", Digest::of(torn));
    for (old, new) in [
        ("\"stale_pid\":0", "\"stale_pid\":1"),
        ("1970-01-01T00:00:00+00:00", "1970-01-01T00:00:00Z"),
        (digest_member.as_str(), ""),
    ] {
        assert!(payload.contains(old), "{payload}");
        let attestation = verified(payload.replacen(old, new, 1).as_bytes());
        assert_eq!(answer(&attestation, torn), Status::MarkerMalformed, "{new}");
    }
}

#[test]
fn an_attestation_expires_while_its_caller_waits() {
    let attestation = attestation_of(MARKER.as_bytes());
    let second = 1_000_000_000;
    assert_eq!(attestation.check_still_valid(NOW + 60 * second), Ok(()));
    let late = attestation.check_still_valid(NOW + 60 * second + 1).unwrap_err();
    assert_eq!(late.status(), Status::Expired);
    let early = attestation.check_still_valid(NOW - 300 * second - 1).unwrap_err();
    assert_eq!(early.status(), Status::NotYetValid);
}

#[test]
fn evidence_keeps_its_worth_but_a_window_that_never_was_valid_has_none() {
    let verify = |payload: &[u8]| {
        let signature = sign(SEED, payload).unwrap();
        TakeoverAttestation::verify_at_any_time(payload, &signature, PUBLIC_KEY)
            .map(|_| ())
            .map_err(|error| error.status())
    };
    let text = std::str::from_utf8(TAKEOVER).unwrap();
    let old = text.replace("2026-11-23T00:35", "1999-11-23T00:35");
    assert_eq!(verify(old.as_bytes()), Err(Status::WindowInvalid));
    let old = old.replace("2026-11-24T00:40", "1999-11-24T00:40");
    assert_eq!(verify(old.as_bytes()), Ok(()));
    let blank = text.replace("host lost power during the restore; process confirmed dead", " ");
    assert_eq!(verify(blank.as_bytes()), Err(Status::JustificationInvalid));
}
