# SPDX-License-Identifier: MIT OR Apache-2.0
"""Interoperation with the reference implementation, on files that it made, in both directions."""

from __future__ import annotations

import base64
import json
import shutil

import pytest

import crtx as library

from .command import FIXTURES, Crtx

#: A moment inside the window of both documents.
NOW = "2026-11-23T01:00:00Z"
DEPLOYMENT = "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556"
EMPTY = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
EXPECTED = (
    *("--deployment-id", DEPLOYMENT),
    *("--active-db", "/srv/cortex-fixture/cortex.db"),
    *("--active-event-log", "/srv/cortex-fixture/events.jsonl"),
    "--backup-manifest-blake3",
    "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3",
    *("--staged-sqlite-blake3", EMPTY, "--staged-jsonl-blake3", EMPTY),
)
KEY = ("--public-key", "operator.pub")


@pytest.fixture
def reference(crtx: Crtx) -> Crtx:
    for file in FIXTURES.iterdir():
        shutil.copy(file, crtx.place)
        (crtx.place / file.name).chmod(0o644)
    (crtx.place / "operator.seed").chmod(0o600)
    return crtx


def test_the_references_intent_is_verified(reference: Crtx) -> None:
    words = ("intent", "verify", "--intent", "RESTORE_INTENT.json", *KEY, *EXPECTED)
    ran = reference(*words, "--now", NOW, "--json")
    assert ran.status == 0
    digest = ran.json["result"]["restore_intent_blake3"]
    assert f"restore_intent_blake3={digest}\n" in (FIXTURES / "active-store.lock").read_text()
    assert reference(*words).status == 69, "its window has passed"


def test_the_references_attestation_would_move_the_references_marker(reference: Crtx) -> None:
    words = ("quarantine", "active-store.lock", "--attestation", "TAKEOVER.json", *KEY)
    ran = reference(*words, "--deployment-id", DEPLOYMENT, "--dry-run", "--now", NOW)
    assert ran.status == 0, ran
    assert reference(*words, "--deployment-id", DEPLOYMENT).status == 69


def test_the_references_marker_is_inspected(reference: Crtx) -> None:
    result = reference("inspect", "active-store.lock", "--json").json["result"]
    assert result["state"] == "stale"
    assert (result["marker"]["pid"], result["marker"]["host"]) == (5641, "fixture-host")
    assert result["marker"]["deployment_id"] == DEPLOYMENT


def test_evidence_of_the_references_attestation_holds(reference: Crtx) -> None:
    place = reference.place
    kept = "active-store.lock.stale-20261123T010000Z"
    (place / "active-store.lock").rename(place / kept)
    (place / "TAKEOVER.json").rename(place / f"{kept}.attestation.json")
    (place / "TAKEOVER.sig").rename(place / f"{kept}.attestation.sig")
    for target in (".", kept, "active-store.lock"):
        ran = reference("evidence", "verify", target, *KEY)
        assert ran.status == 0, ran
        assert "host lost power during the restore; process confirmed dead" in ran.out


@pytest.mark.parametrize("name", ["RESTORE_INTENT", "TAKEOVER"])
def test_our_signature_of_its_document_is_the_references(reference: Crtx, name: str) -> None:
    wanted = (FIXTURES / f"{name}.sig").read_bytes()
    words = ("sign", f"{name}.json", "--yes", "--output")
    assert reference(*words, "one", "--seed", "operator.seed").status == 0
    # What `cortex sign --signing-key-b64 -` reads.
    seed = base64.b64encode((FIXTURES / "operator.seed").read_bytes())
    assert reference(*words, "two", "--seed", "-", stdin=seed).status == 0
    assert (reference.place / "one").read_bytes() == wanted
    assert (reference.place / "two").read_bytes() == wanted


def test_our_intent_is_the_references_but_for_its_window(reference: Crtx) -> None:
    words = ("intent", "build", "--seed", "operator.seed", "--yes", "--name", "ours")
    assert reference(*words, *EXPECTED, "--valid-for", "24h").status == 0
    ours = (reference.place / "ours.intent.json").read_text()
    theirs = (FIXTURES / "RESTORE_INTENT.json").read_text()
    window = ("not_before", "not_after")
    assert replace(ours, window) == replace(theirs, window)


def test_our_attestation_is_the_references_but_for_window_and_digest(reference: Crtx) -> None:
    theirs = json.loads((FIXTURES / "TAKEOVER.json").read_text())
    words = ("attest", "active-store.lock", "--seed", "operator.seed", "--yes", "--name", "ours")
    assert reference(*words, "--justification", theirs["justification"]).status == 0
    ours = (reference.place / "ours.attestation.json").read_text()
    digest = library.blake3_file(reference.place / "active-store.lock")
    without = ours.replace(f'"stale_marker_blake3":"{digest}",', "")
    window = ("not_before", "not_after")
    assert replace(without, window) == replace((FIXTURES / "TAKEOVER.json").read_text(), window)


def replace(text: str, names: tuple[str, ...]) -> str:
    """The text, with the values of these fields cut out."""
    document = json.loads(text)
    for name in names:
        text = text.replace(json.dumps(document[name]), "")
    return text
