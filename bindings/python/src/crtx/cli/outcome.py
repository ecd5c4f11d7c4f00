# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a command came to, and its one JSON form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crtx.cli.escape import path_fields
from crtx.errors import CrtxError
from crtx.marker import Marker
from crtx.status import Status, status_name

#: The version of the JSON object.
ENVELOPE = 1


@dataclass
class Outcome:
    """What a command came to. ``error`` makes it a failure, which may have a result all the same."""

    #: One sentence.
    message: str
    #: For machines.
    result: dict[str, Any] | None
    #: For people: lines on standard output.
    lines: list[str] = field(default_factory=list)
    error: CrtxError | None = None
    #: For people: remarks on standard error.
    notes: list[str] = field(default_factory=list)
    #: What COMMAND ended with, where crtx has no say in it.
    exit_status: int | None = None
    #: A signal by which crtx is to die itself, so that a script above ends too.
    dies_by: int | None = None

    @property
    def status(self) -> int:
        return Status.OK if self.error is None else self.error.status

    @property
    def is_own_failure(self) -> bool:
        """Whether it is crtx that failed, and the exit status says so."""
        return self.error is not None and self.exit_status is None

    def exit(self) -> int:
        return int(self.status if self.exit_status is None else self.exit_status)


def state_name(state: Any) -> str | None:
    return None if state is None else str(state.name).lower()


def marker_fields(marker: Marker | None) -> dict[str, Any] | None:
    if marker is None:
        return None
    return {
        "state": state_name(marker.state),
        "pid": marker.pid,
        "acquired_at": marker.acquired_at,
        "acquired_at_unix_ns": marker.acquired_at_unix_ns,
        "host": marker.host,
        "deployment_id": marker.deployment_id,
        "operator_principal_id": marker.operator_principal_id,
        "scope": marker.scope,
        "restore_intent_blake3": marker.restore_intent_blake3,
        "marker_blake3": marker.marker_blake3,
    }


def error_fields(error: CrtxError) -> dict[str, Any]:
    return {
        "operation": error.operation,
        "os_error": error.os_error,
        **path_fields("path", error.path),
        "marker_state": state_name(error.marker_state),
        "marker": marker_fields(error.marker),
        **path_fields("stale_path", error.stale_path),
    }


def envelope(command: str | None, outcome: Outcome) -> str:
    """One line of ASCII, whatever the texts in it are."""
    import json

    fields = {
        "crtx_json": ENVELOPE,
        "command": command,
        "status": int(outcome.status),
        "name": status_name(outcome.status),
        "message": outcome.message,
        "error": None if outcome.error is None else error_fields(outcome.error),
        "result": outcome.result,
    }
    return json.dumps(_without_surrogates(fields))


def _without_surrogates(value: Any) -> Any:
    """A lone surrogate is no text, and strict parsers refuse an object that has one."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return value
