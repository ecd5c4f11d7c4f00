# SPDX-License-Identifier: MIT OR Apache-2.0
"""Restore intents, keys, signatures and digests."""

from __future__ import annotations

import ctypes
from ctypes import byref
from datetime import timedelta
from typing import Any, Callable

from crtx import _abi, _call
from crtx._library import library
from crtx._types import BytesArgument, PathArgument


def _expectation(
    active_db_path: str,
    active_event_log_path: str,
    backup_manifest_blake3: str,
    staged_sqlite_blake3: str,
    staged_jsonl_blake3: str,
) -> _abi.IntentExpectation:
    return _abi.IntentExpectation(
        active_db_path=_call.text(active_db_path, "active_db_path"),
        active_event_log_path=_call.text(active_event_log_path, "active_event_log_path"),
        backup_manifest_blake3=_call.text(backup_manifest_blake3, "backup_manifest_blake3"),
        staged_sqlite_blake3=_call.text(staged_sqlite_blake3, "staged_sqlite_blake3"),
        staged_jsonl_blake3=_call.text(staged_jsonl_blake3, "staged_jsonl_blake3"),
    )


def signed_document(
    payload: BytesArgument,
    signature: BytesArgument,
    public_key: BytesArgument,
    deployment_id: str,
    now_unix_ns: int,
    flags: int = 0,
) -> _abi.SignedDocument:
    payload_bytes = _call.data(payload, "the document")
    signature_bytes = _call.data(signature, "signature")
    key_bytes = _call.data(public_key, "public_key")
    return _abi.SignedDocument(
        flags=flags,
        payload=payload_bytes,
        payload_len=len(payload_bytes),
        signature=signature_bytes,
        signature_len=len(signature_bytes),
        public_key=key_bytes,
        public_key_len=len(key_bytes),
        deployment_id=_call.text(deployment_id, "deployment_id"),
        now_unix_ns=_call.nanoseconds(now_unix_ns, "now_unix_ns"),
    )


def build_intent(
    *,
    deployment_id: str,
    active_db_path: str,
    active_event_log_path: str,
    backup_manifest_blake3: str,
    staged_sqlite_blake3: str,
    staged_jsonl_blake3: str,
    public_key: BytesArgument,
    valid_for: int | timedelta,
    now_unix_ns: int = 0,
) -> bytes:
    """Builds a restore intent, minified JSON for :func:`sign`.

    The paths are absolute, without ``.`` and ``..``; the digests are ``"blake3:"`` and 64 lowercase
    hex digits. ``valid_for`` is in whole seconds, 1 to 86,400 (a fraction is dropped). The document
    is valid from 300 seconds before ``now_unix_ns`` (nanoseconds since 1970; 0: the system clock).

    Raises :class:`InvalidArgument`, :class:`UntrustedKey`, :class:`TooLarge`.
    """
    key = _call.data(public_key, "public_key")
    intent = _expectation(
        active_db_path,
        active_event_log_path,
        backup_manifest_blake3,
        staged_sqlite_blake3,
        staged_jsonl_blake3,
    )
    return _call.text_of(
        library.crtx_intent_build,
        _call.text(deployment_id, "deployment_id"),
        byref(intent),
        key,
        len(key),
        _call.seconds(valid_for, "valid_for"),
        _call.nanoseconds(now_unix_ns, "now_unix_ns"),
    )


def verify_intent(
    *,
    intent: BytesArgument,
    signature: BytesArgument,
    public_key: BytesArgument,
    deployment_id: str,
    active_db_path: str,
    active_event_log_path: str,
    backup_manifest_blake3: str,
    staged_sqlite_blake3: str,
    staged_jsonl_blake3: str,
    now_unix_ns: int = 0,
) -> str:
    """Verifies a signed restore intent, and that it authorizes exactly these paths and digests.

    ``public_key`` is the operator key that the caller trusts: never take it from beside the
    document. Returns the digest of ``intent``, for ``restore_intent_blake3`` of a lock.

    Raises :class:`TooLarge` and the kinds of :class:`VerificationError`.
    """
    document = signed_document(intent, signature, public_key, deployment_id, now_unix_ns)
    expected = _expectation(
        active_db_path,
        active_event_log_path,
        backup_manifest_blake3,
        staged_sqlite_blake3,
        staged_jsonl_blake3,
    )
    return _call.text_of(library.crtx_intent_verify, byref(document), byref(expected)).decode()


def _with_seed(function: Callable[..., int], seed: BytesArgument, *arguments: object) -> None:
    secret: Any
    if isinstance(seed, bytearray):
        # Read where it lies, so that its owner can wipe the only copy.
        secret = (ctypes.c_ubyte * len(seed)).from_buffer(seed)
    else:
        secret = _call.data(seed, "seed")
    error = _abi.Error()
    status = function(secret, len(secret), *arguments, byref(error))
    # A bytearray cannot be resized while this is there, and an exception would keep it.
    del secret
    _call.expect_ok(status, error)


def sign(seed: BytesArgument, payload: BytesArgument) -> bytes:
    """Signs ``payload`` (up to 65,536 bytes) with the key of ``seed`` (32 bytes): 64 raw bytes.

    Python cannot wipe ``bytes``. Pass the seed as a ``bytearray``, which is read without a copy, and
    overwrite it afterwards; the library wipes its own copies.

    Raises :class:`InvalidArgument`, :class:`TooLarge`.
    """
    message = _call.data(payload, "payload")
    signature = (ctypes.c_char * _abi.SIGNATURE_SIZE)()
    _with_seed(library.crtx_sign, seed, message, len(message), signature, len(signature))
    return signature.raw


def public_key(seed: BytesArgument) -> bytes:
    """The public key of ``seed`` (32 bytes): 32 raw bytes. About the seed, see :func:`sign`.

    Raises :class:`InvalidArgument`.
    """
    key = (ctypes.c_char * _abi.PUBLIC_KEY_SIZE)()
    _with_seed(library.crtx_public_key, seed, key, len(key))
    return key.raw


def operator_principal(public_key: BytesArgument) -> str:
    """The operator principal of a public key: ``"operator:"`` and 64 hex digits.

    Raises :class:`UntrustedKey`.
    """
    key = _call.data(public_key, "public_key")
    return _call.text_of(library.crtx_operator_principal, key, len(key)).decode()


def blake3_file(path: PathArgument) -> str:
    """The BLAKE3 digest of a regular file of any size: ``"blake3:"`` and 64 hex digits. Symlinks are
    followed.

    Raises :class:`NotRegularFile`, :class:`StoreIOError`.
    """
    return _call.text_of(library.crtx_blake3_file, _call.path(path), where=path).decode()
