# SPDX-License-Identifier: MIT OR Apache-2.0
"""C lock handles, and how one gets to its owner whatever interrupts."""

from __future__ import annotations

from ctypes import byref

from crtx import _abi, _call
from crtx._library import library
from crtx._types import PathArgument
from crtx.status import Status


class HandleSet:
    """The handles that one lock object owns: none or one, and for an instant during a hand-over
    between threads a second that has ended already.

    Keyed by the handle's number, which the library never gives out twice, so that adding and
    removing are atomic and cannot hit another thread's lock. No mutex: a fork could copy it locked.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, None] = {}

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def current(self) -> _abi.LockHandle:
        """The one in use; all-zero, which the library refuses, if there is none."""
        numbers = list(self._numbers)
        return _abi.LockHandle(numbers[-1] if numbers else 0)

    def unended(self) -> bool:
        """Whether one of them has not ended, and is this process's own."""
        statuses = [
            library.crtx_lock_check(_abi.LockHandle(number), None) for number in list(self._numbers)
        ]
        return any(status not in (Status.BAD_HANDLE, Status.FORKED) for status in statuses)

    def adopt(self, handle: _abi.LockHandle) -> None:
        self._numbers[handle.opaque] = None

    def forget_if_ended(self, handle: _abi.LockHandle) -> None:
        if library.crtx_lock_check(handle, None) == Status.BAD_HANDLE:
            self._numbers.pop(handle.opaque, None)

    def give_back(self, handle: _abi.LockHandle) -> None:
        """Releases a lock whose caller will never learn that it had it. An exception is on its way
        to the caller already, so one more Ctrl-C meanwhile adds nothing and is dropped."""
        while handle.opaque:
            try:
                # If the release fails, the object still has the lock, and its owner can try again.
                self.adopt(handle)
                library.crtx_lock_release(handle, None)
                self.forget_if_ended(handle)
                return
            except BaseException:  # noqa: S112 - see above
                continue

    def release(self, where: PathArgument) -> None:
        handle = self.current()
        error = _abi.Error()
        try:
            status = library.crtx_lock_release(handle, byref(error))
        finally:
            self.forget_if_ended(handle)
        _call.expect_ok(status, error, where)
