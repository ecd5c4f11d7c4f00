# SPDX-License-Identifier: MIT OR Apache-2.0
"""The steps that call the package."""

from __future__ import annotations

import os
from typing import Any, Callable

import crtx
from conformance.table import NotWellFormed
from conformance.words import Outcome, Words

Locks = dict[bytes, crtx.ActiveStoreLock]
Results = dict[str, bytes]

#: The class that stands for each status.
CLASSES: dict[str, type[crtx.CrtxError]] = {
    "CRTX_E_INVALID_ARGUMENT": crtx.InvalidArgument,
    "CRTX_E_BAD_HANDLE": crtx.BadHandle,
    "CRTX_E_FORKED": crtx.Forked,
    "CRTX_E_BUFFER_TOO_SMALL": crtx.BufferTooSmall,
    "CRTX_E_MARKER_EXISTS": crtx.MarkerExists,
    "CRTX_E_CONTENDED": crtx.Contended,
    "CRTX_E_MARKER_ABSENT": crtx.MarkerAbsent,
    "CRTX_E_LOST": crtx.Lost,
    "CRTX_E_IO": crtx.StoreIOError,
    "CRTX_E_NO_PARENT_DIRECTORY": crtx.NoParentDirectory,
    "CRTX_E_NOT_REGULAR_FILE": crtx.NotRegularFile,
    "CRTX_E_INSECURE_PERMISSIONS": crtx.InsecurePermissions,
    "CRTX_E_UNSUPPORTED_FILESYSTEM": crtx.UnsupportedFilesystem,
    "CRTX_E_NAME_TOO_LONG": crtx.NameTooLong,
    "CRTX_E_TOO_LARGE": crtx.TooLarge,
    "CRTX_E_MARKER_MALFORMED": crtx.MarkerMalformed,
    "CRTX_E_UNTRUSTED_KEY": crtx.UntrustedKey,
    "CRTX_E_SIGNATURE_LENGTH": crtx.SignatureLength,
    "CRTX_E_BAD_SIGNATURE": crtx.BadSignature,
    "CRTX_E_PAYLOAD_MALFORMED": crtx.PayloadMalformed,
    "CRTX_E_KIND_MISMATCH": crtx.KindMismatch,
    "CRTX_E_SCHEMA_MISMATCH": crtx.SchemaMismatch,
    "CRTX_E_PRINCIPAL_MISMATCH": crtx.PrincipalMismatch,
    "CRTX_E_DEPLOYMENT_MISMATCH": crtx.DeploymentMismatch,
    "CRTX_E_NOT_YET_VALID": crtx.NotYetValid,
    "CRTX_E_EXPIRED": crtx.Expired,
    "CRTX_E_WINDOW_INVALID": crtx.WindowInvalid,
    "CRTX_E_STALE_PID_MISMATCH": crtx.StalePidMismatch,
    "CRTX_E_STALE_TIME_MISMATCH": crtx.StaleTimeMismatch,
    "CRTX_E_STALE_DIGEST_MISMATCH": crtx.StaleDigestMismatch,
    "CRTX_E_JUSTIFICATION_INVALID": crtx.JustificationInvalid,
    "CRTX_E_PATH_MISMATCH": crtx.PathMismatch,
    "CRTX_E_DIGEST_MISMATCH": crtx.DigestMismatch,
    "CRTX_E_EVIDENCE_INVALID": crtx.EvidenceInvalid,
    "CRTX_E_INTERNAL": crtx.InternalError,
}


def status_of(error: crtx.CrtxError) -> str:
    """The name that belongs to the class; if the error itself has another one, both."""
    names = [name for name, kind in CLASSES.items() if type(error) is kind]
    return names[0] if names == [error.name] else f"{type(error).__name__}:{error.name}"


def results_of(error: crtx.CrtxError) -> Results:
    state = error.marker_state
    return {
        "state": b"" if state is None else state.name.encode(),
        "os_error": b"%d" % error.os_error,
        "operation": error.operation.encode(),
        "message": error.message.encode(),
    }


# ---- the lock ----


def durability(words: Words) -> crtx.Durability:
    return "process-crash" if words.optional("durability") == b"process-crash" else "full"


def new_lock(words: Words) -> crtx.ActiveStoreLock:
    return crtx.ActiveStoreLock(
        words.raw("path"),
        deployment_id=words.text("deployment_id"),
        operator_principal_id=words.text("operator_principal_id"),
        restore_intent_blake3=words.text("restore_intent_blake3"),
        host=words.optional_text("host"),
        durability=durability(words),
        allow_network_filesystem=words.allows("network"),
        allow_shared_directory=words.allows("shared"),
    )


def acquire(locks: Locks, words: Words) -> Results:
    lock = new_lock(words)
    lock.acquire(timeout=words.number("timeout_ms") / 1000)
    locks[words.raw("lock")] = lock
    return {}


def lock_of(locks: Locks, words: Words) -> crtx.ActiveStoreLock:
    name = words.raw("lock")
    if name not in locks:
        raise NotWellFormed(f"no lock {name!r} was acquired")
    return locks[name]


def check(locks: Locks, words: Words) -> Results:
    lock_of(locks, words).check()
    return {}


def leak(locks: Locks, words: Words) -> Results:
    lock_of(locks, words).leak()
    return {}


def release(locks: Locks, words: Words) -> Results:
    lock_of(locks, words).release()
    return {}


def marker(locks: Locks, words: Words) -> Results:
    return fields_of(lock_of(locks, words).marker)


def marker_path(locks: Locks, words: Words) -> Results:
    return {"path": os.fsencode(lock_of(locks, words).marker_path)}


def companion_path(locks: Locks, words: Words) -> Results:
    return {"path": os.fsencode(lock_of(locks, words).companion_path)}


# ---- a marker on disk ----


def fields_of(found: crtx.Marker | None) -> Results:
    """None is what the package says of an absent marker."""
    texts = [
        "acquired_at",
        "host",
        "deployment_id",
        "operator_principal_id",
        "scope",
        "restore_intent_blake3",
        "marker_blake3",
    ]
    numbers = ["pid", "acquired_at_unix_ns"]
    state = crtx.MarkerState.ABSENT if found is None else found.state
    return {
        "state": state.name.encode(),
        **{name: b"%d" % getattr(found, name, 0) for name in numbers},
        **{name: str(getattr(found, name, "")).encode() for name in texts},
    }


def inspect(_: Locks, words: Words) -> Results:
    return fields_of(crtx.inspect(words.raw("path")))


def read_marker(_: Locks, words: Words) -> Results:
    return {"bytes": crtx.read_marker(words.raw("path"))}


def document(words: Words) -> dict[str, Any]:
    return {
        "signature": words.hex("signature"),
        "public_key": words.hex("public_key"),
        "deployment_id": words.text("deployment_id"),
        "now_unix_ns": words.number("now"),
    }


def attestation(words: Words) -> dict[str, Any]:
    return {
        "attestation": words.raw("payload"),
        "allow_network_filesystem": words.allows("network"),
        "allow_shared_directory": words.allows("shared"),
        **document(words),
    }


def quarantine(_: Locks, words: Words) -> Results:
    return {"stale_path": os.fsencode(crtx.quarantine(words.raw("path"), **attestation(words)))}


def takeover(locks: Locks, words: Words) -> Results:
    lock, stale_path = crtx.takeover(
        words.raw("path"),
        operator_principal_id=words.text("operator_principal_id"),
        restore_intent_blake3=words.text("restore_intent_blake3"),
        host=words.optional_text("host"),
        durability=durability(words),
        **attestation(words),
    )
    locks[words.raw("lock")] = lock
    return {"stale_path": os.fsencode(stale_path)}


def verify_takeover(_: Locks, words: Words) -> Results:
    crtx.verify_takeover(words.raw("path"), **attestation(words))
    return {}


def list_evidence(_: Locks, words: Words) -> Results:
    listed = crtx.list_evidence(words.raw("path"))
    paths = {str(number): os.fsencode(path) for number, path in enumerate(listed, 1)}
    return {"count": b"%d" % len(listed), **paths}


def verify_evidence(_: Locks, words: Words) -> Results:
    crtx.verify_evidence(words.raw("path"), public_key=words.hex("public_key"))
    return {}


# ---- documents, keys, digests ----


def build_takeover(_: Locks, words: Words) -> Results:
    payload = crtx.build_takeover(
        words.raw("path"),
        public_key=words.hex("public_key"),
        justification=words.text("justification"),
        valid_for=words.number("valid_for"),
        deployment_id=words.optional_text("deployment_id"),
        now_unix_ns=words.number("now"),
    )
    return {"payload": payload}


def intent(words: Words) -> dict[str, str]:
    names = [
        "deployment_id",
        "active_db_path",
        "active_event_log_path",
        "backup_manifest_blake3",
        "staged_sqlite_blake3",
        "staged_jsonl_blake3",
    ]
    return {name: words.text(name) for name in names}


def build_intent(_: Locks, words: Words) -> Results:
    payload = crtx.build_intent(
        **intent(words),
        public_key=words.hex("public_key"),
        valid_for=words.number("valid_for"),
        now_unix_ns=words.number("now"),
    )
    return {"payload": payload}


def verify_intent(_: Locks, words: Words) -> Results:
    expected = {**document(words), **intent(words)}
    return {"digest": crtx.verify_intent(intent=words.raw("payload"), **expected).encode()}


def sign(_: Locks, words: Words) -> Results:
    signature = crtx.sign(words.hex("seed"), words.raw("payload"))
    return {"signature": signature.hex().encode()}


def public_key(_: Locks, words: Words) -> Results:
    return {"public_key": crtx.public_key(words.hex("seed")).hex().encode()}


def operator_principal(_: Locks, words: Words) -> Results:
    return {"principal": crtx.operator_principal(words.hex("public_key")).encode()}


def blake3_file(_: Locks, words: Words) -> Results:
    return {"digest": crtx.blake3_file(words.raw("path")).encode()}


def status(_: Locks, words: Words) -> Results:
    number = words.number("number")
    return {
        "name": crtx.status_name(number).encode(),
        "message": crtx.status_message(number).encode(),
    }


def version(_: Locks, __: Words) -> Results:
    return {"version": crtx.version().encode(), "abi_version": b"%d" % crtx.abi_version()}


CALLS: dict[str, Callable[[Locks, Words], Results]] = {
    call.__name__: call
    for call in (
        acquire,
        check,
        leak,
        release,
        marker,
        marker_path,
        companion_path,
        inspect,
        read_marker,
        quarantine,
        takeover,
        verify_takeover,
        list_evidence,
        verify_evidence,
        build_takeover,
        build_intent,
        verify_intent,
        sign,
        public_key,
        operator_principal,
        blake3_file,
        status,
        version,
    )
}


def call(verb: str, locks: Locks, words: Words) -> Outcome:
    try:
        return Outcome("CRTX_OK", CALLS[verb](locks, words))
    except crtx.AcquireTimeout as error:
        # What was refused last, as the library said it, is the cause.
        refusal = error.__cause__
        if not isinstance(refusal, crtx.CrtxError) or refusal.status != error.status:
            raise NotWellFormed(f"{error!r} has the cause {refusal!r}") from error
        return Outcome(status_of(refusal), results_of(refusal))
    except crtx.CrtxError as error:
        return Outcome(status_of(error), results_of(error))
