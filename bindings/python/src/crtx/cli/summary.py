# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a document says, for the eyes of whoever is about to sign it."""

from __future__ import annotations

from typing import Any

from crtx.cli import times
from crtx.cli.escape import visible

_TITLES = {
    "cortex_restore_lock_takeover": (
        "a takeover attestation",
        "that the process below is dead, and that its marker may be moved aside",
    ),
    "cortex_restore_intent": (
        "a restore intent",
        "that these bytes may be restored over this store",
    ),
}

# In the order in which a person wants them. What is not listed comes after these.
_LABELS = {
    "deployment_id": "deployment",
    "stale_pid": "left by process",
    "stale_acquired_at": "since",
    "stale_marker_blake3": "marker's digest",
    "active_db_path": "database",
    "active_event_log_path": "event log",
    "backup_manifest_blake3": "backup manifest",
    "staged_sqlite_blake3": "staged database",
    "staged_jsonl_blake3": "staged event log",
    "justification": "justification",
    "not_before": "valid from",
    "not_after": "valid until",
    "operator_principal_id": "signed by",
}
_TIMES = ("stale_acquired_at", "not_before", "not_after")
_UNSHOWN = ("kind", "schema_version", "p_n_schema_version")


def fields_of(payload: bytes) -> dict[str, Any] | None:
    """The fields of one of the documents that crtx knows; None if it is none. It only helps a person
    to see: what a document is worth is for the library to say."""
    import json

    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("kind") not in _TITLES:
        return None
    return document


def title_of(document: dict[str, Any], signed: bool = True) -> list[str]:
    kind, meaning = _TITLES[document["kind"]]
    return [f"This signs {kind}:" if signed else f"To be signed, {kind}:", f"{meaning}.", ""]


def rows_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    rest = [name for name in document if name not in _LABELS and name not in _UNSHOWN]
    known = [name for name in _LABELS if name in document]
    return [
        (_LABELS.get(name, visible(name)), _value(name, document[name])) for name in known + rest
    ]


def _value(name: str, value: Any) -> str:
    if not isinstance(value, str):
        return visible(repr(value))
    return visible(times.text_and_local(value) if name in _TIMES else value)
