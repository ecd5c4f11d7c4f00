# SPDX-License-Identifier: MIT OR Apache-2.0
"""Quarantined markers: listed, and proved."""

from __future__ import annotations

import shutil

import pytest

import crtx as library

from .command import DEPLOYMENT, Crtx


@pytest.fixture
def kept(crtx: Crtx) -> Crtx:
    """Two quarantined markers of one store, and one of another."""
    for name, count in (("ledger.db.restore", 2), ("audit.db.restore", 1)):
        crtx.marker = crtx.place / name
        for _ in range(count):
            crtx.leave_stale()
            payload = library.build_takeover(
                crtx.marker,
                public_key=crtx.public_key,
                justification="the power failed",
                valid_for=60,
            )
            library.quarantine(
                crtx.marker,
                attestation=payload,
                signature=library.sign((crtx.place / "alice.seed").read_bytes(), payload),
                public_key=crtx.public_key,
                deployment_id=DEPLOYMENT,
            )
    crtx.marker = crtx.place / "ledger.db.restore"
    return crtx


def test_list_takes_markers_directories_and_quarantined_markers(kept: Crtx) -> None:
    ledger = [str(path) for path in library.list_evidence(kept.marker)]
    audit = [str(path) for path in library.list_evidence(kept.place / "audit.db.restore")]

    def listed(*targets: str) -> list[str]:
        evidence = kept("evidence", "list", "--json", *targets).json["result"]["evidence"]
        return [entry["stale_path"] for entry in evidence]

    assert listed(str(kept.marker)) == ledger
    assert listed(str(kept.place)) == audit + ledger
    assert listed(ledger[1]) == [ledger[1]]
    assert listed(str(kept.place), ledger[0], str(kept.marker)) == audit + ledger
    assert listed("nothing") == []


def test_list_says_who_died_and_what_is_missing(kept: Crtx) -> None:
    first = library.list_evidence(kept.marker)[0]
    entry = kept("evidence", "list", "--json", str(first)).json["result"]["evidence"][0]
    assert entry["marker"]["deployment_id"] == "ledger-production"
    assert entry["quarantined_at"].replace("-", "").replace(":", "") in first.name
    assert (entry["has_attestation"], entry["has_signature"]) == (True, True)
    first.with_name(first.name + ".attestation.sig").unlink()
    ran = kept("evidence", "list", str(first))
    assert ran.status == 0
    assert f"MISSING      {first}.attestation.sig" in ran.out
    assert f"process {entry['marker']['pid']}" in ran.out


def test_verify_proves_all_of_a_directory(kept: Crtx) -> None:
    ran = kept("evidence", "verify", ".", "--public-key", "alice.pub")
    assert ran.status == 0
    assert ran.out.count("HOLDS") == 3
    assert ran.out.count("justification    the power failed") == 3
    assert ran.out.endswith("3 of 3 quarantined markers verified\n")


def test_verify_reports_each_and_ends_with_the_first_failure(kept: Crtx) -> None:
    first, second = library.list_evidence(kept.marker)
    with first.open("ab") as file:
        file.write(b" ")
    shutil.copy(kept.place / "alice.pub", str(second) + ".attestation.sig")
    ran = kept("evidence", "verify", ".", "--public-key", "alice.pub", "--json")
    envelope = ran.json
    statuses = [entry["status"] for entry in envelope["result"]["evidence"]]
    assert statuses[0] == 0
    assert statuses[1] == 77
    assert statuses[2] != 0
    assert ran.status == envelope["status"] == 77
    text = kept("evidence", "verify", ".", "--public-key", "alice.pub")
    assert text.out.count("FAILED") == 2
    assert text.out.endswith("1 of 3 quarantined markers verified\n")
    assert "crtx: CRTX_E_EVIDENCE_INVALID (77): " in text.err


def test_verify_tries_every_key_that_was_ever_trusted(kept: Crtx) -> None:
    assert kept("keygen", "bob").status == 0
    ran = kept("evidence", "verify", ".", "--public-key", "bob.pub")
    assert ran.status == 62
    both = ("--public-key", "bob.pub", "--public-key", "alice.pub")
    entries = kept("evidence", "verify", ".", *both, "--json").json["result"]["evidence"]
    alice = kept("principal", "--public-key", "alice.pub").out.strip()
    assert [entry["operator_principal_id"] for entry in entries] == [alice] * 3


def test_a_better_reason_than_another_keys_signature_is_the_one_that_is_told(kept: Crtx) -> None:
    assert kept("keygen", "bob").status == 0
    (first, _) = library.list_evidence(kept.marker)
    with first.open("ab") as file:
        file.write(b" ")
    for order in (("alice.pub", "bob.pub"), ("bob.pub", "alice.pub")):
        options = [word for name in order for word in ("--public-key", name)]
        assert kept("evidence", "verify", str(first), *options).status == 77


def test_an_audit_that_verified_nothing_has_failed(crtx: Crtx) -> None:
    for target in (".", "mistyped.restore"):
        ran = crtx("evidence", "verify", target, "--public-key", "alice.pub")
        assert ran.status == 77
        assert "there is nothing to verify" in ran.err
    assert crtx("evidence", "verify", "no/where", "--public-key", "alice.pub").status == 41
