# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lock: acquire, check, leak, release."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from ctypes import byref
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from crtx import _abi, _call
from crtx._handle import HandleSet
from crtx._library import library
from crtx._types import PathArgument
from crtx._waiting import Patience
from crtx.errors import (
    AcquireCancelled,
    Contended,
    CrtxError,
    MarkerExists,
    from_c,
    gave_up,
    invalid_argument,
)
from crtx.marker import Marker, inspect
from crtx.marker import from_c as marker_from_c
from crtx.status import Status

Durability = Literal["full", "process-crash"]
OnError = Literal["release", "leak"]

_DURABILITIES = {
    "full": _abi.DURABILITY_FULL,
    "process-crash": _abi.DURABILITY_PROCESS_CRASH,
}


class ActiveStoreLock:
    """The exclusive lock on a store's marker, held across a destructive restore::

        with ActiveStoreLock("ledger.db.restore", deployment_id="ledger-production",
                             operator_principal_id=principal,
                             restore_intent_blake3=digest) as lock:
            ...            # restore
            lock.check()   # before each step that writes

    ``deployment_id`` and ``operator_principal_id`` are 1 to 255 bytes of UTF-8 and ``host`` up to
    255 (None: this machine's name), without control characters. ``restore_intent_blake3`` is what
    :func:`verify_intent` returned. With ``durability="full"`` the marker survives a power cut once
    acquire has returned; ``"process-crash"`` syncs nothing. ``allow_network_filesystem`` and
    ``allow_shared_directory`` lift two refusals, and make those places no safer.

    ``on_error`` says what leaving a ``with`` block by an exception does: ``"release"`` the lock, or
    ``"leak"`` it, so that the marker stays as evidence of a store that may be broken.

    Exit without release counts as a crash: the marker stays. So does losing the object: the garbage
    collector warns (``ResourceWarning``) and never releases. The lock is the process's own and not
    reentrant: a second acquire, also of the same object, is refused like anybody's. Any thread may
    use the object at any time. After ``fork`` the child's copy answers :class:`Forked` to
    everything. It does not pickle.
    """

    def __init__(
        self,
        path: PathArgument,
        *,
        deployment_id: str,
        operator_principal_id: str,
        restore_intent_blake3: str,
        host: str | None = None,
        durability: Durability = "full",
        allow_network_filesystem: bool = False,
        allow_shared_directory: bool = False,
        on_error: OnError = "release",
    ) -> None:
        if durability not in _DURABILITIES:
            raise invalid_argument(
                f"durability is {durability!r}, and must be 'full' or 'process-crash'"
            )
        if on_error not in ("release", "leak"):
            raise invalid_argument(f"on_error is {on_error!r}, and must be 'release' or 'leak'")
        self._held = HandleSet()
        self._path = os.fspath(path)
        self._c_path = _call.path(path)
        self._options = _abi.LockOptions(
            durability=_DURABILITIES[durability],
            flags=_call.flags(allow_network_filesystem, allow_shared_directory),
            deployment_id=_call.text(deployment_id, "deployment_id"),
            operator_principal_id=_call.text(operator_principal_id, "operator_principal_id"),
            restore_intent_blake3=_call.text(restore_intent_blake3, "restore_intent_blake3"),
            host=_call.optional_text(host, "host"),
        )
        self._on_error = on_error
        # Who acquired and may now enter `with`: nobody else may, not even by the same object.
        self._may_enter: object = None

    # -- acquire ---------------------------------------------------------------------------------

    def acquire(
        self,
        timeout: float | None = 0.0,
        poll_interval: float = 0.05,
        cancel: threading.Event | None = None,
    ) -> ActiveStoreLock:
        """Acquires the lock and returns the object, so that ``with lock.acquire(timeout=5):`` works.

        With ``timeout`` 0 it tries once. Otherwise it tries again every ``poll_interval`` seconds
        while the lock is held or contended, for ``timeout`` seconds or, if that is None, without
        end; a stale marker is never waited for. Setting ``cancel`` from another thread ends the
        wait. Whatever ends it, Ctrl-C included, no lock stays behind that the caller does not know.

        Raises :class:`MarkerExists`, :class:`Contended`, :class:`AcquireTimeout` (``timeout`` was
        not 0), :class:`AcquireCancelled`, :class:`Lost` (this object holds a lock already, and its
        files are gone), :class:`Forked`, and what the files give cause for, from
        :class:`StoreIOError` to :class:`NameTooLong`.
        """
        patience = Patience(timeout, poll_interval)
        handle = _abi.LockHandle()
        try:
            while True:
                refusal = self._attempt(handle)
                if refusal is None:
                    break
                pause = self._pause_after(refusal, patience)
                if cancel is None:
                    time.sleep(pause)
                elif cancel.wait(pause):
                    message = f"cancelled: {refusal.message}"
                    raise gave_up(AcquireCancelled, message, refusal) from refusal
            self._adopt(handle)
            return self
        except BaseException:
            self._held.give_back(handle)
            raise

    async def acquire_async(
        self, timeout: float | None = 0.0, poll_interval: float = 0.05
    ) -> ActiveStoreLock:
        """The same for asyncio: each try runs in a worker thread, and the waiting in the event loop.
        A cancelled call waits for the try that is under way, gives back what it got, and is then
        cancelled."""
        from crtx import _asyncio

        patience = Patience(timeout, poll_interval)
        attempt = _asyncio.Attempt(self._attempt, self._held)
        try:
            while True:
                refusal = await attempt.run()
                if refusal is None:
                    break
                await _asyncio.sleep(self._pause_after(refusal, patience))
            self._adopt(attempt.handle)
            return self
        except BaseException:
            attempt.abandon()
            raise

    def _attempt(self, handle: _abi.LockHandle) -> CrtxError | None:
        """One try. Fills ``handle``, where an interrupted caller finds it, or returns the refusal."""
        if self._held.unended():
            # Files that were taken away would let C grant a second lock to the same object.
            self.check()
        error = _abi.Error()
        status = library.crtx_lock_acquire(
            self._c_path, byref(self._options), byref(handle), byref(error)
        )
        return None if status == Status.OK else from_c(error, self._path)

    def _pause_after(self, refusal: CrtxError, patience: Patience) -> float:
        try:
            return patience.pause_after(refusal)
        except (MarkerExists, Contended, TimeoutError) as final:
            final.marker = self._who_is_there()  # type: ignore[union-attr]
            raise

    def _who_is_there(self) -> Marker | None:
        try:
            return inspect(self._path)
        except CrtxError:
            return None

    def _adopt(self, handle: _abi.LockHandle) -> None:
        if self._held.unended():
            # Taken away between the look and the try.
            self.check()
        self._may_enter = _context()
        self._held.adopt(handle)

    def _take_over(self, document: _abi.SignedDocument) -> Path:
        """For :func:`takeover`, on a new object."""
        handle = _abi.LockHandle()
        try:
            text = _call.stale_path_of(
                library.crtx_takeover,
                self._c_path,
                byref(document),
                byref(self._options),
                byref(handle),
                where=self._path,
            )
            stale_path = Path(os.fsdecode(text))
            self._adopt(handle)
            return stale_path
        except BaseException:
            self._held.give_back(handle)
            raise

    # -- while held ------------------------------------------------------------------------------

    def check(self) -> None:
        """Asks whether marker and companion on disk are still this lock's own: call it before each
        step that writes. Changes nothing.

        Raises :class:`Lost` (stop writing to the store), :class:`Forked`, :class:`BadHandle` (not
        held), :class:`StoreIOError`.
        """
        error = _abi.Error()
        status = library.crtx_lock_check(self._held.current(), byref(error))
        _call.expect_ok(status, error, self._path)

    def leak(self) -> None:
        """Makes the release keep the marker and the companion, for a restore whose rollback failed.
        Until the release the lock is still held. Calling it twice is fine.

        Raises :class:`Forked`, :class:`BadHandle`.
        """
        error = _abi.Error()
        status = library.crtx_lock_leak(self._held.current(), byref(error))
        _call.expect_ok(status, error, self._path)

    def release(self) -> None:
        """Removes the marker durably, then the companion, and unlocks; after :meth:`leak` it keeps
        both files.

        Raises :class:`Lost` (what is not this lock's own is left alone; the lock has ended),
        :class:`StoreIOError` (if ``held`` is still true nothing has changed: call it again; if not,
        the marker may come back after a power cut), :class:`Forked`, :class:`BadHandle` (not held).
        """
        self._held.release(self._path)

    async def release_async(self) -> None:
        """The same for asyncio: it runs in a worker thread, and is not cut short by a cancellation,
        which is raised afterwards."""
        from crtx import _asyncio

        await _asyncio.finish(self.release)

    @property
    def held(self) -> bool:
        """True between acquire and release. It does not look at the disk: :meth:`check` does."""
        return bool(self._held)

    @property
    def path(self) -> str | bytes:
        """The path as it was given."""
        return self._path

    @property
    def marker(self) -> Marker:
        """The marker as this lock wrote it; the disk is not read.

        Raises :class:`Forked`, :class:`BadHandle` (not held).
        """
        found = _abi.Marker()
        error = _abi.Error()
        status = library.crtx_lock_marker(self._held.current(), byref(found), byref(error))
        _call.expect_ok(status, error, self._path)
        return marker_from_c(found)

    @property
    def marker_path(self) -> Path:
        """The absolute path of the marker. Raises :class:`Forked`, :class:`BadHandle`."""
        return self._path_of(library.crtx_lock_marker_path)

    @property
    def companion_path(self) -> Path:
        """The absolute path of the companion. Raises :class:`Forked`, :class:`BadHandle`."""
        return self._path_of(library.crtx_lock_companion_path)

    def _path_of(self, function: Any) -> Path:
        text = _call.text_of(function, self._held.current(), where=self._path)
        return Path(os.fsdecode(text))

    # -- as a context manager ----------------------------------------------------------------------

    def __enter__(self) -> ActiveStoreLock:
        if not self._enter_what_is_held():
            self.acquire()
            self._may_enter = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.held:
            if kind is not None and self._on_error == "leak":
                self.leak()
            self.release()

    async def __aenter__(self) -> ActiveStoreLock:
        if not self._enter_what_is_held():
            await self.acquire_async()
            self._may_enter = None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.held:
            if kind is not None and self._on_error == "leak":
                self.leak()
            await self.release_async()

    def _enter_what_is_held(self) -> bool:
        """Whether ``with`` enters the lock that the same thread and task acquired just before."""
        may_enter = self.held and self._may_enter == _context()
        if may_enter:
            self._may_enter = None
        return may_enter

    # -- the object --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<crtx.ActiveStoreLock {self._path!r}{', held' if self.held else ''}>"

    def __reduce__(self) -> Any:
        raise TypeError("a crtx lock belongs to its process and cannot be pickled or copied")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        # If the constructor failed, there is nothing to look at.
        held: HandleSet | None = getattr(self, "_held", None)
        if held and held.unended():
            _warn(f"{self!r} was not released: the marker stays", ResourceWarning, source=self)


def _context() -> tuple[int, object]:
    """The thread, and the asyncio task if one is running."""
    asyncio = sys.modules.get("asyncio")
    task: object = None
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:
            pass  # no event loop runs in this thread
    return threading.get_ident(), task
