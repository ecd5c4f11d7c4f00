// SPDX-License-Identifier: MIT OR Apache-2.0
//! What holds for every marker and every document, not only for the examples.

mod documents;

use crtx::attestation::{IntentExpectation, build_intent, takeover_payload, verify_intent};
use crtx::{Digest, Marker, MarkerSnapshot, OperatorKey, Status};
use documents::*;
use proptest::prelude::*;

/// A text of at most so many bytes without control characters.
fn plain_text(bytes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    // A character takes up to four bytes.
    proptest::collection::vec(any::<char>(), *bytes.start()..=bytes.end() / 4)
        .prop_map(|text| text.into_iter().map(|c| if c.is_control() { '=' } else { c }).collect())
}

prop_compose! {
    fn any_marker()(
        pid in 1..=u32::MAX,
        host in plain_text(0..=255),
        deployment_id in plain_text(1..=255),
        operator_principal_id in plain_text(1..=255),
        acquired_at_unix_ns in any::<i64>(),
        intent in any::<[u8; 8]>(),
    ) -> Marker {
        Marker {
            pid, host, deployment_id, operator_principal_id, acquired_at_unix_ns,
            acquired_at: chrono::DateTime::from_timestamp_nanos(acquired_at_unix_ns).to_rfc3339(),
            restore_intent_blake3: Digest::of(&intent),
        }
    }
}

/// Bytes that are nearly a marker.
fn nearly_a_marker() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "cortex-restore-active-store-lock-v1",
        "pid=",
        "host=",
        "deployment_id=",
        "scope=",
        "operator_principal_id=",
        "acquired_at=",
        "restore_intent_blake3=",
        "blake3:",
        "production",
        "2026-11-23T00:40:55Z",
        "7",
        "\n",
        "\n",
        "\n",
        "\r",
        "=",
        " ",
        "\0",
        "é",
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..600),
        proptest::collection::vec(proptest::sample::select(pieces), 0..40)
            .prop_map(|pieces| pieces.concat().into_bytes()),
        // The reference's marker with a stretch replaced.
        (0..=MARKER.len(), 0..40usize, proptest::collection::vec(any::<u8>(), 0..4)).prop_map(
            |(at, length, new)| {
                let end = (at + length).min(MARKER.len());
                [&MARKER.as_bytes()[..at], &new, &MARKER.as_bytes()[end..]].concat()
            }
        ),
    ]
}

proptest! {
    #[test]
    fn a_marker_comes_back_from_its_text(marker in any_marker()) {
        prop_assert_eq!(Marker::parse(marker.render().as_bytes()), Ok(marker));
    }

    #[test]
    fn whatever_parses_is_written_back_byte_for_byte(bytes in nearly_a_marker()) {
        if let Ok(marker) = Marker::parse(&bytes) {
            prop_assert_eq!(marker.render().into_bytes(), bytes);
        }
    }

    #[test]
    fn a_digit_or_letter_changed_in_a_marker_is_seen(at in 0..MARKER.len(), new in "[0-9a-zA-Z]") {
        let mut bytes = MARKER.as_bytes().to_vec();
        bytes[at] = new.as_bytes()[0];
        if let Ok(marker) = Marker::parse(&bytes) {
            prop_assert_eq!(marker.render().into_bytes(), bytes);
        }
    }

    #[test]
    fn no_field_can_smuggle_in_a_line_or_a_control_character(
        marker in any_marker(),
        field in 0..4,
        at in any::<proptest::sample::Index>(),
        control in prop_oneof![Just('\n'), Just('\r'), proptest::char::range('\0', '\x1f'), proptest::char::range('\x7f', '\u{9f}')],
        line in prop_oneof![Just(""), Just("pid=1"), Just("host="), Just("scope=production")],
    ) {
        let mut marker = marker;
        let value = match field {
            0 => &mut marker.host,
            1 => &mut marker.deployment_id,
            2 => &mut marker.operator_principal_id,
            _ => &mut marker.acquired_at,
        };
        let place = at.index(value.chars().count() + 1);
        let byte = value.char_indices().nth(place).map_or(value.len(), |(byte, _)| byte);
        value.insert_str(byte, &format!("{control}{line}"));
        prop_assert!(Marker::parse(marker.render().as_bytes()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_key_verifies_what_its_seed_signs_and_nothing_else(
        seed in any::<[u8; 32]>(),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        bit in any::<proptest::sample::Index>(),
    ) {
        let key = OperatorKey::from_bytes(&crtx::public_key(&seed).unwrap()).unwrap();
        let mut signature = crtx::sign(&seed, &payload).unwrap();
        prop_assert_eq!(key.verify(&payload, &signature), Ok(()));
        let bit = bit.index(512);
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.verify(&payload, &signature).is_err());
    }

    #[test]
    fn any_bytes_make_a_key_or_none_without_a_panic(bytes in any::<[u8; 32]>()) {
        if let Ok(key) = OperatorKey::from_bytes(&bytes) {
            prop_assert_eq!(key.principal().len(), "operator:".len() + 64);
        }
    }

    #[test]
    fn an_attestation_for_any_marker_is_accepted_when_signed(
        marker in any_marker(),
        justification in "[ -~é]{0,80}[!-~]",
        seconds in 1..=86_400u32,
        now in prop_oneof![any::<i64>(), Just(NOW)].prop_filter("0 is the clock", |now| *now != 0),
    ) {
        let snapshot = MarkerSnapshot::of(marker.render().as_bytes());
        let payload = takeover_payload(&snapshot, None, PUBLIC_KEY, &justification, seconds, now);
        let mut document = Signed::over(payload.unwrap());
        document.deployment_id = marker.deployment_id;
        document.now = now;
        let attestation = document.verify_takeover().unwrap();
        prop_assert_eq!(attestation.justification(), justification);
    }

    #[test]
    fn an_intent_for_any_path_is_accepted_for_that_path_only(
        name in plain_text(1..=255),
        other in plain_text(1..=255),
        staged in any::<[u8; 8]>(),
    ) {
        let path = format!("/{name}/file");
        let staged = Digest::of(&staged).to_string();
        let plain = !name.split(std::path::is_separator).any(|part| part == "." || part == "..");
        let expected =
            IntentExpectation { active_db_path: &path, staged_sqlite_blake3: &staged, ..EXPECTED };
        let built = build_intent(DEPLOYMENT, &expected, PUBLIC_KEY, 60, NOW);
        prop_assert_eq!(built.is_ok(), plain);
        if let Ok(payload) = built {
            let document = Signed::over(payload);
            let digest = verify_intent(&document.document(), &expected);
            prop_assert_eq!(digest, Ok(Digest::of(&document.payload)));
            let other = format!("/{other}/other");
            let unexpected = IntentExpectation { active_db_path: &other, ..expected };
            prop_assert!(verify_intent(&document.document(), &unexpected).is_err());
        }
    }

    #[test]
    fn any_signed_bytes_are_judged_without_a_panic(
        payload in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            (0..=TAKEOVER.len(), 0..30usize, "[\\[\\]{}\",:\\\\0-9a-z ]{0,4}").prop_map(
                |(at, length, new)| {
                    let end = (at + length).min(TAKEOVER.len());
                    format!("{}{new}{}", &TAKEOVER[..at], &TAKEOVER[end..]).into_bytes()
                }
            ),
        ],
    ) {
        let document = Signed::over(payload);
        let status = document.takeover_status();
        prop_assert!(status == Status::Ok || (63..=74).contains(&status.number()), "{:?}", status);
        prop_assert_ne!(document.intent_status(), Status::Ok);
    }
}
