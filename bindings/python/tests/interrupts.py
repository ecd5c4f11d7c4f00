# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exceptions at each point at which Python runs signal handlers: as a function begins, and as a call
into C returns (whose result is then lost). One by one, so that no luck is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Callable

from crtx._abi import PROTOTYPES
from crtx._library import library

_TESTS = str(Path(__file__).parent)


def _stack() -> Iterator[FrameType]:
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


class Interrupt(BaseException):
    """What a signal handler raises."""


class Interrupts:
    """Raises :class:`Interrupt` at the given points, counted from 0, while a function runs."""

    def __init__(self, at: Sequence[int] = ()) -> None:
        self._at = frozenset(at)
        #: How many points were passed.
        self.points = 0
        #: Where it was raised.
        self.places: list[str] = []
        #: What the function returned.
        self.result: Any = None

    def run(self, function: Callable[[], Any]) -> bool:
        """Whether the function was interrupted."""
        for name in PROTOTYPES:
            getattr(library, name).errcheck = self._after_crtx
        sys.setprofile(self._profile)
        try:
            self.result = function()
        except Interrupt as error:
            # A traceback has frames, and they have what the function let go.
            error.__traceback__ = None
            return True
        finally:
            sys.setprofile(None)
            for name in PROTOTYPES:
                del getattr(library, name).errcheck
        return False

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if frame.f_code.co_filename.startswith(_TESTS):
            return
        if event == "call":
            self._pass(f"begin {frame.f_code.co_name}")
        elif event == "c_return":
            self._pass(f"{getattr(argument, '__name__', '?')} in {frame.f_code.co_name}")

    # The profiler does not see calls through ctypes.
    def _after_crtx(self, result: Any, function: Any, arguments: Any) -> Any:
        self._pass(function.__name__)
        return result

    def _pass(self, place: str) -> None:
        # What a destructor raises is printed and forgotten.
        if any(frame.f_code.co_name == "__del__" for frame in _stack()):
            return
        self.points += 1
        if self.points - 1 in self._at:
            self.places.append(place)
            raise Interrupt(place)


def everywhere(
    prepare: Callable[[], Any], act: Callable[[Any], Any], *, after_the_first: int = 0
) -> Iterator[tuple[Any, list[str]]]:
    """Runs ``act(prepare())`` interrupted at each point in turn, and yields what prepare gave and the
    places. With ``after_the_first`` N, each time once more that many points later. At last it runs
    without interruption; a lock that it then returns is released."""
    at = 0
    while True:
        prepared = prepare()
        points = [at, at + after_the_first] if after_the_first else [at]
        interrupts = Interrupts(points)
        if not interrupts.run(partial(act, prepared)):
            if interrupts.result is not None:
                interrupts.result.release()
            return
        yield prepared, interrupts.places
        at += 1
