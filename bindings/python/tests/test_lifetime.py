# SPDX-License-Identifier: MIT OR Apache-2.0
"""Objects that get lost, and interpreters that end, while a lock is held: that counts as a crash."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from stores import names, new_lock, run_python

import crtx


def state(marker: Path) -> crtx.MarkerState:
    found = crtx.inspect(marker)
    return crtx.MarkerState.ABSENT if found is None else found.state


def lose(lock: crtx.ActiveStoreLock, *, in_a_cycle: bool) -> None:
    if in_a_cycle:
        lock.itself = lock  # type: ignore[attr-defined]


@pytest.mark.parametrize("in_a_cycle", [False, True])
def test_a_lost_lock_warns_once_with_its_path_and_stays_held(
    marker: Path, in_a_cycle: bool
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lose(new_lock(marker).acquire(), in_a_cycle=in_a_cycle)
        gc.collect()
        gc.collect()
    told = [str(warning.message) for warning in caught if warning.category is ResourceWarning]
    assert told == [
        f"<crtx.ActiveStoreLock {str(marker)!r}, held> was not released: the marker stays"
    ]
    assert state(marker) is crtx.MarkerState.HELD_BY_THIS_PROCESS
    with pytest.raises(crtx.MarkerExists):
        new_lock(marker).acquire()


def test_objects_that_hold_nothing_warn_of_nothing(marker: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new_lock(marker)
        new_lock(marker).acquire().release()
        with new_lock(marker):
            pass
        lock = new_lock(marker).acquire()
        marker.unlink()
        with pytest.raises(crtx.Lost):
            lock.release()
        del lock
        with pytest.raises(crtx.InvalidArgument):
            new_lock("a\0b")
        with pytest.raises(TypeError):
            crtx.ActiveStoreLock()  # type: ignore[call-arg]
        gc.collect()


def test_using_a_lock_makes_no_cycles(marker: Path) -> None:
    import asyncio

    async def use() -> None:
        async with new_lock(marker):
            for refused in (new_lock(marker).acquire_async(1e-9), new_lock(marker).acquire_async()):
                with pytest.raises((crtx.AcquireTimeout, crtx.MarkerExists)):
                    await refused

    asyncio.run(use())
    gc.collect()
    gc.disable()
    try:
        with new_lock(marker), pytest.raises(crtx.AcquireTimeout):
            new_lock(marker).acquire(timeout=1e-9)
        lost = [found for found in gc.get_objects() if isinstance(found, crtx.ActiveStoreLock)]
        assert lost == []
    finally:
        gc.enable()


def end(program: str, marker: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    setup = "import os, sys, threading\nfrom stores import new_lock\nlock = new_lock(sys.argv[1])\n"
    return run_python(setup + program, marker, flags=list(flags))


def test_a_program_that_ends_with_a_held_lock_ends_well_and_the_marker_is_stale(
    marker: Path,
) -> None:
    done = end("lock.acquire()", marker)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert state(marker) is crtx.MarkerState.STALE


def test_such_a_program_is_warned_if_it_wants_to_be(marker: Path) -> None:
    for where in ("lock.acquire()", "def f(): new_lock(sys.argv[1]).acquire()\nf()"):
        done = end(where, marker, "-W", "always")
        assert done.returncode == 0
        assert "ResourceWarning" in done.stderr
        assert str(marker) in done.stderr
        assert "Traceback" not in done.stderr
        for entry in marker.parent.iterdir():
            entry.unlink()


@pytest.mark.parametrize("flags", [[], ["-W", "error"]])
def test_exit_inside_a_block_releases(place: Path, marker: Path, flags: list[str]) -> None:
    done = end("with lock: sys.exit(3)", marker, *flags)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert names(place) == []


def test_a_hard_exit_inside_a_block_leaves_a_stale_marker(marker: Path) -> None:
    assert end("with lock: os._exit(4)", marker).returncode == 4
    assert state(marker) is crtx.MarkerState.STALE


def test_a_lock_can_be_released_as_the_interpreter_ends(place: Path, marker: Path) -> None:
    done = end("import atexit\natexit.register(lock.acquire().release)", marker, "-W", "error")
    assert (done.returncode, done.stderr) == (0, "")
    assert names(place) == []


def test_a_daemon_thread_that_waits_does_not_keep_the_program(marker: Path) -> None:
    with new_lock(marker):
        done = end(
            "threading.Thread(target=lock.acquire, args=[None], daemon=True).start()", marker
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert not marker.exists()


def test_a_daemon_thread_that_holds_leaves_a_stale_marker(marker: Path) -> None:
    done = end(
        "inside = threading.Event()\n"
        "def hold():\n"
        "    with lock:\n"
        "        inside.set()\n"
        "        threading.Event().wait()\n"
        "threading.Thread(target=hold, daemon=True).start()\n"
        "inside.wait()",
        marker,
    )
    assert done.returncode == 0
    assert state(marker) is crtx.MarkerState.STALE


def test_an_asyncio_release_as_the_interpreter_ends_needs_no_thread(
    place: Path, marker: Path
) -> None:
    """No thread can be started then, from 3.12 on."""
    done = end(
        "import asyncio, atexit\n"
        "lock.acquire()\n"
        "atexit.register(lambda: asyncio.run(lock.release_async()))",
        marker,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert names(place) == []


SUBINTERPRETERS = """
import sys
try:
    import _interpreters
    create, run = lambda: _interpreters.create("legacy"), _interpreters.exec
except ImportError:
    import _xxsubinterpreters
    create, run = lambda: _xxsubinterpreters.create(isolated=False), _xxsubinterpreters.run_string
import crtx
from stores import new_lock
lock = new_lock(sys.argv[1]).acquire()
answer = run(create(), '''
import sys
sys.path.insert(0, %r)
from stores import new_lock
import crtx
try:
    new_lock(%r).acquire()
except crtx.MarkerExists as error:
    assert error.marker_state is crtx.MarkerState.HELD_BY_THIS_PROCESS
with new_lock(%r) as lock:
    lock.check()
''' % (sys.path[0] or ".", sys.argv[1], sys.argv[2]))
lock.release()
print(answer)
"""


def test_a_subinterpreter_shares_the_process_and_not_the_lock(place: Path, marker: Path) -> None:
    done = run_python(SUBINTERPRETERS, marker, place / "other", flags=["-W", "ignore"])
    assert (done.stdout, done.stderr) == ("None\n", "")
    assert names(place) == []


def test_the_class_can_be_subclassed_and_its_objects_referred_to_weakly(marker: Path) -> None:
    import weakref

    class Mine(crtx.ActiveStoreLock):
        def __init__(self, **options: Any) -> None:
            super().__init__(marker, **options)

    lock = Mine(
        deployment_id="deployment",
        operator_principal_id="operator",
        restore_intent_blake3="blake3:" + 64 * "0",
    )
    with lock.acquire(timeout=1) as entered:
        assert weakref.ref(entered)() is lock
    assert sys.getrefcount(lock) <= 4
