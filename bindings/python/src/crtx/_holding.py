# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a lock object got from C, and for whom.

C alone knows whether a lock is held. Here is only which handles to ask it for, and each is here
before the call that fills it: Python raises the exception of a signal handler between any two calls,
and a result that was still on its way to a variable would then be lost.

The cleanup after such an exception calls C directly. A function of ours would be one more place where
the next signal is heard, before its first line.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from crtx import _abi
from crtx._library import library
from crtx.status import Status


class Holding:
    """One handle: zero until C fills it, then held, then ended."""

    __slots__ = ("abandoned", "entered", "handle", "owner")

    def __init__(self, owner: object) -> None:
        self.handle = _abi.LockHandle()
        #: Who acquired it (:func:`who_runs`), and may enter ``with``; None: whoever is first.
        self.owner = owner
        #: Whether a ``with`` block is to release it.
        self.entered = False
        #: Whether a worker thread that gets it is to give it back.
        self.abandoned = False

    def status(self) -> int:
        """BAD_HANDLE before and after its life, FORKED in a child; anything else: held."""
        # Asks how long a text is, because that touches no disk.
        status: int = library.crtx_lock_marker_path(self.handle, None, 0, None, None)
        return status


class Holdings:
    """All of one object: the one that is held, tries that are under way, and some that have ended.

    No mutex guards the set: a fork could copy it locked. Each use of it is one atomic step.
    """

    def __init__(self) -> None:
        self._all: set[Holding] = set()

    def new(self, owner: object) -> Holding:
        holding = Holding(owner)
        self._all.add(holding)
        return holding

    def forget_if_ended(self, holding: Holding) -> None:
        # One that was entered stays known to its `with` block until that is left.
        if not holding.entered and holding.status() == Status.BAD_HANDLE:
            self._all.discard(holding)

    def live(self, besides: Holding | None = None) -> Holding | None:
        """The one that is held, by this process or by the parent that it was forked from."""
        for holding in self._all.copy():
            if holding is not besides and holding.status() != Status.BAD_HANDLE:
                return holding
        return None

    def current(self) -> _abi.LockHandle:
        """The handle to use; all-zero, which C refuses, if nothing is held."""
        holding = self.live()
        return _abi.LockHandle() if holding is None else holding.handle

    def to_enter(self, owner: object) -> Holding | None:
        """The one that ``owner`` acquired and has not entered yet."""
        holding = self.live()
        if holding is None or holding.entered or holding.owner not in (None, owner):
            return None
        return None if holding.status() == Status.FORKED else holding

    def to_leave(self, owner: object) -> Holding | None:
        """The one that a ``with`` block is to release: what its own thread and task hold. A block
        that has released early must not release what another thread has acquired since."""
        everything = self._all.copy()
        own_blocks = [held for held in everything if held.entered and held.owner == owner]
        holding = self.live()
        for block in own_blocks:
            if block is not holding:
                block.entered = False
                self._all.discard(block)
        if holding is None or holding.owner == owner:
            return holding
        # A generator with a `with` block in it may be closed by another thread or task.
        return holding if holding.entered and not own_blocks else None


_this_thread = threading.local()


def who_runs() -> tuple[object, object]:
    """This thread, and its asyncio task if one is running. (A thread's identifier will not do: it is
    given to another thread later.)"""
    thread = getattr(_this_thread, "token", None)
    if thread is None:
        thread = _this_thread.token = object()
    # Only a program that has imported asyncio has tasks. Another thread may be just importing it.
    current_task: Any = getattr(sys.modules.get("asyncio"), "current_task", None)
    task: object = None
    if current_task is not None:
        try:
            task = current_task()
        except RuntimeError:
            pass  # no event loop runs in this thread
    return thread, task
