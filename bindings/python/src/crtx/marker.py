# SPDX-License-Identifier: MIT OR Apache-2.0
"""A marker on disk: how it stands, and what it says."""

from __future__ import annotations

from ctypes import byref
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from crtx import _abi, _call
from crtx._library import library
from crtx._types import PathArgument
from crtx.state import MarkerState

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Marker:
    """A marker as it was found. Texts are empty, and numbers 0, where there is nothing to tell.

    Pid, host and time are evidence for people: the state alone tells whether somebody is at work.
    """

    #: How it stands.
    state: MarkerState
    #: The process that wrote the marker; 0 if malformed.
    pid: int
    #: When it was written, in nanoseconds since 1970-01-01T00:00:00Z.
    acquired_at_unix_ns: int
    #: The same: RFC 3339, exactly as it stands in the marker.
    acquired_at: str
    #: The holder's host name; may be empty.
    host: str
    #: Which deployment the store belongs to.
    deployment_id: str
    #: Who answers for the restore.
    operator_principal_id: str
    #: ``"production"``.
    scope: str
    #: Digest of the restore intent: ``"blake3:"`` and 64 hex digits.
    restore_intent_blake3: str
    #: Digest of the marker's own bytes, known for a malformed marker too (up to 1 MiB).
    marker_blake3: str

    @property
    def acquired_time(self) -> datetime | None:
        """When it was written, in UTC and to the microsecond; None if malformed."""
        if not self.acquired_at:
            return None
        return _EPOCH + timedelta(microseconds=self.acquired_at_unix_ns // 1000)


def from_c(marker: _abi.Marker) -> Marker:
    return Marker(
        state=MarkerState(marker.state),
        pid=marker.pid,
        acquired_at_unix_ns=marker.acquired_at_unix_ns,
        acquired_at=marker.acquired_at.decode(),
        host=marker.host.decode(),
        deployment_id=marker.deployment_id.decode(),
        operator_principal_id=marker.operator_principal_id.decode(),
        scope=marker.scope.decode(),
        restore_intent_blake3=marker.restore_intent_blake3.decode(),
        marker_blake3=marker.marker_blake3.decode(),
    )


def inspect(path: PathArgument) -> Marker | None:
    """Tells how the marker at ``path`` stands, and what it says; None if there is none.

    Changes nothing on disk and does not wait. The answer is true at one instant only: never delete
    a marker on the strength of it.

    Raises :class:`NotRegularFile`, :class:`InsecurePermissions` (only the owner and root may try
    the locks; :func:`read_marker` works for all), :class:`NoParentDirectory`,
    :class:`NameTooLong`, :class:`Contended` (the files kept changing), :class:`StoreIOError`.
    """
    found = _abi.Marker()
    error = _abi.Error()
    status = library.crtx_marker_inspect(_call.path(path), byref(found), byref(error))
    _call.expect_ok(status, error, path)
    return None if found.state == MarkerState.ABSENT else from_c(found)


def read_marker(path: PathArgument) -> bytes:
    """The marker's bytes as they are, held or not, well-formed or not; up to 1 MiB.

    Raises :class:`MarkerAbsent`, :class:`TooLarge`, :class:`NotRegularFile`,
    :class:`InsecurePermissions`, :class:`NoParentDirectory`, :class:`NameTooLong`,
    :class:`StoreIOError`.
    """
    return _call.text_of(library.crtx_marker_read, _call.path(path), where=path)
