# SPDX-License-Identifier: MIT OR Apache-2.0
"""Status numbers, and what the library itself says of them."""

from __future__ import annotations

from enum import IntEnum

from crtx._library import library


class Status(IntEnum):
    """What a call came to. The numbers are those of ``crtx.h``, and are never reused."""

    OK = 0
    INVALID_ARGUMENT = 1
    BAD_HANDLE = 2
    FORKED = 3
    BUFFER_TOO_SMALL = 4
    MARKER_EXISTS = 20
    CONTENDED = 21
    MARKER_ABSENT = 22
    LOST = 23
    IO = 40
    NO_PARENT_DIRECTORY = 41
    NOT_REGULAR_FILE = 42
    INSECURE_PERMISSIONS = 43
    UNSUPPORTED_FILESYSTEM = 44
    NAME_TOO_LONG = 45
    TOO_LARGE = 46
    MARKER_MALFORMED = 47
    UNTRUSTED_KEY = 60
    SIGNATURE_LENGTH = 61
    BAD_SIGNATURE = 62
    PAYLOAD_MALFORMED = 63
    KIND_MISMATCH = 64
    SCHEMA_MISMATCH = 65
    PRINCIPAL_MISMATCH = 66
    DEPLOYMENT_MISMATCH = 67
    NOT_YET_VALID = 68
    EXPIRED = 69
    WINDOW_INVALID = 70
    STALE_PID_MISMATCH = 71
    STALE_TIME_MISMATCH = 72
    STALE_DIGEST_MISMATCH = 73
    JUSTIFICATION_INVALID = 74
    PATH_MISMATCH = 75
    DIGEST_MISMATCH = 76
    EVIDENCE_INVALID = 77
    INTERNAL = 120


def status_name(status: int) -> str:
    """The name of a status, such as ``"CRTX_E_CONTENDED"``; ``"CRTX_E_UNKNOWN"`` for a number
    that the loaded library does not know."""
    name: bytes = library.crtx_status_name(status)
    return name.decode()


def status_message(status: int) -> str:
    """One sentence on a status: what it means and what to do."""
    message: bytes = library.crtx_status_message(status)
    return message.decode()


def version() -> str:
    """The version of the loaded library, such as ``"0.1.0"``."""
    text: bytes = library.crtx_version()
    return text.decode()


def abi_version() -> int:
    """The ``CRTX_ABI_VERSION`` that the loaded library was built with."""
    number: int = library.crtx_abi_version()
    return number
