# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exceptions: one class a status, all under :class:`CrtxError`.

The message is the library's own sentence: it names the file, escaped, and is fit for a terminal or
a log. All exceptions pickle.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crtx._abi import Error
from crtx._types import PathArgument
from crtx.state import MarkerState
from crtx.status import Status, status_name

if TYPE_CHECKING:
    from crtx.marker import Marker


class CrtxError(Exception):
    """A call failed. A class of its own is raised for each status that this package knows."""

    #: The status number: a :class:`Status`, or a plain int if this package does not know it.
    status: int
    #: The step that failed, such as ``"marker publish"``.
    operation: str
    #: ``errno`` (on Windows ``GetLastError()``); 0 if the operating system had no part in it.
    os_error: int
    #: One English sentence, also ``str(error)``.
    message: str
    #: The path that the caller passed, as ``os.fspath`` gives it; None if the call has no path.
    path: str | bytes | None
    #: What was found, with the statuses 20 to 23; else None.
    marker_state: MarkerState | None
    #: Whose marker stood in the way, looked up just after the refusal of an acquire; else None.
    marker: Marker | None
    #: Where the old marker stands, if a takeover failed after it had been moved; else None.
    stale_path: Path | None

    def __init__(
        self,
        message: str,
        *,
        status: int,
        operation: str = "",
        os_error: int = 0,
        path: str | bytes | None = None,
        marker_state: MarkerState | None = None,
        marker: Marker | None = None,
        stale_path: Path | None = None,
    ) -> None:
        if isinstance(self, OSError):
            # OSError's own arguments fill errno, strerror and filename.
            number = errno.ETIMEDOUT if isinstance(self, TimeoutError) else os_error
            super().__init__(number, message, path)
        else:
            super().__init__(message)
        self.status = status
        self.operation = operation
        self.os_error = os_error
        self.message = message
        self.path = path
        self.marker_state = marker_state
        self.marker = marker
        self.stale_path = stale_path

    @property
    def name(self) -> str:
        """The name of the status in ``crtx.h``, such as ``"CRTX_E_CONTENDED"``."""
        return status_name(self.status)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # What was added later, such as notes, is in __dict__.
        return _rebuild, (type(self), self._fields()), self.__dict__

    def _fields(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "status": self.status,
            "operation": self.operation,
            "os_error": self.os_error,
            "path": self.path,
            "marker_state": self.marker_state,
            "marker": self.marker,
            "stale_path": self.stale_path,
        }


def _rebuild(kind: type[CrtxError], fields: dict[str, Any]) -> CrtxError:
    return kind(fields.pop("message"), **fields)


class InvalidArgument(CrtxError, ValueError):
    """An argument is missing, out of range, not text, or a reserved name."""


class BadHandle(CrtxError):
    """The lock is not held: it was never acquired, or was released before."""


class Forked(CrtxError):
    """The lock belongs to the parent process."""


class BufferTooSmall(CrtxError):
    """An output did not fit. This package sizes its buffers itself, so this is a fault in it."""


class MarkerExists(CrtxError):
    """A marker is there: held, stale or malformed, see ``marker_state``."""


class Contended(CrtxError):
    """Somebody holds the OS lock at this moment."""


class MarkerAbsent(CrtxError):
    """There is no marker to read, to quarantine or to take over."""


class Lost(CrtxError):
    """The marker or its companion is gone or is no longer ours: stop writing to the store."""


class StoreIOError(CrtxError, OSError):
    """The operating system refused a step. It is an ``OSError`` with ``errno`` and ``filename``."""


class NoParentDirectory(CrtxError):
    """The directory that should hold the marker does not exist."""


class NotRegularFile(CrtxError):
    """A lock file is a symlink, FIFO, socket, device or directory, or has more than one link."""


class InsecurePermissions(CrtxError):
    """The directory is writable by everybody, or a lock file belongs to another user."""


class UnsupportedFilesystem(CrtxError):
    """The directory is on a network filesystem."""


class NameTooLong(CrtxError):
    """The marker's name leaves no room for the names that are derived from it."""


class TooLarge(CrtxError):
    """A file or document is over its size limit."""


class MarkerMalformed(CrtxError):
    """The marker cannot be parsed."""


class VerificationError(CrtxError):
    """A signed document or a piece of evidence is not to be acted on."""


class UntrustedKey(VerificationError):
    """The public key is not 32 bytes, not canonical, of small order, or of mixed order."""


class SignatureLength(VerificationError):
    """The signature is not exactly 64 raw bytes."""


class BadSignature(VerificationError):
    """The signature does not hold for these bytes and this key."""


class PayloadMalformed(VerificationError):
    """The signed payload is not the strict JSON object that its kind demands."""


class KindMismatch(VerificationError):
    """The signed document is of another kind."""


class SchemaMismatch(VerificationError):
    """The signed document has a schema version that the library does not know."""


class PrincipalMismatch(VerificationError):
    """The document names another operator principal than the verifying key's."""


class DeploymentMismatch(VerificationError):
    """The document, the marker and the caller do not name the same deployment."""


class NotYetValid(VerificationError):
    """The document is not valid yet."""


class Expired(VerificationError):
    """The document has expired."""


class WindowInvalid(VerificationError):
    """The document's window ends before it begins, or is longer than 86,700 seconds."""


class StalePidMismatch(VerificationError):
    """The attestation names another process than the marker."""


class StaleTimeMismatch(VerificationError):
    """The attestation names another time than the marker."""


class StaleDigestMismatch(VerificationError):
    """The attestation names another digest than the marker's."""


class JustificationInvalid(VerificationError):
    """The justification is blank, over 1,024 bytes, or has control characters."""


class PathMismatch(VerificationError):
    """The restore intent authorizes another path."""


class DigestMismatch(VerificationError):
    """The restore intent authorizes other bytes."""


class EvidenceInvalid(VerificationError):
    """The evidence is missing, or does not fit the quarantined marker."""


class InternalError(CrtxError):
    """The library caught a fault of its own. Please report it."""


class AcquireTimeout(CrtxError, TimeoutError):
    """``timeout`` passed, and the lock is still held or contended. ``status``, ``marker_state`` and
    ``marker`` are those of the last refusal, which is also the ``__cause__``."""


class AcquireCancelled(CrtxError):
    """``cancel`` was set while the lock was waited for. The fields are the last refusal's, which is
    also the ``__cause__``."""


_CLASSES: dict[int, type[CrtxError]] = {
    Status.INVALID_ARGUMENT: InvalidArgument,
    Status.BAD_HANDLE: BadHandle,
    Status.FORKED: Forked,
    Status.BUFFER_TOO_SMALL: BufferTooSmall,
    Status.MARKER_EXISTS: MarkerExists,
    Status.CONTENDED: Contended,
    Status.MARKER_ABSENT: MarkerAbsent,
    Status.LOST: Lost,
    Status.IO: StoreIOError,
    Status.NO_PARENT_DIRECTORY: NoParentDirectory,
    Status.NOT_REGULAR_FILE: NotRegularFile,
    Status.INSECURE_PERMISSIONS: InsecurePermissions,
    Status.UNSUPPORTED_FILESYSTEM: UnsupportedFilesystem,
    Status.NAME_TOO_LONG: NameTooLong,
    Status.TOO_LARGE: TooLarge,
    Status.MARKER_MALFORMED: MarkerMalformed,
    Status.UNTRUSTED_KEY: UntrustedKey,
    Status.SIGNATURE_LENGTH: SignatureLength,
    Status.BAD_SIGNATURE: BadSignature,
    Status.PAYLOAD_MALFORMED: PayloadMalformed,
    Status.KIND_MISMATCH: KindMismatch,
    Status.SCHEMA_MISMATCH: SchemaMismatch,
    Status.PRINCIPAL_MISMATCH: PrincipalMismatch,
    Status.DEPLOYMENT_MISMATCH: DeploymentMismatch,
    Status.NOT_YET_VALID: NotYetValid,
    Status.EXPIRED: Expired,
    Status.WINDOW_INVALID: WindowInvalid,
    Status.STALE_PID_MISMATCH: StalePidMismatch,
    Status.STALE_TIME_MISMATCH: StaleTimeMismatch,
    Status.STALE_DIGEST_MISMATCH: StaleDigestMismatch,
    Status.JUSTIFICATION_INVALID: JustificationInvalid,
    Status.PATH_MISMATCH: PathMismatch,
    Status.DIGEST_MISMATCH: DigestMismatch,
    Status.EVIDENCE_INVALID: EvidenceInvalid,
    Status.INTERNAL: InternalError,
}


def _known(status: int) -> int:
    try:
        return Status(status)
    except ValueError:
        return status


def _state(number: int) -> MarkerState | None:
    try:
        return MarkerState(number) if number else None
    except ValueError:
        return (
            None  # one that this package does not know must not hide the error; the message has it
        )


def from_c(error: Error, path: PathArgument | None) -> CrtxError:
    """The exception that tells what ``error``, filled by a failed call, says."""
    return _CLASSES.get(error.status, CrtxError)(
        error.message.decode(errors="replace"),
        status=_known(error.status),
        operation=error.operation.decode(errors="replace"),
        os_error=error.os_error,
        path=None if path is None else os.fspath(path),
        marker_state=_state(error.marker_state),
    )


def invalid_argument(message: str) -> InvalidArgument:
    """For what C cannot be told at all, and therefore cannot refuse."""
    return InvalidArgument(message, status=Status.INVALID_ARGUMENT, operation="argument check")


def gave_up(kind: type[CrtxError], message: str, refusal: CrtxError) -> CrtxError:
    """An exception of ``kind`` with the fields of the last refusal."""
    return kind(**{**refusal._fields(), "message": message})
