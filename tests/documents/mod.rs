// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reference implementation's files, and documents signed with its test key.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use crtx::attestation::{IntentExpectation, SignedDocument, TakeoverAttestation, verify_intent};
use crtx::{Error, Status};

pub const MARKER: &str = include_str!("../fixtures/cortex-0.1.2/active-store.lock");
pub const TAKEOVER: &str = include_str!("../fixtures/cortex-0.1.2/TAKEOVER.json");
pub const TAKEOVER_SIG: &[u8] = include_bytes!("../fixtures/cortex-0.1.2/TAKEOVER.sig");
pub const INTENT: &str = include_str!("../fixtures/cortex-0.1.2/RESTORE_INTENT.json");
pub const INTENT_SIG: &[u8] = include_bytes!("../fixtures/cortex-0.1.2/RESTORE_INTENT.sig");
pub const PUBLIC_KEY: &[u8] = include_bytes!("../fixtures/cortex-0.1.2/operator.pub");
pub const SEED: &[u8] = include_bytes!("../fixtures/cortex-0.1.2/operator.seed");

pub const DEPLOYMENT: &str =
    "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556";

/// A second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

/// 2026-11-23T01:00:00Z, within the window of both of the reference's documents.
pub const NOW: i64 = 1_795_395_600 * SECOND;

/// What the reference's intent permits.
pub const EXPECTED: IntentExpectation<'static> = IntentExpectation {
    active_db_path: "/srv/cortex-fixture/cortex.db",
    active_event_log_path: "/srv/cortex-fixture/events.jsonl",
    backup_manifest_blake3: "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3",
    staged_sqlite_blake3: "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    staged_jsonl_blake3: "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
};

/// A document that a test can bend.
#[derive(Clone)]
pub struct Signed {
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
    pub public_key: Vec<u8>,
    pub deployment_id: String,
    pub now: i64,
}

impl Signed {
    /// Signs any bytes with the test key.
    pub fn over(payload: impl Into<Vec<u8>>) -> Signed {
        let payload = payload.into();
        let signature = crtx::sign(SEED, &payload).unwrap();
        Signed::from_reference(&payload, &signature)
    }

    /// The reference's takeover attestation.
    pub fn takeover() -> Signed {
        Signed::from_reference(TAKEOVER.as_bytes(), TAKEOVER_SIG)
    }

    /// The reference's restore intent.
    pub fn intent() -> Signed {
        Signed::from_reference(INTENT.as_bytes(), INTENT_SIG)
    }

    fn from_reference(payload: &[u8], signature: &[u8]) -> Signed {
        Signed {
            payload: payload.to_vec(),
            signature: signature.to_vec(),
            public_key: PUBLIC_KEY.to_vec(),
            deployment_id: DEPLOYMENT.to_owned(),
            now: NOW,
        }
    }

    pub fn document(&self) -> SignedDocument<'_> {
        SignedDocument {
            payload: &self.payload,
            signature: &self.signature,
            public_key: &self.public_key,
            deployment_id: &self.deployment_id,
            now_unix_ns: self.now,
        }
    }

    pub fn verify_takeover(&self) -> Result<TakeoverAttestation, Error> {
        TakeoverAttestation::verify(&self.document())
    }

    pub fn takeover_status(&self) -> Status {
        self.verify_takeover().map_or_else(|error| error.status(), |_| Status::Ok)
    }

    pub fn intent_status(&self) -> Status {
        verify_intent(&self.document(), &EXPECTED)
            .map_or_else(|error| error.status(), |_| Status::Ok)
    }
}

/// Replaces a part of a text that must be there.
#[track_caller]
pub fn with(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old:?} is not in {text}");
    text.replacen(old, new, 1)
}

/// Calls `refuse` with every one-bit change, every truncation, and one byte more.
pub fn for_each_damage(bytes: &[u8], mut refuse: impl FnMut(&[u8])) {
    let mut damaged = bytes.to_vec();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            damaged[index] ^= 1 << bit;
            refuse(&damaged);
            damaged[index] ^= 1 << bit;
        }
        refuse(&bytes[..index]);
    }
    damaged.push(b'\n');
    refuse(&damaged);
}
