# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stale markers: attestation, quarantine, takeover, evidence."""

from __future__ import annotations

import os
from ctypes import byref
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from crtx import _abi, _call
from crtx._library import library
from crtx._types import BytesArgument, PathArgument
from crtx.documents import signed_document
from crtx.lock import ActiveStoreLock, Durability, OnError


class Takeover(NamedTuple):
    """What :func:`takeover` returns."""

    #: The lock, held.
    lock: ActiveStoreLock
    #: Where the old marker stands now, with the evidence beside it.
    stale_path: Path


def build_takeover(
    path: PathArgument,
    *,
    public_key: BytesArgument,
    justification: str,
    valid_for: int | timedelta,
    deployment_id: str | None = None,
    now_unix_ns: int = 0,
) -> bytes:
    """Builds the takeover attestation of the marker at ``path``, held or not: minified JSON for
    :func:`sign`.

    ``justification`` is one plain sentence, up to 1,024 bytes. ``deployment_id`` None means the
    marker's own; for a malformed marker it is required. ``valid_for`` is in whole seconds, 1 to
    86,400 (a fraction is dropped), from ``now_unix_ns`` (nanoseconds since 1970; 0: the system
    clock).

    Raises :class:`MarkerAbsent`, :class:`JustificationInvalid`, :class:`UntrustedKey`,
    :class:`DeploymentMismatch`, :class:`InvalidArgument`, and what the files give cause for.
    """
    key = _call.data(public_key, "public_key")
    return _call.text_of(
        library.crtx_takeover_build,
        _call.path(path),
        _call.optional_text(deployment_id, "deployment_id"),
        key,
        len(key),
        _call.text(justification, "justification"),
        _call.seconds(valid_for, "valid_for"),
        _call.nanoseconds(now_unix_ns, "now_unix_ns"),
        where=path,
    )


def quarantine(
    path: PathArgument,
    *,
    attestation: BytesArgument,
    signature: BytesArgument,
    public_key: BytesArgument,
    deployment_id: str,
    now_unix_ns: int = 0,
    allow_network_filesystem: bool = False,
    allow_shared_directory: bool = False,
) -> Path:
    """Moves a stale marker aside, on the strength of an operator's signed attestation. Returns its
    new path, ``path.stale-TIME``; payload and signature stay beside it as evidence. Nothing is ever
    overwritten, and all is synced.

    ``public_key`` is the operator key that the caller trusts: never take it from beside the
    document. ``deployment_id`` is this deployment. ``now_unix_ns`` 0 means the system clock.

    Raises :class:`Contended` (the holder lives: no signature overrides it), :class:`MarkerAbsent`,
    :class:`MarkerMalformed`, :class:`Lost`, the kinds of :class:`VerificationError`, and what the
    files give cause for.
    """
    document = signed_document(
        attestation,
        signature,
        public_key,
        deployment_id,
        now_unix_ns,
        _call.flags(allow_network_filesystem, allow_shared_directory),
    )
    return _call.stale_path_of(
        library.crtx_quarantine, _call.path(path), byref(document), where=path
    )


def takeover(
    path: PathArgument,
    *,
    attestation: BytesArgument,
    signature: BytesArgument,
    public_key: BytesArgument,
    deployment_id: str,
    operator_principal_id: str,
    restore_intent_blake3: str,
    host: str | None = None,
    durability: Durability = "full",
    now_unix_ns: int = 0,
    allow_network_filesystem: bool = False,
    allow_shared_directory: bool = False,
    on_error: OnError = "release",
) -> Takeover:
    """Quarantines a stale marker and acquires the lock in one step: nobody gets in between. It never
    waits. ::

        with takeover(path, ...).lock as lock:
            ...

    The arguments are those of :func:`quarantine` and of :class:`ActiveStoreLock`, and so are the
    exceptions. If the old marker was moved and could not be moved back, the exception's
    ``stale_path`` tells where it stands.
    """
    lock = ActiveStoreLock(
        path,
        deployment_id=deployment_id,
        operator_principal_id=operator_principal_id,
        restore_intent_blake3=restore_intent_blake3,
        host=host,
        durability=durability,
        allow_network_filesystem=allow_network_filesystem,
        allow_shared_directory=allow_shared_directory,
        on_error=on_error,
    )
    document = signed_document(attestation, signature, public_key, deployment_id, now_unix_ns)
    # Whoever gets the object may enter `with`.
    holding = lock._holdings.new(None)
    try:
        return Takeover(lock, lock._acquirer.take_over(holding, document))
    except BaseException:
        library.crtx_lock_release(holding.handle, None)
        lock._holdings.forget_if_ended(holding)
        raise


def verify_takeover(
    path: PathArgument,
    *,
    attestation: BytesArgument,
    signature: BytesArgument,
    public_key: BytesArgument,
    deployment_id: str,
    now_unix_ns: int = 0,
    allow_network_filesystem: bool = False,
    allow_shared_directory: bool = False,
) -> None:
    """Asks what :func:`quarantine` would say now: returns, or raises the same. Changes nothing."""
    document = signed_document(
        attestation,
        signature,
        public_key,
        deployment_id,
        now_unix_ns,
        _call.flags(allow_network_filesystem, allow_shared_directory),
    )
    error = _abi.Error()
    status = library.crtx_takeover_verify(_call.path(path), byref(document), byref(error))
    _call.expect_ok(status, error, path)


def list_evidence(path: PathArgument) -> list[Path]:
    """The quarantined markers of ``path``, oldest first. Reads the whole directory.

    Raises :class:`NoParentDirectory`, :class:`NameTooLong`, :class:`StoreIOError`.
    """
    listed = _call.text_of(library.crtx_evidence_list, _call.path(path), where=path)
    return [Path(os.fsdecode(name)) for name in listed.split(b"\0") if name]


def verify_evidence(stale_path: PathArgument, *, public_key: BytesArgument) -> None:
    """Proves that a quarantined marker, one of :func:`list_evidence`, was moved aside by an
    attestation that ``public_key`` signed and that names this very marker. The time is not checked.

    Raises :class:`BadSignature`, :class:`UntrustedKey`, :class:`EvidenceInvalid` (missing, or
    anything else that does not fit), :class:`NoParentDirectory`, :class:`NameTooLong`,
    :class:`StoreIOError`.
    """
    key = _call.data(public_key, "public_key")
    error = _abi.Error()
    status = library.crtx_evidence_verify(_call.path(stale_path), key, len(key), byref(error))
    _call.expect_ok(status, error, stale_path)
