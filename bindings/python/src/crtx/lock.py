# SPDX-License-Identifier: MIT OR Apache-2.0
"""The lock: acquire, check, leak, release."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Coroutine
from ctypes import byref
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from crtx import _abi, _call
from crtx._acquirer import Acquirer
from crtx._holding import Holding, Holdings, who_runs
from crtx._library import library
from crtx._types import PathArgument
from crtx._waiting import Patience
from crtx.errors import CrtxError, invalid_argument
from crtx.marker import Marker
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
    acquire has returned; ``"process-crash"`` syncs nothing of the lock; a takeover's evidence
    always. ``allow_network_filesystem`` and ``allow_shared_directory`` lift two refusals, and make
    those places no safer.

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
        self._path = os.fspath(path)
        self._options = _abi.LockOptions(
            durability=_DURABILITIES[durability],
            flags=_call.flags(allow_network_filesystem, allow_shared_directory),
            deployment_id=_call.text(deployment_id, "deployment_id"),
            operator_principal_id=_call.text(operator_principal_id, "operator_principal_id"),
            restore_intent_blake3=_call.text(restore_intent_blake3, "restore_intent_blake3"),
            host=_call.optional_text(host, "host"),
        )
        self._holdings = Holdings()
        self._acquirer = Acquirer(self._path, self._options, self._holdings)
        self._on_error = on_error

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
        holding = self._holdings.new(who_runs())
        try:
            self._acquirer.wait(holding, patience, cancel)
            return self
        except BaseException:
            library.crtx_lock_release(holding.handle, None)
            self._holdings.forget_if_ended(holding)
            raise

    def acquire_async(
        self, timeout: float | None = 0.0, poll_interval: float = 0.05
    ) -> Coroutine[Any, Any, ActiveStoreLock]:
        """The same for asyncio, to be awaited: each try runs in a thread of its own, and the waiting
        in the event loop. A cancelled call waits for the try that is under way, gives back what it
        got, and is then cancelled."""
        # Whoever calls may enter `async with`, also if asyncio.wait_for then makes a task of it.
        return self._acquire_async(who_runs(), timeout, poll_interval)

    async def _acquire_async(
        self, owner: object, timeout: float | None, poll_interval: float
    ) -> ActiveStoreLock:
        patience = Patience(timeout, poll_interval)
        holding = self._holdings.new(owner)
        try:
            await self._acquirer.wait_async(holding, patience)
            return self
        except BaseException:
            # Not awaited: a coroutine that is being closed may not.
            holding.abandoned = True
            library.crtx_lock_release(holding.handle, None)
            self._holdings.forget_if_ended(holding)
            raise

    # -- while held ------------------------------------------------------------------------------

    def check(self) -> None:
        """Asks whether marker and companion on disk are still this lock's own: call it before each
        step that writes. Changes nothing.

        Raises :class:`Lost` (stop writing to the store), :class:`Forked`, :class:`BadHandle` (not
        held), :class:`StoreIOError`.
        """
        error = _abi.Error()
        status = library.crtx_lock_check(self._holdings.current(), byref(error))
        _call.expect_ok(status, error, self._path)

    def leak(self) -> None:
        """Makes the release keep the marker and the companion, for a restore whose rollback failed.
        Until the release the lock is still held. Calling it twice is fine.

        Raises :class:`Forked`, :class:`BadHandle`.
        """
        self._leak(self._holdings.current())

    def _leak(self, handle: _abi.LockHandle) -> None:
        error = _abi.Error()
        status = library.crtx_lock_leak(handle, byref(error))
        _call.expect_ok(status, error, self._path)

    def release(self) -> None:
        """Removes the marker durably, then the companion, and unlocks; after :meth:`leak` it keeps
        both files.

        Raises :class:`Lost` (what is not this lock's own is left alone; the lock has ended),
        :class:`StoreIOError` (if ``held`` is still true nothing has changed: call it again; if not,
        the marker may come back after a power cut), :class:`Forked`, :class:`BadHandle` (not held).
        """
        holding = self._holdings.live()
        if holding is None:
            holding = Holding(None)  # C has the words for it
        self._release(holding)

    async def release_async(self) -> None:
        """The same for asyncio: it runs in a worker thread, and is not cut short by a cancellation,
        which is raised afterwards."""
        from crtx import _asyncio

        await _asyncio.finish(self.release)

    def _release(self, holding: Holding) -> None:
        error = _abi.Error()
        status = library.crtx_lock_release(holding.handle, byref(error))
        self._holdings.forget_if_ended(holding)
        _call.expect_ok(status, error, self._path)

    @property
    def held(self) -> bool:
        """True between acquire and release, but for a forked child, which has no part in the lock. It
        does not look at the disk: :meth:`check` does."""
        holding = self._holdings.live()
        return holding is not None and holding.status() not in (Status.FORKED, Status.BAD_HANDLE)

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
        status = library.crtx_lock_marker(self._holdings.current(), byref(found), byref(error))
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
        text = _call.text_of(function, self._holdings.current(), where=self._path)
        return Path(os.fsdecode(text))

    # -- as a context manager ----------------------------------------------------------------------

    def __enter__(self) -> ActiveStoreLock:
        holding: Holding | None = None
        try:
            owner = who_runs()
            holding = self._holdings.to_enter(owner)
            if holding is None:
                holding = self._holdings.new(owner)
                self._acquirer.wait(holding, Patience(0.0, 1.0), None)
            holding.owner = owner
            holding.entered = True
            return self
        except BaseException:
            if holding is None:
                holding = self._holdings.to_enter(who_runs()) or Holding(None)
            library.crtx_lock_release(holding.handle, None)
            self._holdings.forget_if_ended(holding)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._leave(kind is not None)
        except CrtxError:
            raise
        except BaseException:
            self._leave(kind is not None)  # a signal cut it short
            raise

    async def __aenter__(self) -> ActiveStoreLock:
        holding: Holding | None = None
        try:
            owner = who_runs()
            holding = self._holdings.to_enter(owner)
            if holding is None:
                holding = self._holdings.new(owner)
                await self._acquirer.wait_async(holding, Patience(0.0, 1.0))
            holding.owner = owner
            holding.entered = True
            return self
        except BaseException:
            if holding is None:
                holding = self._holdings.to_enter(who_runs()) or Holding(None)
            holding.abandoned = True
            library.crtx_lock_release(holding.handle, None)
            self._holdings.forget_if_ended(holding)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from crtx import _asyncio

        try:
            owner = who_runs()
            await _asyncio.finish(lambda: self._leave(kind is not None, owner))
        except (CrtxError, _asyncio.CancelledError):
            raise
        except BaseException:
            self._leave(kind is not None)
            raise

    def _leave(self, by_exception: bool, owner: object = None) -> None:
        """Does what leaving a ``with`` block is to do, or what is left of it."""
        holding = self._holdings.to_leave(owner or who_runs())
        if holding is None:
            return
        # A child that leaves its parent's block has nothing to release, and its own exception (it may
        # be SystemExit) tells more than that.
        if by_exception and holding.status() == Status.FORKED:
            return
        try:
            if by_exception and self._on_error == "leak":
                self._leak(holding.handle)
            self._release(holding)
        finally:
            holding.entered = False
            self._holdings.forget_if_ended(holding)

    # -- the object --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<crtx.ActiveStoreLock {self._path!r}{', held' if self.held else ''}>"

    def __reduce__(self) -> Any:
        raise TypeError("a crtx lock belongs to its process and cannot be pickled or copied")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        # If the constructor failed, there is nothing to look at.
        if getattr(self, "_holdings", None) is not None and self.held:
            _warn(f"{self!r} was not released: the marker stays", ResourceWarning, source=self)
