# SPDX-License-Identifier: MIT OR Apache-2.0
"""How long a refused acquire goes on. It polls in Python, so that Ctrl-C is heard."""

from __future__ import annotations

import time
from typing import NoReturn

from crtx.errors import (
    AcquireTimeout,
    Contended,
    CrtxError,
    MarkerExists,
    gave_up,
    invalid_argument,
)
from crtx.state import MarkerState

# time.sleep and Event.wait refuse what is too long for the clock.
_LONGEST_PAUSE = 3600.0


class Patience:
    """The time that one acquire may take."""

    def __init__(self, timeout: float | None, poll_interval: float) -> None:
        # Written so that NaN is refused too.
        if timeout is not None and not timeout >= 0:
            raise invalid_argument(f"timeout is {timeout}, and must be 0 or more seconds, or None")
        if not poll_interval > 0:
            raise invalid_argument(f"poll_interval is {poll_interval}, and must be over 0 seconds")
        self._timeout = None if timeout is None else float(timeout)
        self._poll_interval = min(float(poll_interval), _LONGEST_PAUSE)
        self._started = time.monotonic()

    def pause_after(self, refusal: CrtxError) -> float | None:
        """Seconds until the next try; None if there is to be none."""
        if self._is_final(refusal):
            return None
        if self._timeout is None:
            return self._poll_interval
        left = self._started + self._timeout - time.monotonic()
        return min(self._poll_interval, left) if left > 0 else None

    def end(self, refusal: CrtxError) -> NoReturn:
        """Raises what the caller is to hear after the last try."""
        if self._is_final(refusal):
            raise refusal
        message = f"still refused after {self._timeout:g} s: {refusal.message}"
        raise gave_up(AcquireTimeout, message, refusal) from refusal

    def _is_final(self, refusal: CrtxError) -> bool:
        return self._timeout == 0 or not _may_end(refusal)


def _may_end(refusal: CrtxError) -> bool:
    """Held and contended end by themselves; a stale marker does not."""
    if isinstance(refusal, MarkerExists):
        return refusal.marker_state in (MarkerState.HELD, MarkerState.HELD_BY_THIS_PROCESS)
    return isinstance(refusal, Contended)
