# SPDX-License-Identifier: MIT OR Apache-2.0
"""Python's locks, measured on command: a line in (COMMAND, PATH, COUNT, tabs between), a line out
("ok" and nanoseconds). The clock is read in here, so the pipe is in no figure."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable

# The binding as it is in the checkout; isolated mode reads no PYTHONPATH.
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bindings", "python", "src"))

import filelock
import portalocker

import crtx

OWNER = {
    "deployment_id": "bench",
    "operator_principal_id": "operator:bench",
    "restore_intent_blake3": "blake3:" + "af" * 32,
}
PORTALOCKER_FLAGS = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
#: Who holds what others are refused; for as long as the process lives.
holders: dict[str, object] = {}


def filelock_cycle(path: str) -> None:
    with filelock.FileLock(path, timeout=0):
        pass


def portalocker_cycle(path: str) -> None:
    with portalocker.Lock(path, timeout=0, flags=PORTALOCKER_FLAGS):
        pass


def crtx_cycle(path: str) -> None:
    with crtx.ActiveStoreLock(path, durability="process-crash", **OWNER):
        pass


def crtx_durable_cycle(path: str) -> None:
    with crtx.ActiveStoreLock(path, **OWNER):
        pass


def filelock_refused(path: str) -> None:
    if path not in holders:
        holders[path] = held = filelock.FileLock(path)
        held.acquire()
    try:
        filelock.FileLock(path, timeout=0).acquire()
    except filelock.Timeout:
        return
    raise RuntimeError("a held lock was given")


def portalocker_refused(path: str) -> None:
    if path not in holders:
        holders[path] = held = portalocker.Lock(path, flags=PORTALOCKER_FLAGS)
        held.acquire()
    try:
        portalocker.Lock(path, timeout=0, flags=PORTALOCKER_FLAGS, fail_when_locked=True).acquire()
    except portalocker.LockException:
        return
    raise RuntimeError("a held lock was given")


COMMANDS: dict[str, Callable[[str], None]] = {
    "filelock-cycle": filelock_cycle,
    "filelock-refused": filelock_refused,
    "portalocker-cycle": portalocker_cycle,
    "portalocker-refused": portalocker_refused,
    "crtx-cycle": crtx_cycle,
    "crtx-durable-cycle": crtx_durable_cycle,
}


def versions() -> str:
    found = [("Python", platform.python_version())]
    found += [(name, importlib.metadata.version(name)) for name in ("filelock", "portalocker")]
    return " ".join(word for pair in found for word in pair)


def measure(command: str, path: str, count: str) -> str:
    work = COMMANDS[command]
    if command.endswith("-refused"):
        work(path)
    times = []
    for _ in range(int(count)):
        start = time.perf_counter_ns()
        work(path)
        times.append(time.perf_counter_ns() - start)
    return " ".join(map(str, times))


def main() -> None:
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        try:
            answer = "ok " + (versions() if words == ["versions"] else measure(*words))
        except Exception as error:
            answer = f"error {type(error).__name__}: {error}".replace("\n", " ")
        print(answer, flush=True)


if __name__ == "__main__":
    main()
