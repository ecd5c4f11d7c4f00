// SPDX-License-Identifier: MIT OR Apache-2.0
//! Public keys for which one signature could count for two payloads, or two keys for one operator.

mod documents;

use crtx::{OperatorKey, Status};
use documents::*;
use ed25519_dalek::VerifyingKey;

/// A point of order 8.
const TORSION: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
    0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

/// The eight points of small order, as multiples of one of order 8.
fn small_order_points() -> Vec<VerifyingKey> {
    let torsion = VerifyingKey::from_bytes(&TORSION).unwrap().to_edwards();
    let mut sum = torsion;
    (0..8)
        .map(|_| {
            sum += torsion;
            VerifyingKey::from(sum)
        })
        .collect()
}

#[track_caller]
fn assert_untrusted(key: &[u8], why: &str) {
    let error = OperatorKey::from_bytes(key).unwrap_err();
    assert_eq!(error.status(), Status::UntrustedKey);
    assert!(error.message().contains(why), "{error}");
    let (mut takeover, mut intent) = (Signed::takeover(), Signed::intent());
    (takeover.public_key, intent.public_key) = (key.to_vec(), key.to_vec());
    assert_eq!(takeover.takeover_status(), Status::UntrustedKey);
    assert_eq!(intent.intent_status(), Status::UntrustedKey);
}

#[test]
fn a_key_of_any_other_length_than_32_bytes_is_refused() {
    for length in (0..100).filter(|length| *length != 32) {
        let key: Vec<u8> = PUBLIC_KEY.iter().copied().cycle().take(length).collect();
        assert_untrusted(&key, "bytes long");
    }
}

#[test]
fn a_key_of_small_order_is_refused() {
    let points = small_order_points();
    let different: std::collections::HashSet<_> =
        points.iter().map(|key| *key.as_bytes()).collect();
    assert_eq!(different.len(), 8);
    for key in different {
        assert_untrusted(&key, "small order");
    }
}

#[test]
fn a_key_of_mixed_order_is_refused_though_its_signatures_may_hold() {
    let operator = VerifyingKey::try_from(PUBLIC_KEY).unwrap().to_edwards();
    let mut mixed = 0;
    for torsion in small_order_points() {
        let key = VerifyingKey::from(operator + torsion.to_edwards());
        if key.as_bytes() != PUBLIC_KEY {
            assert_untrusted(key.as_bytes(), "mixed order");
            mixed += 1;
        }
    }
    assert_eq!(mixed, 7);
}

#[test]
fn a_key_with_two_encodings_is_taken_in_its_canonical_one_only() {
    // y from p = 2^255 - 19 to 2^255 - 1 is another way to write 0 to 18.
    for low in 0xed..=0xff {
        for top in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (low, top);
            assert_untrusted(&key, "canonical");
        }
    }
    // x = 0 has no sign, yet the sign bit can be set: both such points are of small order.
    let mut identity = [0; 32];
    (identity[0], identity[31]) = (1, 0x80);
    assert_untrusted(&identity, "");
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    assert_untrusted(&minus_one, "");
}

#[test]
fn bytes_that_are_no_point_are_refused() {
    let no_point =
        (0..=255).map(|byte| [byte; 32]).find(|key| VerifyingKey::from_bytes(key).is_err());
    assert_untrusted(&no_point.unwrap(), "point");
}
