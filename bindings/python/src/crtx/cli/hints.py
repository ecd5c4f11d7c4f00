# SPDX-License-Identifier: MIT OR Apache-2.0
"""What to do next about an error. The library's message says what is so; these lines name the command
that goes on from there."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from crtx.cli.escape import path_word, shell_word
from crtx.errors import CrtxError
from crtx.state import MarkerState
from crtx.status import Status

if TYPE_CHECKING:
    import argparse


def hint(error: CrtxError, args: argparse.Namespace | None) -> list[str]:
    """Lines for standard error: a sentence, then commands that are ready to copy."""
    if error.stale_path is not None:
        return _next(
            "the old marker stands here now", f"crtx inspect {path_word(error.stale_path)}"
        )
    found = _HINTS.get(error.status, _any_other)
    lines: list[str] = found(error, args)
    return lines


def _next(sentence: str, *commands: str) -> list[str]:
    return [f"crtx: next, {sentence}{':' if commands else '.'}", *(f"    {c}" for c in commands)]


def _path(error: CrtxError, args: Any) -> str:
    path = error.path if error.path is not None else getattr(args, "path", None)
    return "PATH" if path is None else path_word(path)


def _parent(error: CrtxError, args: Any) -> str:
    path: Any = error.path if error.path is not None else getattr(args, "path", "")
    return path_word(os.path.dirname(os.fsdecode(path)) or ".")


def _option(args: Any, name: str, otherwise: str) -> str:
    value = getattr(args, name, None)
    return otherwise if not isinstance(value, str) else path_word(value)


def _command(args: Any) -> str:
    return str(getattr(args, "command", "") or "")


def _invalid_argument(error: CrtxError, args: Any) -> list[str]:
    return _next("read how it is called", f"crtx {_command(args)} --help".replace("  ", " "))


def _any_other(error: CrtxError, args: Any) -> list[str]:
    if error.os_error == errno.EEXIST:
        return _next("choose another name (--name, --output), or move that file away")
    return _next("read what this status means", f"crtx status {int(error.status)}")


def _marker_exists(error: CrtxError, args: Any) -> list[str]:
    if error.marker_state in (MarkerState.STALE, MarkerState.MALFORMED):
        return _next(
            "find out whether that restore is over, and how the store looks; then an operator signs",
            f"crtx inspect {_path(error, args)}",
        )
    return _contended(error, args)


def _contended(error: CrtxError, args: Any) -> list[str]:
    look = f"crtx inspect {_path(error, args)}"
    if _command(args) == "hold" and getattr(args, "timeout", None) == 0:
        return _next("see who it is, or wait for it (crtx hold --timeout 10m ...)", look)
    return _next("see who it is, and wait; no signature overrides a live holder", look)


def _absent(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "nothing: the store is free. If you expected a marker, is the path right, or was it moved?",
        f"crtx evidence list {_path(error, args)}",
    )


def _lost(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "keep all off the store, and see who has a marker there now",
        f"crtx inspect {_path(error, args)}",
    )


def _directory(error: CrtxError, args: Any) -> list[str]:
    return _next("look at the directory", f"ls -ld {_parent(error, args)}")


def _permissions(error: CrtxError, args: Any) -> list[str]:
    if error.operation == "seed check":
        return _next(
            "make it yours alone, if nobody has read it yet", f"chmod 600 {_path(error, args)}"
        )
    path = _path(error, args)
    commands = [f"ls -ld {_parent(error, args)} {path} {path}.flock"]
    if _command(args) == "inspect":
        return _next(
            "look as the owner or as root; what it says, anybody can read", *commands, f"cat {path}"
        )
    return _next("see who owns what", *commands)


def _filesystem(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "see what it is; --allow-network-filesystem lifts the refusal, and makes it no safer",
        f"findmnt -T {_path(error, args)}",
    )


def _key(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "check that this is the public key", f"crtx principal --public-key {_key_file(args)}"
    )


def _signature(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "compare whose key you trust with who signed (the document's operator_principal_id)",
        f"crtx principal --public-key {_key_file(args)}",
    )


def _key_file(args: Any) -> str:
    value = getattr(args, "public_key", None)
    return path_word(value) if isinstance(value, str) else "FILE"


def _deployment(error: CrtxError, args: Any) -> list[str]:
    return _next("see which deployment the marker names", f"crtx inspect {_path_of(args)}")


def _path_of(args: Any) -> str:
    return _option(args, "path", "PATH")


def _clock(error: CrtxError, args: Any) -> list[str]:
    return _next("check the clocks, here and where it was signed", "date -u")


def _sign_anew(error: CrtxError, args: Any) -> list[str]:
    if _command(args).startswith("intent"):
        return _next("have the operator sign a new one", "crtx intent build --help")
    return _next(
        "look at the marker that is there now, and have an operator sign for that one",
        f"crtx inspect {_path_of(args)}",
        f"crtx attest {_path_of(args)} --seed OPERATOR.seed --justification 'WHY'",
    )


def _malformed(error: CrtxError, args: Any) -> list[str]:
    deployment = getattr(args, "deployment_id", None)
    word = shell_word(deployment) if isinstance(deployment, str) else "ID"
    attest = f"crtx attest {_path(error, args)} --seed OPERATOR.seed --justification 'WHY'"
    return _next(
        "find out who wrote it; its attestation wants the deployment id",
        f"{attest} --deployment-id {word}",
    )


def _intent(error: CrtxError, args: Any) -> list[str]:
    return _next(
        "compare the options with what was signed", f"cat {_option(args, 'intent', 'FILE')}"
    )


def _evidence(error: CrtxError, args: Any) -> list[str]:
    return _next("see which files there are", f"ls -l {_path(error, args)}*")


_HINTS: dict[int, Any] = {
    Status.INVALID_ARGUMENT: _invalid_argument,
    Status.MARKER_EXISTS: _marker_exists,
    Status.CONTENDED: _contended,
    Status.MARKER_ABSENT: _absent,
    Status.LOST: _lost,
    Status.NO_PARENT_DIRECTORY: _directory,
    Status.INSECURE_PERMISSIONS: _permissions,
    Status.UNSUPPORTED_FILESYSTEM: _filesystem,
    Status.MARKER_MALFORMED: _malformed,
    Status.UNTRUSTED_KEY: _key,
    Status.SIGNATURE_LENGTH: _signature,
    Status.BAD_SIGNATURE: _signature,
    Status.PRINCIPAL_MISMATCH: _signature,
    Status.DEPLOYMENT_MISMATCH: _deployment,
    Status.NOT_YET_VALID: _clock,
    Status.EXPIRED: _sign_anew,
    Status.STALE_PID_MISMATCH: _sign_anew,
    Status.STALE_TIME_MISMATCH: _sign_anew,
    Status.STALE_DIGEST_MISMATCH: _sign_anew,
    Status.PATH_MISMATCH: _intent,
    Status.DIGEST_MISMATCH: _intent,
    Status.EVIDENCE_INVALID: _evidence,
}
