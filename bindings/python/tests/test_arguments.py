# SPDX-License-Identifier: MIT OR Apache-2.0
"""Arguments of every shape: what is meant reaches C unchanged, and what is not is refused."""

from __future__ import annotations

import array
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable

import pytest
from stores import DEPLOYMENT, DIGEST, FIXTURES, Keys, attest, new_lock

import crtx


class BytesPath:
    """A path object that gives bytes."""

    def __init__(self, path: bytes) -> None:
        self._path = path

    def __fspath__(self) -> bytes:
        return self._path


INTENT: dict[str, Any] = {
    "deployment_id": DEPLOYMENT,
    "active_db_path": "/srv/store.db",
    "active_event_log_path": "/srv/events.jsonl",
    "backup_manifest_blake3": DIGEST,
    "staged_sqlite_blake3": DIGEST,
    "staged_jsonl_blake3": DIGEST,
}


def calls_with_a_path(keys: Keys) -> dict[str, Callable[[Any], Any]]:
    document: dict[str, Any] = {
        "attestation": b"{}",
        "signature": bytes(64),
        "public_key": keys.public,
        "deployment_id": DEPLOYMENT,
    }
    lock: dict[str, Any] = {"operator_principal_id": "operator", "restore_intent_blake3": DIGEST}
    return {
        "lock": lambda path: new_lock(path).acquire(),
        "inspect": crtx.inspect,
        "read_marker": crtx.read_marker,
        "build_takeover": lambda path: crtx.build_takeover(
            path, public_key=keys.public, justification="why", valid_for=60
        ),
        "quarantine": lambda path: crtx.quarantine(path, **document),
        "takeover": lambda path: crtx.takeover(path, **document, **lock),
        "verify_takeover": lambda path: crtx.verify_takeover(path, **document),
        "list_evidence": crtx.list_evidence,
        "verify_evidence": lambda path: crtx.verify_evidence(path, public_key=keys.public),
        "blake3_file": crtx.blake3_file,
    }


CALLS_WITH_A_PATH = sorted(calls_with_a_path(Keys(bytes(32))))


@pytest.mark.parametrize("name", CALLS_WITH_A_PATH)
def test_a_path_of_a_wrong_type_is_a_type_error(keys: Keys, name: str) -> None:
    for wrong in (None, 5, ["marker"], bytearray(b"marker"), object()):
        with pytest.raises(TypeError):
            calls_with_a_path(keys)[name](wrong)


@pytest.mark.parametrize("name", CALLS_WITH_A_PATH)
def test_a_path_with_a_nul_is_refused_and_not_cut(keys: Keys, place: Path, name: str) -> None:
    for wrong in (f"{place}/marker\0", os.fsencode(place) + b"/mar\0ker", f"{place}/\0"):
        with pytest.raises(crtx.InvalidArgument, match="NUL byte at offset"):
            calls_with_a_path(keys)[name](wrong)
    assert os.listdir(place) == []


@pytest.mark.parametrize("name", CALLS_WITH_A_PATH)
def test_a_path_that_no_file_can_have_is_refused(keys: Keys, name: str) -> None:
    for wrong in ("", "marker\ud800"):
        with pytest.raises(crtx.InvalidArgument):
            calls_with_a_path(keys)[name](wrong)


@pytest.mark.parametrize("kind", [str, bytes, Path, BytesPath])
@pytest.mark.parametrize("name", ["ledger", "bücher ☃", "caf\udce9"])
def test_any_kind_of_path_reaches_the_same_file(
    place: Path, keys: Keys, kind: Any, name: str
) -> None:
    text = f"{place}/{name}"
    raw = os.fsencode(text)
    path = kind(raw if kind in (bytes, BytesPath) else text)
    with new_lock(path) as lock:
        assert os.listdir(os.fsencode(place)).count(os.fsencode(name)) == 1
        assert lock.path == (raw if kind in (bytes, BytesPath) else text)
        assert os.fsencode(lock.marker_path) == raw
        assert os.fsencode(lock.companion_path) == raw + b".flock"
        with pytest.raises(crtx.MarkerExists) as caught:
            new_lock(path).acquire()
        assert caught.value.path == lock.path
        assert crtx.read_marker(path) == Path(text).read_bytes()
        assert crtx.blake3_file(path) == lock.marker.marker_blake3
        lock.leak()
    stale = crtx.quarantine(path, **attest(path, keys))
    assert os.fsencode(stale).startswith(raw + b".stale-")
    assert crtx.list_evidence(path) == [stale]
    crtx.verify_evidence(
        kind(os.fsencode(stale) if kind in (bytes, BytesPath) else str(stale)),
        public_key=keys.public,
    )


TEXTS = ["deployment_id", "operator_principal_id", "restore_intent_blake3", "host"]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("wrong", ["a\0b", "\0", "a\nb", "a\ud800b", "x" * 256])
def test_a_text_that_a_marker_cannot_have_is_refused_before_anything_is_written(
    place: Path, marker: Path, field: str, wrong: str
) -> None:
    with pytest.raises(crtx.InvalidArgument, match=field):
        new_lock(marker, **{field: wrong}).acquire()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("field", TEXTS)
def test_a_text_of_a_wrong_type_is_a_type_error_as_the_object_is_made(
    marker: Path, field: str
) -> None:
    wrong: Any
    for wrong in (b"bytes", 5, ["text"], *([] if field == "host" else [None])):
        with pytest.raises(TypeError, match=field):
            new_lock(marker, **{field: wrong})


def test_texts_reach_the_marker_unchanged(marker: Path) -> None:
    texts = {"deployment_id": "☃" * 85, "operator_principal_id": "é", "host": "=x= "}
    with new_lock(marker, **texts) as lock:
        assert {name: getattr(lock.marker, name) for name in texts} == texts


@pytest.mark.parametrize("field", ["durability", "on_error"])
def test_a_choice_that_is_none_is_refused_with_the_choices(marker: Path, field: str) -> None:
    with pytest.raises(crtx.InvalidArgument, match=f"{field} is 'none', and must be '.*' or '.*'"):
        new_lock(marker, **{field: "none"})


def calls_with_seconds(keys: Keys, marker: Path) -> list[Callable[[Any], bytes]]:
    return [
        lambda valid_for: crtx.build_intent(**INTENT, public_key=keys.public, valid_for=valid_for),
        lambda valid_for: crtx.build_takeover(
            marker, public_key=keys.public, justification="why", valid_for=valid_for
        ),
    ]


def test_seconds_that_c_would_see_as_others_are_refused(keys: Keys, marker: Path) -> None:
    with new_lock(marker):
        for call in calls_with_seconds(keys, marker):
            for wrong in (2**32 + 60, 2**32, -1, -(2**32) + 60, 10**30, 0, 86_401):
                with pytest.raises(crtx.InvalidArgument, match="valid_for"):
                    call(wrong)
            for delta in (timedelta(seconds=-1), timedelta(0), timedelta.max, timedelta.min):
                with pytest.raises(crtx.InvalidArgument, match="valid_for"):
                    call(delta)
            for kind in (60.0, "60", None):
                with pytest.raises(TypeError):
                    call(kind)


def test_a_timedelta_means_its_whole_seconds(keys: Keys, marker: Path) -> None:
    with new_lock(marker):
        for call in calls_with_seconds(keys, marker):
            assert call(86_400)
            assert call(timedelta(days=1))
    built = [
        crtx.build_intent(**INTENT, public_key=keys.public, valid_for=valid_for, now_unix_ns=10**18)
        for valid_for in (60, timedelta(minutes=1), timedelta(minutes=1, microseconds=999_999))
    ]
    assert built[0] == built[1] == built[2]


def test_a_time_that_c_would_see_as_another_is_refused(keys: Keys) -> None:
    for wrong in (2**63, -(2**63) - 1, 2**64 + 10**18):
        with pytest.raises(crtx.InvalidArgument, match="now_unix_ns"):
            crtx.build_intent(**INTENT, public_key=keys.public, valid_for=60, now_unix_ns=wrong)
    with pytest.raises(TypeError):
        crtx.build_intent(**INTENT, public_key=keys.public, valid_for=60, now_unix_ns=1.5e18)  # type: ignore[arg-type]


def kinds_of_bytes(data: bytes) -> list[Any]:
    doubled = bytes(byte for pair in zip(data, data) for byte in pair)
    return [
        data,
        bytearray(data),
        memoryview(data),
        memoryview(bytearray(data)),
        memoryview(doubled)[::2],  # not contiguous
        memoryview(data[::-1])[::-1],
        array.array("B", data),
    ]


def test_any_kind_of_bytes_means_the_same(keys: Keys) -> None:
    intent = (FIXTURES / "RESTORE_INTENT.json").read_bytes()
    for seed, payload in zip(kinds_of_bytes(keys.seed), kinds_of_bytes(intent)):
        assert crtx.public_key(seed) == keys.public
        assert crtx.sign(seed, payload) == (FIXTURES / "RESTORE_INTENT.sig").read_bytes()
    for key in kinds_of_bytes(keys.public):
        assert crtx.operator_principal(key) == keys.principal


@pytest.mark.parametrize("wrong", ["text", 32, None, [1, 2], object()])
def test_bytes_of_a_wrong_type_are_type_errors(keys: Keys, wrong: Any) -> None:
    for call in (
        lambda: crtx.public_key(wrong),
        lambda: crtx.sign(wrong, b""),
        lambda: crtx.sign(keys.seed, wrong),
        lambda: crtx.operator_principal(wrong),
        lambda: crtx.build_intent(**INTENT, public_key=wrong, valid_for=60),
        lambda: crtx.verify_evidence("/nowhere", public_key=wrong),
    ):
        with pytest.raises(TypeError, match="bytes-like"):
            call()


def test_documents_are_passed_by_name_only() -> None:
    functions: list[Any] = [crtx.verify_takeover, crtx.quarantine, crtx.takeover]
    for function in (crtx.build_intent, crtx.verify_intent, *functions):
        with pytest.raises(TypeError, match="positional"):
            function("/nowhere", b"{}")
