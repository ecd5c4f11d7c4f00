# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files that a command reads, and those that it writes: whole, and never over another."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from crtx.cli.escape import path_word, visible
from crtx.errors import CrtxError, StoreIOError
from crtx.status import Status

# One byte over what a document may have, so that the library sees that it is too long.
_DOCUMENT_LIMIT = 65536 + 1

# Where a filesystem has no hard links (FAT, on the stick that goes to an offline machine).
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


def io_error(operation: str, path: str, error: OSError) -> CrtxError:
    return StoreIOError(
        f"cannot {operation} {path_word(path)}: {error.strerror}",
        status=Status.IO,
        operation=operation,
        os_error=error.errno or 0,
        path=path,
    )


def read(path: str, limit: int = _DOCUMENT_LIMIT) -> bytes:
    """The first ``limit`` bytes of a file."""
    try:
        with open(path, "rb", buffering=0) as file:
            parts: list[bytes] = []
            while limit > 0:
                part = file.read(limit)
                if not part:
                    break
                parts.append(part)
                limit -= len(part)
            return b"".join(parts)
    except OSError as error:
        raise io_error("read", path, error) from error


def signature_name(document: str) -> str:
    """``x.json`` is signed by ``x.sig``, and ``x`` by ``x.sig``."""
    return (document[: -len(".json")] if document.endswith(".json") else document) + ".sig"


def write_new(files: Sequence[tuple[str, bytes | bytearray, int]]) -> None:
    """Writes files (path, content, mode), all or none. A path that exists is an error, and is left
    alone; each appears whole, and is synced."""
    for path, _, _ in files:
        if os.path.lexists(path):
            raise _exists(path)
    done: list[str] = []
    try:
        for path, content, mode in files:
            _write_one(path, content, mode)
            done.append(path)
        for directory in {os.path.dirname(path) or "." for path, _, _ in files}:
            _sync_directory(directory)
    except BaseException:
        for path in done:
            os.unlink(path)
        raise


def _exists(path: str) -> CrtxError:
    error = FileExistsError(errno.EEXIST, f"{os.strerror(errno.EEXIST)}, and is not overwritten")
    return io_error("write", path, error)


def _write_one(path: str, content: bytes | bytearray, mode: int) -> None:
    directory, name = os.path.split(path)
    draft = os.path.join(directory, f".{name[:200]}.{os.urandom(4).hex()}.new")
    try:
        _create(draft, content, mode)
        try:
            # link(2) does not overwrite, and the name leads to the whole file from the start.
            os.link(draft, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _create(path, content, mode)
        finally:
            os.unlink(draft)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise io_error("write", path, error) from error


def _create(path: str, content: bytes | bytearray, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.fchmod(handle, mode)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(handle)


def _sync_directory(path: str) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise io_error("sync", path, error) from error


def show(paths: list[str]) -> str:
    return " and ".join(visible(path_word(path)) for path in paths)
