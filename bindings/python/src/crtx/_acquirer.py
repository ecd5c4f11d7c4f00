# SPDX-License-Identifier: MIT OR Apache-2.0
"""Getting the lock: one try, or tries until patience ends."""

from __future__ import annotations

import threading
import time
from ctypes import byref
from pathlib import Path

from crtx import _abi, _call
from crtx._holding import Holding, Holdings
from crtx._library import library
from crtx._waiting import Patience
from crtx.errors import AcquireCancelled, BadHandle, CrtxError, from_c, gave_up
from crtx.marker import inspect
from crtx.status import Status


class Acquirer:
    """Fills holdings. To give one back after an exception is the caller's part: an exception can
    come after the last line here, too."""

    def __init__(self, path: str | bytes, options: _abi.LockOptions, holdings: Holdings) -> None:
        self._path = path
        self._c_path = _call.path(path)
        self._options = options
        self._holdings = holdings

    def wait(self, holding: Holding, patience: Patience, cancel: threading.Event | None) -> None:
        while True:
            refusal = self._attempt(holding)
            if refusal is None:
                return
            pause = self._pause_after(refusal, patience)
            if cancel is None:
                time.sleep(pause)
            elif cancel.wait(pause):
                self._identify(refusal)
                message = f"cancelled: {refusal.message}"
                raise gave_up(AcquireCancelled, message, refusal) from refusal

    async def wait_async(self, holding: Holding, patience: Patience) -> None:
        from crtx import _asyncio

        while True:
            refusal = await _asyncio.finish(lambda: self._attempt_for_a_loop(holding))
            if refusal is None:
                return
            await _asyncio.sleep(self._pause_after(refusal, patience))

    def take_over(self, holding: Holding, document: _abi.SignedDocument) -> Path:
        """Quarantines the stale marker and fills ``holding``. Returns the marker's new path."""
        return _call.stale_path_of(
            library.crtx_takeover,
            self._c_path,
            byref(document),
            byref(self._options),
            byref(holding.handle),
            where=self._path,
        )

    def _attempt(self, holding: Holding) -> CrtxError | None:
        """One try, which fills ``holding`` or returns the refusal."""
        c_path = self._path_to_try(holding)
        error = _abi.Error()
        status = library.crtx_lock_acquire(
            c_path, byref(self._options), byref(holding.handle), byref(error)
        )
        if status != Status.OK:
            return from_c(error, self._path)
        # Again, because files can be taken away between the look and the try.
        self._path_to_try(holding)
        return None

    def _attempt_for_a_loop(self, holding: Holding) -> CrtxError | None:
        """A try in a worker thread. The event loop that waits for it may die meanwhile."""
        try:
            return self._attempt(holding)
        finally:
            # Here the handle is filled first and the flag looked at then; in the event loop the flag
            # is set first. One of the two sees the other, and a second release is harmless.
            if holding.abandoned:
                library.crtx_lock_release(holding.handle, None)
                self._holdings.forget_if_ended(holding)

    def _path_to_try(self, holding: Holding) -> bytes:
        """The path; but if this object has a lock already, that lock's own marker, so that C refuses
        the second one: a relative path may lead elsewhere since. Raises if that lock is lost, or is
        the parent's of a forked child."""
        other = self._holdings.live(besides=holding)
        if other is None:
            return self._c_path
        try:
            error = _abi.Error()
            status = library.crtx_lock_check(other.handle, byref(error))
            _call.expect_ok(status, error, self._path)
            return _call.text_of(library.crtx_lock_marker_path, other.handle, where=self._path)
        except BadHandle:
            return self._c_path  # another thread has released it just now

    def _pause_after(self, refusal: CrtxError, patience: Patience) -> float:
        pause = patience.pause_after(refusal)
        if pause is None:
            self._identify(refusal)
            patience.end(refusal)
        return pause

    def _identify(self, refusal: CrtxError) -> None:
        """Tells the caller who stands in the way."""
        if refusal.status in (Status.MARKER_EXISTS, Status.CONTENDED):
            try:
                refusal.marker = inspect(self._path)
            except CrtxError:
                pass  # the refusal is what counts
