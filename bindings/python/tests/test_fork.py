# SPDX-License-Identifier: MIT OR Apache-2.0
"""A forked child has no part in its parent's lock."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from children import in_a_child
from stores import new_lock, run_python

import crtx

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def refusals(lock: crtx.ActiveStoreLock) -> dict[str, str]:
    """What each use of the object raises."""
    uses: dict[str, Any] = {
        "check": lock.check,
        "leak": lock.leak,
        "release": lock.release,
        "acquire": lock.acquire,
        "acquire with a timeout": lambda: lock.acquire(timeout=60),
        "enter": lock.__enter__,
        "marker": lambda: lock.marker,
        "marker_path": lambda: lock.marker_path,
        "companion_path": lambda: lock.companion_path,
    }
    raised = {}
    for name, use in uses.items():
        try:
            use()
            raised[name] = "nothing"
        except crtx.CrtxError as error:
            raised[name] = error.name
    return raised


@pytest.mark.parametrize("entered", [True, False])
def test_an_inherited_lock_refuses_everything_and_the_parents_is_untouched(
    marker: Path, entered: bool
) -> None:
    lock = new_lock(marker)
    if entered:
        lock.__enter__()
    else:
        lock.acquire()
    raised = in_a_child(lambda: refusals(lock))
    assert set(raised.values()) == {"CRTX_E_FORKED"}
    lock.check()
    lock.release()
    assert not marker.exists()


def test_an_inherited_lock_refuses_in_asyncio_too(marker: Path) -> None:
    import asyncio

    lock = new_lock(marker).acquire()
    for use in (lock.acquire_async, lock.release_async, lock.__aenter__):
        outcome = in_a_child(lambda use=use: asyncio.run(use()))  # type: ignore[misc]
        assert isinstance(outcome, crtx.Forked), use
    lock.release()


def test_an_inherited_lock_is_not_held_and_says_so(marker: Path) -> None:
    lock = new_lock(marker).acquire()
    assert in_a_child(lambda: (lock.held, repr(lock))) == (
        False,
        f"<crtx.ActiveStoreLock {str(marker)!r}>",
    )
    assert lock.held
    lock.release()


def test_an_inherited_lock_stays_forked_after_the_parents_release(marker: Path) -> None:
    lock = new_lock(marker).acquire()
    to_child, to_parent = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.read(to_child[0], 1)
            if set(refusals(lock).values()) == {"CRTX_E_FORKED"}:
                # But anybody may make an object of his own.
                new_lock(marker).acquire().release()
                code = 0
        finally:
            os._exit(code)
    lock.release()
    os.write(to_child[1], b"x")
    assert os.waitpid(pid, 0)[1] == 0
    for end in (*to_child, *to_parent):
        os.close(end)


def test_an_object_that_held_nothing_can_be_used_by_the_child(marker: Path) -> None:
    lock = new_lock(marker)

    def use() -> int:
        with lock:
            return lock.marker.pid

    assert in_a_child(use) != os.getpid()
    lock.acquire().release()


def test_the_child_can_lock_another_path_and_sees_the_parents_as_held(
    place: Path, marker: Path
) -> None:
    def use() -> tuple[Any, Any]:
        with new_lock(place / "other"):
            found = crtx.inspect(marker)
            assert found is not None
            return found.state, found.pid

    with new_lock(marker):
        assert in_a_child(use) == (crtx.MarkerState.HELD, os.getpid())


@pytest.mark.parametrize("on_error", ["release", "leak"])
def test_a_child_that_exits_inside_the_block_exits_as_it_wants(marker: Path, on_error: str) -> None:
    program = """
import os, sys
from stores import new_lock
with new_lock(sys.argv[1], on_error=sys.argv[2]) as lock:
    pid = os.fork()
    if pid == 0:
        sys.exit(7)
    print(os.waitpid(pid, 0)[1] >> 8)
    lock.check()
"""
    done = run_python(program, marker, on_error, flags=["-W", "error"])
    assert (done.stdout, done.stderr) == ("7\n", "")
    assert not marker.exists()


def test_a_child_that_runs_on_past_the_block_is_told(marker: Path) -> None:
    program = """
import os, sys
from stores import new_lock
with new_lock(sys.argv[1]) as lock:
    pid = os.fork()
if pid == 0:
    sys.exit(0)
print(os.waitpid(pid, 0)[1] >> 8)
"""
    done = run_python(program, marker, flags=["-W", "error"])
    assert done.stdout == "1\n"
    assert "crtx.errors.Forked" in done.stderr
    assert not marker.exists()


def test_a_child_that_loses_the_object_warns_of_nothing(marker: Path) -> None:
    program = """
import gc, os, sys
from stores import new_lock
lock = new_lock(sys.argv[1]).acquire()
if os.fork() == 0:
    del lock
    gc.collect()
    sys.exit(0)
os.wait()
lock.release()
"""
    done = run_python(program, marker, flags=["-W", "always"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def child_of_multiprocessing(path: str, results: Any) -> None:
    with new_lock(path) as lock:
        results.put(lock.marker.pid)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_multiprocessing_lock_for_themselves(marker: Path, method: str) -> None:
    program = f"""
import multiprocessing, sys
import crtx
from stores import new_lock
from test_fork import child_of_multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    results = context.Queue()
    process = context.Process(target=child_of_multiprocessing, args=[sys.argv[1], results])
    process.start()
    assert results.get() == process.pid
    process.join()
    assert process.exitcode == 0
    with new_lock(sys.argv[1]):
        process = context.Process(target=child_of_multiprocessing, args=[sys.argv[1], results])
        process.start()
        process.join()
        assert process.exitcode == 1
    print("done")
"""
    done = run_python(program, marker, flags=["-W", "error"])
    assert done.stdout == "done\n", done.stderr
    assert "crtx.errors.MarkerExists" in done.stderr
    assert not marker.exists()


def test_an_exception_gets_from_a_process_pool_to_the_parent(marker: Path) -> None:
    with new_lock(marker):
        error = in_a_child(
            lambda: crtx.MarkerExists("again", status=20, marker=crtx.inspect(marker))
        )
    assert isinstance(error, crtx.MarkerExists)
    assert error.marker is not None
    assert error.marker.state is crtx.MarkerState.HELD


def test_a_lock_cannot_be_sent_to_another_process(marker: Path) -> None:
    with new_lock(marker) as lock, pytest.raises(TypeError):
        pickle.dumps(lock)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not promise it")
def test_forking_while_other_threads_lock_neither_hangs_nor_breaks_their_locks(
    place: Path,
) -> None:
    program = """
import os, sys, threading
import crtx
from stores import new_lock
place = sys.argv[1]
over = threading.Event()
wrong = []
def work(number):
    lock = new_lock(f"{place}/own-{number}")
    try:
        while not over.is_set():
            with lock:
                lock.check()
    except BaseException as error:
        wrong.append(error)
shared = new_lock(f"{place}/shared")
def share():
    try:
        while not over.is_set():
            with shared.acquire(timeout=60, poll_interval=0.0005):
                shared.check()
    except BaseException as error:
        wrong.append(error)
threads = [threading.Thread(target=work, args=[n]) for n in range(3)]
threads += [threading.Thread(target=share) for _ in range(3)]
for thread in threads: thread.start()
for turn in range(150):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with new_lock(f"{place}/child-{turn}") as lock:
                lock.check()
            shared.held
            repr(shared)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        wrong.append(turn)
over.set()
for thread in threads: thread.join()
print(wrong, os.listdir(place))
"""
    # 3.12 and later warn of fork in a program with threads, and are right in general.
    done = run_python(program, place, flags=["-W", "ignore::DeprecationWarning"], timeout=120)
    assert (done.stdout, done.stderr) == ("[] []\n", "")
