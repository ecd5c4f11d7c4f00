# SPDX-License-Identifier: MIT OR Apache-2.0
"""The public interface, as it was decided. A change here is a change for every user."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import crtx

DOCUMENT = (
    "attestation: BytesArgument, signature: BytesArgument, public_key: BytesArgument, "
    "deployment_id: str"
)
PERMISSIONS = "allow_network_filesystem: bool = False, allow_shared_directory: bool = False"
INTENT = (
    "deployment_id: str, active_db_path: str, active_event_log_path: str, "
    "backup_manifest_blake3: str, staged_sqlite_blake3: str, staged_jsonl_blake3: str"
)

SIGNATURES = {
    "ActiveStoreLock": "(path: PathArgument, *, deployment_id: str, operator_principal_id: str, "
    "restore_intent_blake3: str, host: str | None = None, durability: Durability = 'full', "
    f"{PERMISSIONS}, on_error: OnError = 'release') -> None",
    "ActiveStoreLock.acquire": "(self, timeout: float | None = 0.0, poll_interval: float = 0.05, "
    "cancel: threading.Event | None = None) -> ActiveStoreLock",
    "ActiveStoreLock.acquire_async": "(self, timeout: float | None = 0.0, "
    "poll_interval: float = 0.05) -> Coroutine[Any, Any, ActiveStoreLock]",
    "ActiveStoreLock.check": "(self) -> None",
    "ActiveStoreLock.leak": "(self) -> None",
    "ActiveStoreLock.release": "(self) -> None",
    "ActiveStoreLock.release_async": "(self) -> None",
    "abi_version": "() -> int",
    "blake3_file": "(path: PathArgument) -> str",
    "build_intent": f"(*, {INTENT}, public_key: BytesArgument, valid_for: int | timedelta, "
    "now_unix_ns: int = 0) -> bytes",
    "build_takeover": "(path: PathArgument, *, public_key: BytesArgument, justification: str, "
    "valid_for: int | timedelta, deployment_id: str | None = None, now_unix_ns: int = 0) -> bytes",
    "inspect": "(path: PathArgument) -> Marker | None",
    "list_evidence": "(path: PathArgument) -> list[Path]",
    "operator_principal": "(public_key: BytesArgument) -> str",
    "public_key": "(seed: BytesArgument) -> bytes",
    "quarantine": f"(path: PathArgument, *, {DOCUMENT}, now_unix_ns: int = 0, {PERMISSIONS}) -> Path",
    "read_marker": "(path: PathArgument) -> bytes",
    "sign": "(seed: BytesArgument, payload: BytesArgument) -> bytes",
    "status_message": "(status: int) -> str",
    "status_name": "(status: int) -> str",
    "takeover": f"(path: PathArgument, *, {DOCUMENT}, operator_principal_id: str, "
    "restore_intent_blake3: str, host: str | None = None, durability: Durability = 'full', "
    f"now_unix_ns: int = 0, {PERMISSIONS}, on_error: OnError = 'release') -> Takeover",
    "verify_evidence": "(stale_path: PathArgument, *, public_key: BytesArgument) -> None",
    "verify_intent": "(*, intent: BytesArgument, signature: BytesArgument, "
    f"public_key: BytesArgument, {INTENT}, now_unix_ns: int = 0) -> str",
    "verify_takeover": f"(path: PathArgument, *, {DOCUMENT}, now_unix_ns: int = 0, {PERMISSIONS}) "
    "-> None",
    "version": "() -> str",
}

PROPERTIES = ["companion_path", "held", "marker", "marker_path", "path"]


def public_callables() -> dict[str, Any]:
    found = {
        name: getattr(crtx, name)
        for name in crtx.__all__
        if inspect.isfunction(getattr(crtx, name)) or name == "ActiveStoreLock"
    }
    for name, member in vars(crtx.ActiveStoreLock).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            found[f"ActiveStoreLock.{name}"] = member
    return found


def test_every_public_function_has_the_signature_that_was_decided() -> None:
    found = {
        name: str(inspect.signature(function))
        .replace("'", "")
        .replace("=", " = ")
        .replace("  ", " ")
        for name, function in public_callables().items()
    }
    expected = {name: signature.replace("'", "") for name, signature in SIGNATURES.items()}
    assert found == expected


def test_every_public_function_class_and_property_says_what_it_does() -> None:
    for name, member in public_callables().items():
        assert inspect.getdoc(member), name
    for name in PROPERTIES:
        assert inspect.getdoc(getattr(crtx.ActiveStoreLock, name)), name
    for name in crtx.__all__:
        if inspect.isclass(getattr(crtx, name)):
            assert getattr(crtx, name).__doc__, name


def test_a_lock_has_these_properties_and_no_other_public_names() -> None:
    public = [name for name in vars(crtx.ActiveStoreLock) if not name.startswith("_")]
    methods = [name.split(".")[1] for name in SIGNATURES if "." in name]
    assert sorted(public) == sorted(PROPERTIES + methods)


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert crtx.__all__ == sorted(crtx.__all__)
    for name in crtx.__all__:
        assert hasattr(crtx, name)
    modules = {name for name, member in vars(crtx).items() if inspect.ismodule(member)}
    public = {name for name in vars(crtx) if not name.startswith("_")} - modules
    assert public | {"__version__"} == set(crtx.__all__)


def test_a_marker_has_the_fields_of_the_header_in_their_order() -> None:
    assert list(inspect.signature(crtx.Marker).parameters) == [
        "state",
        "pid",
        "acquired_at_unix_ns",
        "acquired_at",
        "host",
        "deployment_id",
        "operator_principal_id",
        "scope",
        "restore_intent_blake3",
        "marker_blake3",
    ]


def test_the_package_is_typed() -> None:
    assert Path(crtx.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize("kind", [crtx.Status, crtx.MarkerState])
def test_enumerations_are_integers(kind: Any) -> None:
    assert all(isinstance(member, int) for member in kind)
