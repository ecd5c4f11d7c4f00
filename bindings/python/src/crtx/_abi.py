# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx.h`` in ctypes: structs, constants and prototypes. A test compares them with C."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)

ABI_VERSION = 1
DURABILITY_FULL = 0
DURABILITY_PROCESS_CRASH = 1
ALLOW_NETWORK_FILESYSTEM = 1
ALLOW_SHARED_DIRECTORY = 2
SEED_SIZE = 32
PUBLIC_KEY_SIZE = 32
SIGNATURE_SIZE = 64
DIGEST_SIZE = 72
PRINCIPAL_SIZE = 74
STALE_PATH_EXTRA = 32


class _Sized(ctypes.Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields: object) -> None:
        super().__init__(struct_size=ctypes.sizeof(self), **fields)


class LockHandle(ctypes.Structure):
    _fields_ = [("opaque", c_uint64)]


class Error(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("status", c_int32),
        ("os_error", c_int32),
        ("marker_state", c_uint32),
        ("operation", c_char * 64),
        ("message", c_char * 1024),
    ]


class LockOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("durability", c_uint32),
        ("flags", c_uint64),
        ("timeout_ms", c_uint32),
        ("reserved", c_uint32),
        ("deployment_id", c_char_p),
        ("operator_principal_id", c_char_p),
        ("restore_intent_blake3", c_char_p),
        ("host", c_char_p),
    ]


class Marker(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("state", c_uint32),
        ("pid", c_uint32),
        ("reserved", c_uint32),
        ("acquired_at_unix_ns", c_int64),
        ("acquired_at", c_char * 64),
        ("host", c_char * 256),
        ("deployment_id", c_char * 256),
        ("operator_principal_id", c_char * 256),
        ("scope", c_char * 32),
        ("restore_intent_blake3", c_char * 80),
        ("marker_blake3", c_char * 80),
    ]


class SignedDocument(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("payload", c_char_p),
        ("payload_len", c_size_t),
        ("signature", c_char_p),
        ("signature_len", c_size_t),
        ("public_key", c_char_p),
        ("public_key_len", c_size_t),
        ("deployment_id", c_char_p),
        ("now_unix_ns", c_int64),
    ]


class IntentExpectation(_Sized):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("active_db_path", c_char_p),
        ("active_event_log_path", c_char_p),
        ("backup_manifest_blake3", c_char_p),
        ("staged_sqlite_blake3", c_char_p),
        ("staged_jsonl_blake3", c_char_p),
    ]


# c_void_p where a buffer of the caller's is written or a bytearray is read in place; c_char_p takes
# bytes, and a pointer to them is good for the whole call.
_TEXT_OUT = (c_void_p, c_size_t, POINTER(c_size_t))
_KEY = (c_char_p, c_size_t)
_ERROR = POINTER(Error)

# name: (result type, argument types)
PROTOTYPES: dict[str, tuple[type, tuple[type, ...]]] = {
    "crtx_lock_acquire": (
        c_int32,
        (c_char_p, POINTER(LockOptions), POINTER(LockHandle), _ERROR),
    ),
    "crtx_lock_check": (c_int32, (LockHandle, _ERROR)),
    "crtx_lock_leak": (c_int32, (LockHandle, _ERROR)),
    "crtx_lock_release": (c_int32, (LockHandle, _ERROR)),
    "crtx_lock_marker": (c_int32, (LockHandle, POINTER(Marker), _ERROR)),
    "crtx_lock_marker_path": (c_int32, (LockHandle, *_TEXT_OUT, _ERROR)),
    "crtx_lock_companion_path": (c_int32, (LockHandle, *_TEXT_OUT, _ERROR)),
    "crtx_marker_inspect": (c_int32, (c_char_p, POINTER(Marker), _ERROR)),
    "crtx_marker_read": (c_int32, (c_char_p, *_TEXT_OUT, _ERROR)),
    "crtx_quarantine": (c_int32, (c_char_p, POINTER(SignedDocument), *_TEXT_OUT, _ERROR)),
    "crtx_takeover": (
        c_int32,
        (
            c_char_p,
            POINTER(SignedDocument),
            POINTER(LockOptions),
            POINTER(LockHandle),
            *_TEXT_OUT,
            _ERROR,
        ),
    ),
    "crtx_takeover_verify": (c_int32, (c_char_p, POINTER(SignedDocument), _ERROR)),
    "crtx_evidence_list": (c_int32, (c_char_p, *_TEXT_OUT, _ERROR)),
    "crtx_evidence_verify": (c_int32, (c_char_p, *_KEY, _ERROR)),
    "crtx_takeover_build": (
        c_int32,
        (c_char_p, c_char_p, *_KEY, c_char_p, c_uint32, c_int64, *_TEXT_OUT, _ERROR),
    ),
    "crtx_intent_build": (
        c_int32,
        (c_char_p, POINTER(IntentExpectation), *_KEY, c_uint32, c_int64, *_TEXT_OUT, _ERROR),
    ),
    "crtx_intent_verify": (
        c_int32,
        (POINTER(SignedDocument), POINTER(IntentExpectation), *_TEXT_OUT, _ERROR),
    ),
    "crtx_sign": (c_int32, (c_void_p, c_size_t, c_char_p, c_size_t, c_void_p, c_size_t, _ERROR)),
    "crtx_public_key": (c_int32, (c_void_p, c_size_t, c_void_p, c_size_t, _ERROR)),
    "crtx_operator_principal": (c_int32, (*_KEY, *_TEXT_OUT, _ERROR)),
    "crtx_blake3_file": (c_int32, (c_char_p, *_TEXT_OUT, _ERROR)),
    "crtx_status_name": (c_char_p, (c_int32,)),
    "crtx_status_message": (c_char_p, (c_int32,)),
    "crtx_version": (c_char_p, ()),
    "crtx_abi_version": (c_uint32, ()),
}


def declare(library: ctypes.CDLL) -> None:
    """Gives each function its prototype. AttributeError if the library lacks one."""
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
