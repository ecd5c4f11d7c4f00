# SPDX-License-Identifier: MIT OR Apache-2.0
"""An exclusive lock on a storage engine's active store, held across a destructive restore, that
leaves evidence when a restore dies and lets nobody take over silently.

Two files stand beside the store. The *marker* at ``path`` is a readable text that says who is at
work, and outlives a crash. The *companion*, ``path.flock``, carries an OS lock that the kernel drops
when the holder dies. Marker and lock held: *held*. Marker and lock free: *stale*, and only an
operator's signed attestation moves it aside. No marker: *free*.

Everything that this package decides and says comes from the C library libcrtx; ``crtx.h`` has the
full contract. Paths are ``str``, ``bytes`` or ``os.PathLike``; binary inputs are bytes-like; every
function may be called from any thread. Errors are exceptions under :class:`CrtxError`, and a
wrong Python type is a ``TypeError``.
"""

from crtx._types import BytesArgument, PathArgument
from crtx.documents import (
    blake3_file,
    build_intent,
    operator_principal,
    public_key,
    sign,
    verify_intent,
)
from crtx.errors import (
    AcquireCancelled,
    AcquireTimeout,
    BadHandle,
    BadSignature,
    BufferTooSmall,
    Contended,
    CrtxError,
    DeploymentMismatch,
    DigestMismatch,
    EvidenceInvalid,
    Expired,
    Forked,
    InsecurePermissions,
    InternalError,
    InvalidArgument,
    JustificationInvalid,
    KindMismatch,
    Lost,
    MarkerAbsent,
    MarkerExists,
    MarkerMalformed,
    NameTooLong,
    NoParentDirectory,
    NotRegularFile,
    NotYetValid,
    PathMismatch,
    PayloadMalformed,
    PrincipalMismatch,
    SchemaMismatch,
    SignatureLength,
    StaleDigestMismatch,
    StalePidMismatch,
    StaleTimeMismatch,
    StoreIOError,
    TooLarge,
    UnsupportedFilesystem,
    UntrustedKey,
    VerificationError,
    WindowInvalid,
)
from crtx.lock import ActiveStoreLock, Durability, OnError
from crtx.marker import Marker, inspect, read_marker
from crtx.stale import (
    Takeover,
    build_takeover,
    list_evidence,
    quarantine,
    takeover,
    verify_evidence,
    verify_takeover,
)
from crtx.state import MarkerState
from crtx.status import Status, abi_version, status_message, status_name, version

__version__ = "0.1.0"

__all__ = [
    "AcquireCancelled",
    "AcquireTimeout",
    "ActiveStoreLock",
    "BadHandle",
    "BadSignature",
    "BufferTooSmall",
    "BytesArgument",
    "Contended",
    "CrtxError",
    "DeploymentMismatch",
    "DigestMismatch",
    "Durability",
    "EvidenceInvalid",
    "Expired",
    "Forked",
    "InsecurePermissions",
    "InternalError",
    "InvalidArgument",
    "JustificationInvalid",
    "KindMismatch",
    "Lost",
    "Marker",
    "MarkerAbsent",
    "MarkerExists",
    "MarkerMalformed",
    "MarkerState",
    "NameTooLong",
    "NoParentDirectory",
    "NotRegularFile",
    "NotYetValid",
    "OnError",
    "PathArgument",
    "PathMismatch",
    "PayloadMalformed",
    "PrincipalMismatch",
    "SchemaMismatch",
    "SignatureLength",
    "StaleDigestMismatch",
    "StalePidMismatch",
    "StaleTimeMismatch",
    "Status",
    "StoreIOError",
    "Takeover",
    "TooLarge",
    "UnsupportedFilesystem",
    "UntrustedKey",
    "VerificationError",
    "WindowInvalid",
    "__version__",
    "abi_version",
    "blake3_file",
    "build_intent",
    "build_takeover",
    "inspect",
    "list_evidence",
    "operator_principal",
    "public_key",
    "quarantine",
    "read_marker",
    "sign",
    "status_message",
    "status_name",
    "takeover",
    "verify_evidence",
    "verify_intent",
    "verify_takeover",
    "version",
]
