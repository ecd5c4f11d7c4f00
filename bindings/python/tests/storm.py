# SPDX-License-Identifier: MIT OR Apache-2.0
"""Real signals at random points, thousands of them, in a process of their own.

Usage: storm.py PLACE WHAT ROUNDS; prints ``N interrupted, M at the edge``. The edge is where no line
of the package can catch: as its function begins or has returned. The lock is still ``held`` then.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any, Callable

from stores import DIGEST, Keys, attest, leave_a_stale_marker, new_lock

import crtx


class Interrupt(Exception):
    pass


armed = False


def interrupt(number: int, frame: FrameType | None) -> None:
    if armed:
        raise Interrupt


def run(act: Callable[[Any], None], argument: Any, within: float) -> bool:
    """Runs ``act`` with one signal on its way; whether that interrupted it."""
    global armed
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, within))
        act(argument)
        armed = False
    except Interrupt:
        armed = False
        return True
    signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def acquire(lock: crtx.ActiveStoreLock) -> None:
    lock.acquire()


def enter(lock: crtx.ActiveStoreLock) -> None:
    with lock:
        pass


def wait_and_enter(lock: crtx.ActiveStoreLock) -> None:
    with lock.acquire(timeout=5):
        pass


def storm(path: Path, act: Callable[[crtx.ActiveStoreLock], None], rounds: int) -> tuple[int, int]:
    interrupted = edge = 0
    for _ in range(rounds):
        lock = new_lock(path)
        if run(act, lock, within=300e-6):
            interrupted += 1
            edge += lock.held
        assert lock.held == path.exists(), "a marker that its object does not know"
        if lock.held:
            lock.check()
            lock.release()
        assert os.listdir(path.parent) == []
    return interrupted, edge


def storm_of_takeovers(path: Path, rounds: int) -> tuple[int, int]:
    keys = Keys(bytes(range(32)))
    leave_a_stale_marker(path)
    text = path.read_bytes()
    arguments = attest(path, keys)
    warnings.simplefilter("ignore", ResourceWarning)  # at the edge the object gets lost
    interrupted = edge = 0
    taken: list[crtx.Takeover] = []

    def act(taken: list[crtx.Takeover]) -> None:
        taken.append(
            crtx.takeover(
                path,
                operator_principal_id=keys.principal,
                restore_intent_blake3=DIGEST,
                durability="process-crash",
                **arguments,
            )
        )

    for _ in range(rounds):
        for entry in path.parent.iterdir():
            entry.unlink()
        path.write_bytes(text)
        interrupted += run(act, taken, within=500e-6)
        found = crtx.inspect(path)
        if taken:
            taken.pop().lock.release()
        elif found is None:
            assert crtx.list_evidence(path)[0].read_bytes() == text
        elif found.state == crtx.MarkerState.STALE:
            assert path.read_bytes() == text
        else:
            edge += 1
    return interrupted, edge


def main() -> None:
    path = Path(sys.argv[1]) / "marker"
    what, rounds = sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGALRM, interrupt)
    if what == "takeover":
        interrupted, edge = storm_of_takeovers(path, rounds)
    else:
        interrupted, edge = storm(path, globals()[what], rounds)
    print(f"{interrupted} interrupted, {edge} at the edge")


if __name__ == "__main__":
    main()
