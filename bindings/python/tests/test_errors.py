# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exceptions: which there are, what they carry, and that they survive pickling."""

from __future__ import annotations

import copy
import errno
import inspect
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from stores import new_lock

import crtx
from crtx import _abi, errors

CLASSES: list[type[crtx.CrtxError]] = [
    kind
    for kind in vars(crtx).values()
    if inspect.isclass(kind) and issubclass(kind, crtx.CrtxError)
]

MARKER = crtx.Marker(
    state=crtx.MarkerState.HELD,
    pid=5641,
    acquired_at="2026-11-23T00:40:55.469509729+00:00",
    acquired_at_unix_ns=1795394455469509729,
    host="host",
    deployment_id="deployment",
    operator_principal_id="operator",
    scope="production",
    restore_intent_blake3="blake3:" + 64 * "0",
    marker_blake3="blake3:" + 64 * "1",
)


def from_c(status: int, *, path: Any = "/the/path", **fields: Any) -> crtx.CrtxError:
    defaults = {"os_error": 5, "marker_state": 2, "operation": b"a step", "message": b"A sentence."}
    return errors.from_c(_abi.Error(**{**defaults, **fields, "status": status}), path)


def test_every_status_has_exactly_one_class_that_is_called_after_it() -> None:
    kinds = {status: type(from_c(status)) for status in crtx.Status if status}
    assert len(set(kinds.values())) == len(kinds)
    shared = {crtx.CrtxError, crtx.VerificationError, crtx.AcquireTimeout, crtx.AcquireCancelled}
    assert set(kinds.values()) | shared == set(CLASSES)
    for status, kind in kinds.items():
        words = {"IO": "StoreIOError", "INTERNAL": "InternalError"}
        expected = "".join(word.capitalize() for word in status.name.split("_"))
        assert kind.__name__ == words.get(status.name, expected)


def test_the_statuses_60_to_77_are_verification_errors_and_no_others() -> None:
    for status in crtx.Status:
        if status:
            assert isinstance(from_c(status), crtx.VerificationError) == (60 <= status <= 77)


@pytest.mark.parametrize("status", [status for status in crtx.Status if status])
def test_an_exception_carries_what_c_said(status: crtx.Status) -> None:
    error = from_c(status)
    assert error.status is status
    assert error.name == f"CRTX_E_{status.name}"
    assert error.message == str(error) == "A sentence."
    assert error.operation == "a step"
    assert error.os_error == 5
    assert error.path == "/the/path"
    assert error.marker_state is crtx.MarkerState.HELD
    assert error.marker is None
    assert error.stale_path is None


def test_a_status_that_this_package_does_not_know_keeps_its_number_and_has_a_name() -> None:
    error = from_c(999)
    assert type(error) is crtx.CrtxError
    assert (error.status, error.name) == (999, "CRTX_E_UNKNOWN")
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.name) == (999, "CRTX_E_UNKNOWN")


def test_a_marker_state_that_this_package_does_not_know_does_not_hide_the_error() -> None:
    error = from_c(crtx.Status.MARKER_EXISTS, marker_state=77)
    assert isinstance(error, crtx.MarkerExists)
    assert error.marker_state is None


def test_text_that_is_not_utf_8_does_not_hide_the_error() -> None:
    assert from_c(crtx.Status.IO, message=b"\xff").message == "\ufffd"


def test_an_io_error_is_an_os_error_with_errno_and_file_name() -> None:
    error = from_c(crtx.Status.IO, os_error=errno.ENOSPC)
    assert isinstance(error, OSError)
    assert (error.errno, error.strerror) == (errno.ENOSPC, "A sentence.")
    assert error.filename == "/the/path"


def test_invalid_arguments_are_value_errors_and_a_timeout_is_a_timeout_error() -> None:
    assert issubclass(crtx.InvalidArgument, ValueError)
    assert issubclass(crtx.AcquireTimeout, TimeoutError)
    assert not issubclass(crtx.AcquireCancelled, TimeoutError)


def sample(kind: type[crtx.CrtxError]) -> crtx.CrtxError:
    return kind(
        "A sentence.",
        status=crtx.Status.MARKER_EXISTS,
        operation="a step",
        os_error=5,
        path=b"/path\xff",
        marker_state=crtx.MarkerState.HELD,
        marker=MARKER,
        stale_path=Path("/path.stale"),
    )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_pickles_with_all_that_it_carries(
    kind: type[crtx.CrtxError], protocol: int
) -> None:
    error = sample(kind)
    if sys.version_info >= (3, 11):
        error.add_note("a note")
    again = pickle.loads(pickle.dumps(error, protocol))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert again.args == error.args
    if isinstance(error, OSError):
        assert isinstance(again, OSError)
        assert (again.errno, again.filename) == (error.errno, error.filename)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_can_be_copied(kind: type[crtx.CrtxError]) -> None:
    for again in (copy.copy(sample(kind)), copy.deepcopy(sample(kind))):
        assert type(again) is kind
        assert vars(again) == vars(sample(kind))


def test_markers_pickle_compare_and_are_frozen() -> None:
    again = pickle.loads(pickle.dumps(MARKER))
    assert again == MARKER
    assert hash(again) == hash(MARKER)
    with pytest.raises(AttributeError):
        again.pid = 1


def test_a_lock_neither_pickles_nor_copies(marker: Path) -> None:
    lock = new_lock(marker)
    for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="belongs to its process"):
            refuse(lock)


def test_every_exception_class_says_what_it_means() -> None:
    for kind in CLASSES:
        assert kind.__doc__
