# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls into C from asyncio. Imported at the first use, because asyncio itself is slow to import."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from typing import Callable, TypeVar

from crtx import _abi
from crtx._handle import HandleSet
from crtx.errors import CrtxError

__all__ = ["Attempt", "finish", "sleep"]

_Result = TypeVar("_Result")


async def finish(function: Callable[[], _Result]) -> _Result:
    """Runs ``function`` in a worker thread and waits for its end, come what may: a call into C
    cannot be stopped. A cancellation that came meanwhile is raised then."""
    future = asyncio.get_running_loop().run_in_executor(None, function)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        cause = None if future.cancelled() else future.exception()
        raise cancelled from cause
    return future.result()


class Attempt:
    """The tries of one acquire. What they got is in ``handle``."""

    def __init__(
        self, attempt: Callable[[_abi.LockHandle], CrtxError | None], held: HandleSet
    ) -> None:
        self.handle = _abi.LockHandle()
        self._attempt = attempt
        self._held = held
        self._abandoned = False

    async def run(self) -> CrtxError | None:
        return await finish(self._in_worker)

    def _in_worker(self) -> CrtxError | None:
        refusal = self._attempt(self.handle)
        # The worker sets the handle and then looks at the flag; the event loop sets the flag and
        # then looks at the handle. One of them sees the other, and a second release is harmless.
        if self._abandoned:
            self._held.give_back(self.handle)
        return refusal

    def abandon(self) -> None:
        """Gives back what a try got, or will get if the event loop died during it. It awaits nothing,
        because a coroutine that is being closed may not."""
        self._abandoned = True
        self._held.give_back(self.handle)
