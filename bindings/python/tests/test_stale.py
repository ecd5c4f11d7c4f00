# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stale markers: only an operator's signature moves one aside, and the evidence is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Callable

import pytest
from stores import (
    DEPLOYMENT,
    DIGEST,
    FIXTURES,
    Holder,
    Keys,
    attest,
    leave_a_stale_marker,
    names,
    new_lock,
    take_over,
)
from test_documents import NOW, fixture

import crtx


@pytest.fixture
def stale(marker: Path) -> Path:
    """The marker of a process that was killed."""
    leave_a_stale_marker(marker)
    return marker


def test_quarantine_moves_the_marker_aside_and_keeps_the_evidence(
    place: Path, stale: Path, keys: Keys
) -> None:
    text = stale.read_bytes()
    arguments = attest(stale, keys)
    crtx.verify_takeover(stale, **arguments)
    assert crtx.list_evidence(stale) == []
    moved = crtx.quarantine(stale, **arguments)
    assert moved.parent == place
    assert moved.name.startswith("ledger.db.restore.stale-")
    assert moved.read_bytes() == text
    assert Path(f"{moved}.attestation.json").read_bytes() == arguments["attestation"]
    assert Path(f"{moved}.attestation.sig").read_bytes() == arguments["signature"]
    assert len(names(place)) == 3
    assert crtx.list_evidence(stale) == [moved]
    crtx.verify_evidence(moved, public_key=keys.public)
    new_lock(stale).acquire().release()


def test_a_takeover_quarantines_and_acquires_in_one_step(stale: Path, keys: Keys) -> None:
    text = stale.read_bytes()
    taken = take_over(stale, keys, host="the-new-one")
    lock, moved = taken
    assert (lock, moved) == (taken.lock, taken.stale_path)
    assert moved.read_bytes() == text
    assert lock.held
    lock.check()
    assert lock.marker.operator_principal_id == keys.principal
    assert lock.marker.host == "the-new-one"
    assert lock.path == str(stale)
    with pytest.raises(crtx.MarkerExists):
        new_lock(stale).acquire()
    with lock as entered:
        assert entered is lock
        with pytest.raises(crtx.MarkerExists):
            lock.__enter__()
    assert crtx.inspect(stale) is None
    crtx.verify_evidence(moved, public_key=keys.public)


@pytest.mark.parametrize("durability", ["full", "process-crash"])
@pytest.mark.parametrize("on_error", ["release", "leak"])
def test_a_takeovers_lock_has_the_options_that_it_was_given(
    stale: Path, keys: Keys, durability: str, on_error: str
) -> None:
    lock = take_over(stale, keys, durability=durability, on_error=on_error).lock
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert stale.exists() == (on_error == "leak")


def test_a_takeovers_lock_can_be_used_again(stale: Path, keys: Keys) -> None:
    lock = take_over(stale, keys).lock
    lock.release()
    with lock:
        lock.check()


def test_a_live_holder_is_not_taken_over_whatever_is_signed(marker: Path, keys: Keys) -> None:
    holder = Holder(marker)
    arguments = attest(marker, keys)
    for call in (crtx.quarantine, crtx.verify_takeover):
        with pytest.raises(crtx.Contended):
            call(marker, **arguments)
    with pytest.raises(crtx.Contended):
        take_over(marker, keys)
    holder.go()


def test_nothing_to_move_is_an_error_of_its_own(stale: Path, keys: Keys) -> None:
    arguments = attest(stale, keys)
    crtx.quarantine(stale, **arguments)
    for call in (crtx.quarantine, crtx.verify_takeover):
        with pytest.raises(crtx.MarkerAbsent):
            call(stale, **arguments)
    with pytest.raises(crtx.MarkerAbsent):
        crtx.build_takeover(stale, public_key=keys.public, justification="why", valid_for=60)


def test_evidence_is_listed_oldest_first_and_nothing_is_overwritten(
    marker: Path, keys: Keys
) -> None:
    moved = []
    for _ in range(40):  # more than the first buffer holds
        with new_lock(marker) as lock:
            lock.leak()
        moved.append(crtx.quarantine(marker, **attest(marker, keys)))
    assert len(set(moved)) == 40
    assert crtx.list_evidence(marker) == moved
    for path in moved:
        crtx.verify_evidence(path, public_key=keys.public)


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any], Keys], None]:
    """The attestation with other fields, signed by the operator all the same."""

    def edit(arguments: dict[str, Any], keys: Keys) -> None:
        fields = json.loads(arguments["attestation"])
        change(fields)
        arguments["attestation"] = json.dumps(fields).encode()
        arguments["signature"] = crtx.sign(keys.seed, arguments["attestation"])

    return edit


def replaced(**fields: Any) -> Callable[[dict[str, Any], Keys], None]:
    return lambda arguments, keys: arguments.update(fields)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (replaced(signature=bytes(64)), crtx.BadSignature),
        (replaced(signature=b""), crtx.SignatureLength),
        (replaced(public_key=crtx.public_key(bytes(32))), crtx.BadSignature),
        (replaced(public_key=bytes(32)), crtx.UntrustedKey),
        (replaced(attestation=b""), crtx.BadSignature),
        (replaced(deployment_id="another"), crtx.DeploymentMismatch),
        (replaced(now_unix_ns=1), crtx.NotYetValid),
        (replaced(now_unix_ns=2**62), crtx.Expired),
        (edited(lambda fields: fields.update(stale_pid=1)), crtx.StalePidMismatch),
        (
            edited(lambda fields: fields.update(stale_acquired_at="2026-11-23T00:00:00+00:00")),
            crtx.StaleTimeMismatch,
        ),
        (
            edited(lambda fields: fields.update(stale_marker_blake3=DIGEST)),
            crtx.StaleDigestMismatch,
        ),
        (edited(lambda fields: fields.update(justification=" ")), crtx.JustificationInvalid),
        (edited(lambda fields: fields.update(kind="another")), crtx.KindMismatch),
        (edited(lambda fields: fields.pop("justification")), crtx.PayloadMalformed),
    ],
)
def test_an_attestation_that_does_not_fit_moves_nothing(
    place: Path, stale: Path, keys: Keys, change: Any, error: type[Exception]
) -> None:
    arguments = attest(stale, keys)
    change(arguments, keys)
    before = names(place), stale.read_bytes()
    for call in (
        lambda: crtx.verify_takeover(stale, **arguments),
        lambda: crtx.quarantine(stale, **arguments),
        lambda: take_over(stale, keys, **arguments),
    ):
        with pytest.raises(error) as caught:
            call()
        assert type(caught.value) is error
    assert (names(place), stale.read_bytes()) == before


@pytest.mark.parametrize("justification", ["", " \t", "x" * 1025, "two\nlines"])
def test_a_justification_is_one_plain_sentence(stale: Path, keys: Keys, justification: str) -> None:
    with pytest.raises(crtx.JustificationInvalid):
        attest(stale, keys, justification=justification)


def test_an_attestation_names_the_marker_and_the_window(stale: Path, keys: Keys) -> None:
    found = crtx.inspect(stale)
    assert found is not None
    fields = json.loads(attest(stale, keys, now_unix_ns=NOW, valid_for=3600)["attestation"])
    assert fields == {
        "deployment_id": DEPLOYMENT,
        "justification": "the holder was killed by a test",
        "kind": "cortex_restore_lock_takeover",
        "not_after": "2026-11-23T02:00:00+00:00",
        "not_before": "2026-11-23T00:55:00+00:00",
        "operator_principal_id": keys.principal,
        "schema_version": 1,
        "stale_acquired_at": found.acquired_at,
        "stale_marker_blake3": found.marker_blake3,
        "stale_pid": found.pid,
    }


def test_a_malformed_marker_needs_the_deployment_and_its_digest(marker: Path, keys: Keys) -> None:
    marker.write_text("half a mark")
    with pytest.raises(crtx.InvalidArgument):
        attest(marker, keys)
    arguments = attest(marker, keys, deployment_id=DEPLOYMENT)
    without = dict(arguments)
    edited(lambda fields: fields.pop("stale_marker_blake3"))(without, keys)
    with pytest.raises(crtx.MarkerMalformed):
        crtx.quarantine(marker, **without)
    assert crtx.quarantine(marker, **arguments).read_text() == "half a mark"


def test_another_deployment_than_the_markers_is_not_attested(stale: Path, keys: Keys) -> None:
    with pytest.raises(crtx.DeploymentMismatch):
        attest(stale, keys, deployment_id="another")


def test_evidence_that_was_tampered_with_is_invalid(stale: Path, keys: Keys) -> None:
    moved = crtx.quarantine(stale, **attest(stale, keys))
    with pytest.raises(crtx.BadSignature):
        crtx.verify_evidence(moved, public_key=crtx.public_key(bytes(32)))
    with pytest.raises(crtx.UntrustedKey):
        crtx.verify_evidence(moved, public_key=b"short")
    text = moved.read_text()
    moved.write_text(text.replace("operator:test", "operator:mallory"))
    with pytest.raises(crtx.EvidenceInvalid):
        crtx.verify_evidence(moved, public_key=keys.public)
    moved.write_text(text)
    crtx.verify_evidence(moved, public_key=keys.public)
    Path(f"{moved}.attestation.sig").unlink()
    with pytest.raises(crtx.EvidenceInvalid):
        crtx.verify_evidence(moved, public_key=keys.public)


def test_a_shared_directory_is_refused_unless_it_is_allowed(
    place: Path, stale: Path, keys: Keys
) -> None:
    arguments = attest(stale, keys)
    place.chmod(0o777)
    with pytest.raises(crtx.InsecurePermissions):
        crtx.verify_takeover(stale, **arguments)
    crtx.verify_takeover(stale, **arguments, allow_shared_directory=True)
    with pytest.raises(crtx.InsecurePermissions):
        take_over(stale, keys)
    take_over(stale, keys, allow_shared_directory=True).lock.release()


def test_the_references_marker_is_moved_aside_with_the_references_attestation(
    place: Path, marker: Path
) -> None:
    shutil.copy(FIXTURES / "active-store.lock", marker)
    found = crtx.inspect(marker)
    assert found is not None
    assert (found.state, found.pid, found.host) == (crtx.MarkerState.STALE, 5641, "fixture-host")
    arguments: dict[str, Any] = {
        "attestation": fixture("TAKEOVER.json"),
        "signature": fixture("TAKEOVER.sig"),
        "public_key": fixture("operator.pub"),
        "deployment_id": found.deployment_id,
        "now_unix_ns": NOW,
    }
    crtx.verify_takeover(marker, **arguments)
    taken = crtx.takeover(
        marker,
        **arguments,
        operator_principal_id=found.operator_principal_id,
        restore_intent_blake3=found.restore_intent_blake3,
    )
    assert taken.stale_path.read_bytes() == fixture("active-store.lock")
    crtx.verify_evidence(taken.stale_path, public_key=fixture("operator.pub"))
    taken.lock.release()


def test_the_store_of_a_path_that_is_no_directory_is_an_error_of_its_own(
    place: Path, keys: Keys
) -> None:
    with pytest.raises(crtx.NoParentDirectory):
        crtx.list_evidence(place / "none" / "marker")
    with pytest.raises(crtx.NoParentDirectory):
        crtx.inspect(place / "none" / "marker")
    with pytest.raises((crtx.EvidenceInvalid, crtx.NoParentDirectory)):
        crtx.verify_evidence(place / "none" / "marker", public_key=keys.public)
