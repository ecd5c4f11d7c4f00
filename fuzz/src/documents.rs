// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both documents. The fuzzer writes the payload, and the target signs it, so that fuzzing gets past
//! the signature.

use crtx::attestation::{IntentExpectation, SignedDocument, TakeoverAttestation, verify_intent};
use crtx::{Digest, OperatorKey, Result, Status, sign};

use crate::oracle::{Here, judge_attestation, judge_intent};
use crate::{SEED, public_key};

/// 2026-11-23T01:00:00Z, inside the fixtures' windows.
const NOW: i64 = 1_795_395_600_000_000_000;
const DEPLOYMENT: &str =
    "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556";
const EMPTY: &str = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const EXPECTED: [(&str, &str); 5] = [
    ("active_db_path", "/srv/cortex-fixture/cortex.db"),
    ("active_event_log_path", "/srv/cortex-fixture/events.jsonl"),
    (
        "backup_manifest_blake3",
        "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3",
    ),
    ("staged_sqlite_blake3", EMPTY),
    ("staged_jsonl_blake3", EMPTY),
];

fn status<T>(result: &Result<T>) -> Status {
    result.as_ref().map_or_else(|error| error.status(), |_| Status::Ok)
}

/// Verifies the signed payload, and the payload under a signature that lacks a bit.
fn verify<T>(payload: &[u8], verify: impl Fn(&SignedDocument<'_>) -> Result<T>) -> Result<T> {
    let signature = sign(&SEED, payload).expect("the payload is not too large");
    let public_key = public_key();
    let with = |signature: &[u8]| {
        let (deployment_id, now_unix_ns) = (DEPLOYMENT, NOW);
        let public_key = &public_key;
        verify(&SignedDocument { payload, signature, public_key, deployment_id, now_unix_ns })
    };
    let mut forged = signature;
    forged[payload.len() % 64] ^= 1;
    assert_eq!(status(&with(&forged)), Status::BadSignature);
    with(&signature)
}

fn compare<T>(payload: &[u8], verified: &Result<T>, expected: Option<Status>) {
    let message = verified.as_ref().map_or_else(|error| error.to_string(), |_| String::new());
    assert!(!message.chars().any(char::is_control), "{message:?}");
    if let Some(expected) = expected {
        let payload = String::from_utf8_lossy(payload);
        assert_eq!(status(verified), expected, "{message}: {payload}");
    }
}

fn principal() -> String {
    OperatorKey::from_bytes(&public_key()).expect("it is a key").principal()
}

/// Target `attestation`.
pub fn run_attestation(payload: &[u8]) {
    let principal = principal();
    let here = Here { now: NOW.into(), deployment_id: DEPLOYMENT, principal: &principal };
    let verified = verify(payload, TakeoverAttestation::verify);
    compare(payload, &verified, judge_attestation(payload, &here));
}

/// Target `intent`.
pub fn run_intent(payload: &[u8]) {
    let principal = principal();
    let here = Here { now: NOW.into(), deployment_id: DEPLOYMENT, principal: &principal };
    let [db, log, manifest, sqlite, jsonl] = EXPECTED.map(|(_, value)| value);
    let expectation = IntentExpectation {
        active_db_path: db,
        active_event_log_path: log,
        backup_manifest_blake3: manifest,
        staged_sqlite_blake3: sqlite,
        staged_jsonl_blake3: jsonl,
    };
    let verified = verify(payload, |document| verify_intent(document, &expectation));
    compare(payload, &verified, judge_intent(payload, &here, &EXPECTED));
    if let Ok(digest) = verified {
        assert_eq!(digest, Digest::of(payload));
    }
}
