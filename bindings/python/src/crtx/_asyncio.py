# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls into C from asyncio. Imported at the first use, because asyncio itself is slow to import."""

from __future__ import annotations

import asyncio
import threading
from asyncio import CancelledError, sleep
from typing import Callable, TypeVar

__all__ = ["CancelledError", "finish", "sleep"]

_Result = TypeVar("_Result")


async def finish(function: Callable[[], _Result]) -> _Result:
    """Runs ``function`` in a thread of its own and waits for its end, come what may: a call into C
    cannot be stopped. A cancellation that came meanwhile is raised then.

    Not in the loop's executor: that may be full of calls that wait for this very lock, or be shut
    down.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    results: list[_Result] = []
    errors: list[BaseException] = []

    def wake() -> None:
        if not over.done():
            over.set_result(None)

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:
            pass  # the loop was closed, and nobody waits any more

    try:
        threading.Thread(target=work, name="crtx").start()
    except RuntimeError:
        # No more threads, or the interpreter is about to end: better a loop that stands still for a
        # moment than a lock that nobody releases.
        return function()
    cancelled: CancelledError | None = None
    while not (results or errors):
        try:
            # A signal handler may have raised in the place of `wake`, and the loop may have gone on.
            await asyncio.wait([over], timeout=1)
        except CancelledError as error:
            cancelled = error
    try:
        if cancelled is not None:
            raise cancelled from (errors[0] if errors else None)
        if errors:
            raise errors[0]
        return results[0]
    finally:
        # A raised exception refers to this frame: without references back there is no cycle.
        errors.clear()
        del cancelled
