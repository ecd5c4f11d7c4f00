# SPDX-License-Identifier: MIT OR Apache-2.0
"""Restore intents, keys, signatures and digests, against files and vectors that others made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stores import FIXTURES, Keys

import crtx

# Inside the window of the reference's documents.
NOW = 1795395600 * 10**9

EMPTY = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"

# RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


@pytest.fixture
def expected() -> dict[str, Any]:
    """What the reference's intent authorizes, and who trusts whom."""
    intent = json.loads(fixture("RESTORE_INTENT.json"))
    names = (
        "deployment_id",
        "active_db_path",
        "active_event_log_path",
        "backup_manifest_blake3",
        "staged_sqlite_blake3",
        "staged_jsonl_blake3",
    )
    return {
        **{name: intent[name] for name in names},
        "public_key": fixture("operator.pub"),
        "now_unix_ns": NOW,
    }


@pytest.fixture
def signed() -> dict[str, Any]:
    return {"intent": fixture("RESTORE_INTENT.json"), "signature": fixture("RESTORE_INTENT.sig")}


@pytest.mark.parametrize(("seed", "key", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(
    seed: str, key: str, message: str, signature: str
) -> None:
    assert crtx.public_key(bytes.fromhex(seed)).hex() == key
    assert crtx.sign(bytes.fromhex(seed), bytes.fromhex(message)).hex() == signature


def test_keys_and_signatures_are_the_references() -> None:
    seed = fixture("operator.seed")
    assert crtx.public_key(seed) == fixture("operator.pub")
    for name in ("RESTORE_INTENT", "TAKEOVER"):
        assert crtx.sign(seed, fixture(f"{name}.json")) == fixture(f"{name}.sig")
    principal = json.loads(fixture("TAKEOVER.json"))["operator_principal_id"]
    assert crtx.operator_principal(fixture("operator.pub")) == principal


def test_the_references_intent_is_verified_and_its_digest_is_that_of_the_references_marker(
    expected: dict[str, Any], signed: dict[str, Any]
) -> None:
    digest = crtx.verify_intent(**signed, **expected)
    assert f"restore_intent_blake3={digest}\n".encode() in fixture("active-store.lock")
    assert digest == crtx.blake3_file(FIXTURES / "RESTORE_INTENT.json")


def test_an_intent_of_this_package_is_minified_sorted_and_verified(
    keys: Keys, expected: dict[str, Any]
) -> None:
    expected["public_key"] = keys.public
    intent = crtx.build_intent(**expected, valid_for=3600)
    fields = json.loads(intent)
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert intent == text.encode()
    assert fields["not_before"] == "2026-11-23T00:55:00+00:00"
    assert fields["not_after"] == "2026-11-23T02:00:00+00:00"
    assert fields["operator_principal_id"] == keys.principal
    signature = crtx.sign(keys.seed, intent)
    assert crtx.verify_intent(intent=intent, signature=signature, **expected)
    # Without a time it is valid now.
    del expected["now_unix_ns"]
    intent = crtx.build_intent(**expected, valid_for=60)
    crtx.verify_intent(intent=intent, signature=crtx.sign(keys.seed, intent), **expected)


def test_an_intent_longer_than_the_first_buffer_is_built_whole(
    keys: Keys, expected: dict[str, Any]
) -> None:
    path = "/" + "d" * 4000
    expected.update(public_key=keys.public, active_db_path=path, active_event_log_path=path)
    intent = crtx.build_intent(**expected, valid_for=3600)
    assert json.loads(intent)["active_db_path"] == path
    crtx.verify_intent(intent=intent, signature=crtx.sign(keys.seed, intent), **expected)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"signature": bytes(64)}, crtx.BadSignature),
        ({"signature": bytes(63)}, crtx.SignatureLength),
        ({"intent": fixture("RESTORE_INTENT.json") + b" "}, crtx.BadSignature),
        ({"intent": bytes(70_000)}, crtx.TooLarge),
        (
            {"intent": fixture("TAKEOVER.json"), "signature": fixture("TAKEOVER.sig")},
            crtx.KindMismatch,
        ),
        ({"public_key": bytes(32)}, crtx.UntrustedKey),
        ({"public_key": fixture("operator.pub")[:31]}, crtx.UntrustedKey),
        ({"public_key": crtx.public_key(bytes(32))}, crtx.BadSignature),
        ({"deployment_id": "another"}, crtx.DeploymentMismatch),
        ({"now_unix_ns": NOW - 86_400 * 10**9}, crtx.NotYetValid),
        ({"now_unix_ns": NOW + 2 * 86_400 * 10**9}, crtx.Expired),
        ({"active_db_path": "/srv/other.db"}, crtx.PathMismatch),
        ({"active_event_log_path": "/srv/other.jsonl"}, crtx.PathMismatch),
        ({"backup_manifest_blake3": EMPTY}, crtx.DigestMismatch),
        ({"staged_sqlite_blake3": "blake3:" + 64 * "0"}, crtx.DigestMismatch),
        ({"staged_jsonl_blake3": "blake3:" + 64 * "0"}, crtx.DigestMismatch),
        ({"active_db_path": "relative"}, crtx.InvalidArgument),
        ({"staged_sqlite_blake3": "sha256:" + 64 * "0"}, crtx.InvalidArgument),
    ],
)
def test_an_intent_that_is_not_the_expected_one_is_refused(
    expected: dict[str, Any], signed: dict[str, Any], change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        crtx.verify_intent(**{**signed, **expected, **change})
    assert type(caught.value) is error


def signed_by(keys: Keys, document: bytes) -> dict[str, Any]:
    return {
        "intent": document,
        "signature": crtx.sign(keys.seed, document),
        "public_key": keys.public,
    }


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda fields: fields.update(schema_version=2), crtx.SchemaMismatch),
        (lambda fields: fields.update(operator_principal_id="operator:x"), crtx.PrincipalMismatch),
        (lambda fields: fields.update(surplus=1), crtx.PayloadMalformed),
        (
            lambda fields: fields.update(not_after="2027-11-23T02:00:00+00:00"),
            crtx.WindowInvalid,
        ),
    ],
)
def test_a_signed_document_with_wrong_fields_is_refused(
    keys: Keys, expected: dict[str, Any], edit: Any, error: type[Exception]
) -> None:
    expected["public_key"] = keys.public
    fields = json.loads(crtx.build_intent(**expected, valid_for=3600))
    edit(fields)
    document = json.dumps(fields, sort_keys=True).encode()
    with pytest.raises(error):
        crtx.verify_intent(**{**expected, **signed_by(keys, document)})


def test_a_seed_in_a_bytearray_is_read_in_place_and_can_be_wiped(keys: Keys) -> None:
    seed = bytearray(keys.seed)
    signature = crtx.sign(seed, b"message")
    assert crtx.public_key(seed) == keys.public
    seed[:] = bytes(len(seed))
    seed.clear()  # not possible while something refers to its memory
    assert signature == crtx.sign(keys.seed, b"message")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_another_length_is_refused_and_can_be_cleared_in_the_handler(length: int) -> None:
    seed = bytearray(length)
    for call in (crtx.public_key, lambda seed: crtx.sign(seed, b"")):
        with pytest.raises(crtx.InvalidArgument):
            call(bytes(seed))
        try:
            call(seed)
        except crtx.InvalidArgument:
            seed.append(0)
            seed.pop()


def test_a_payload_has_at_most_65536_bytes(keys: Keys) -> None:
    assert len(crtx.sign(keys.seed, bytes(65_536))) == 64
    with pytest.raises(crtx.TooLarge):
        crtx.sign(keys.seed, bytes(65_537))


@pytest.mark.parametrize("key", [b"", bytes(32), b"\1" + bytes(31), b"\xff" * 32])
def test_a_key_that_is_none_has_no_principal(key: bytes) -> None:
    with pytest.raises(crtx.UntrustedKey):
        crtx.operator_principal(key)


def test_the_digest_of_a_file_is_blake3s(place: Path) -> None:
    (place / "empty").touch()
    assert crtx.blake3_file(place / "empty") == EMPTY
    (place / "link").symlink_to("empty")
    assert crtx.blake3_file(place / "link") == EMPTY
    with pytest.raises(crtx.NotRegularFile):
        crtx.blake3_file(place)
    with pytest.raises(crtx.StoreIOError) as caught:
        crtx.blake3_file(place / "none")
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == 2
    assert caught.value.filename == str(place / "none")
