# SPDX-License-Identifier: MIT OR Apache-2.0
"""asyncio cancels: whenever it does, no lock stays behind that nobody knows."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from stores import Holder, names, new_lock, run_python
from test_asyncio import run

import crtx
from crtx._acquirer import Acquirer


class SlowTries:
    """Holds each try back, before or after C, until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self.before_c = False

    def attempt(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*arguments: Any) -> Any:
            if not self.before_c:
                result = real(*arguments)
            self.reached.set()
            assert self.let_go.wait(30)
            return real(*arguments) if self.before_c else result

        return slow


@pytest.fixture(params=["before the call into C", "after the call into C"])
def slow(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[SlowTries]:
    tries = SlowTries()
    tries.before_c = request.param.startswith("before")
    monkeypatch.setattr(Acquirer, "_attempt", tries.attempt(Acquirer._attempt))
    yield tries
    tries.let_go.set()


def slow_release(
    lock: crtx.ActiveStoreLock, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event]:
    """Holds the release back. Returns the events that it was reached, and that it may go on."""
    reached, let_go = threading.Event(), threading.Event()
    real = lock._release

    def slow(holding: Any) -> None:
        reached.set()
        assert let_go.wait(30)
        real(holding)

    monkeypatch.setattr(lock, "_release", slow)
    return reached, let_go


async def until(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("way", ["acquire_async", "__aenter__"])
def test_a_cancellation_during_a_try_waits_for_it_and_gives_back_what_it_got(
    place: Path, marker: Path, slow: SlowTries, way: str, times: int
) -> None:
    lock = new_lock(marker)

    async def main() -> None:
        task = asyncio.ensure_future(getattr(lock, way)())
        await until(slow.reached)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        slow.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not lock.held
        assert names(place) == []

    run(main())


@pytest.mark.parametrize("way", ["acquire_async", "__aenter__"])
def test_a_loop_that_dies_during_a_try_leaves_nothing(
    place: Path, marker: Path, slow: SlowTries, way: str
) -> None:
    lock = new_lock(marker)
    coroutine = getattr(lock, way)()
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    loop.run_until_complete(until(slow.reached))
    # As a program does that has no time: the coroutine is closed, and the try goes on.
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    coroutine.close()
    del task
    loop.close()
    slow.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "crtx":
            thread.join()
    gc.collect()
    assert not lock.held
    assert names(place) == []


def test_a_cancellation_during_the_pause_ends_the_wait_at_once(
    marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pausing = threading.Event()
    pause_after = Acquirer._pause_after

    def pause(*arguments: Any) -> float:
        pausing.set()
        return pause_after(*arguments)

    monkeypatch.setattr(Acquirer, "_pause_after", pause)

    async def main() -> None:
        with new_lock(marker) as holder:
            task = asyncio.ensure_future(new_lock(marker).acquire_async(None, 3600))
            await until(pausing)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            holder.check()

    run(main())


@pytest.mark.parametrize("after", [0, 0.0001, 0.0003, 0.001, 0.003, 0.01])
def test_wait_for_either_returns_the_lock_or_leaves_nothing(
    place: Path, marker: Path, after: float
) -> None:
    async def main() -> None:
        for _ in range(20):
            lock = new_lock(marker)
            try:
                await asyncio.wait_for(lock.acquire_async(), after)
                assert lock.held
            except asyncio.TimeoutError:
                assert not lock.held
            if lock.held:
                await lock.release_async()
            assert names(place) == []

    run(main())


def test_cancellations_at_random_moments_leave_nothing(place: Path, marker: Path) -> None:
    async def hold(lock: crtx.ActiveStoreLock) -> None:
        async with lock:
            await asyncio.sleep(0.001)

    async def main() -> None:
        for turn in range(150):
            lock = new_lock(marker)
            task = asyncio.ensure_future(hold(lock))
            await asyncio.sleep(turn * 0.00002)
            task.cancel()
            if turn % 3 == 0:
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.wait([task])
            assert not lock.held
            assert names(place) == []

    run(main())


@pytest.mark.parametrize("on_error", ["release", "leak"])
def test_a_cancelled_block_releases_or_leaks_as_the_lock_was_told(
    marker: Path, on_error: str
) -> None:
    async def hold(entered: asyncio.Event) -> None:
        async with new_lock(marker, on_error=on_error):
            entered.set()
            await asyncio.sleep(3600)

    async def main() -> None:
        entered = asyncio.Event()
        task = asyncio.ensure_future(hold(entered))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    found = crtx.inspect(marker)
    assert (found is not None and found.state) == (
        crtx.MarkerState.STALE if on_error == "leak" else False
    )


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("way", ["release_async", "__aexit__"])
def test_a_cancellation_during_the_release_is_raised_after_it(
    place: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, way: str, times: int
) -> None:
    lock = new_lock(marker)
    reached, let_go = slow_release(lock, monkeypatch)

    async def work() -> None:
        if way == "release_async":
            await lock.acquire_async()
            await lock.release_async()
        else:
            async with lock:
                pass

    async def main() -> None:
        task = asyncio.ensure_future(work())
        await until(reached)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        assert marker.exists()
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not lock.held
        assert names(place) == []

    run(main())


def test_a_release_that_fails_while_it_is_cancelled_is_the_cause_of_the_cancellation(
    marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = new_lock(marker)
    reached, let_go = slow_release(lock, monkeypatch)

    async def main() -> None:
        await lock.acquire_async()
        marker.unlink()
        task = asyncio.ensure_future(lock.release_async())
        await until(reached)
        task.cancel()
        await asyncio.sleep(0)
        let_go.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        error: BaseException | None = caught.value
        # Old versions raise another one to whoever awaits the task, with the first as its context.
        while error is not None and not isinstance(error, crtx.Lost):
            error = error.__cause__ or error.__context__
        assert isinstance(error, crtx.Lost)

    run(main())


def test_the_end_of_the_loop_cancels_a_wait_and_releases_what_is_held(
    place: Path, marker: Path
) -> None:
    held = new_lock(place / "held")

    async def hold() -> None:
        async with held:
            await asyncio.sleep(3600)

    async def main() -> None:
        tasks: list[Any] = [asyncio.ensure_future(hold())]
        while not held.held:
            await asyncio.sleep(0.001)
        tasks += [
            asyncio.ensure_future(new_lock(path).acquire_async(None, 0.001))
            for path in [place / "held"] * 5
        ]
        await asyncio.sleep(0.01)
        # asyncio.run cancels what is still there.

    run(main())
    assert not held.held
    assert names(place) == []


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_wake_up_that_a_signal_handler_swallowed_does_not_stop_the_loop_for_ever(
    marker: Path, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    """It raises in the loop's own code, and what the loop was about to do is lost."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        lock = new_lock(marker).acquire()
        reached, let_go = slow_release(lock, monkeypatch)
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_: None)
        task = asyncio.ensure_future(lock.release_async())
        await until(reached)
        let_go.set()
        while marker.exists():
            await asyncio.sleep(0.001)
        if cancelled:
            task.cancel()
        await asyncio.wait([task])
        monkeypatch.undo()
        assert not lock.held

    run(main())


CTRL_C = """
import asyncio, sys, threading
from stores import new_lock
lock = new_lock(sys.argv[1])
async def main():
    if sys.argv[2] == "hold":
        async with lock:
            print("ready", flush=True)
            await asyncio.sleep(3600)
    print("ready", flush=True)
    await lock.acquire_async(None, 0.001)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print(lock.held)
"""


@pytest.mark.parametrize("what", ["hold", "wait"])
@pytest.mark.parametrize("signals", [1, 2, 5])
def test_ctrl_c_in_asyncio_run_leaves_nothing(
    place: Path, marker: Path, what: str, signals: int
) -> None:
    import subprocess
    import sys

    from stores import TESTS

    holder = Holder(marker) if what == "wait" else None
    running = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CTRL_C, marker, what],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    for _ in range(signals):
        time.sleep(0.002)
        running.send_signal(signal.SIGINT)
    try:
        output, errors = running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        # A second signal can hit asyncio.run's own cleanup, which then waits for ever.
        running.kill()
        running.communicate()
        assert signals > 1
    if signals == 1:
        assert (output, errors) == ("False\n", "")
    if holder is not None:
        holder.go()
    found = crtx.inspect(marker)
    # Later signals may come while the first one is handled: then it counts as a crash.
    assert found is None or (signals > 1 and found.state is crtx.MarkerState.STALE)


def test_a_coroutine_that_is_never_awaited_has_done_nothing(place: Path, marker: Path) -> None:
    lock = new_lock(marker)
    coroutines = [lock.acquire_async()]
    with pytest.warns(RuntimeWarning, match="never awaited"):
        coroutines.clear()
    assert names(place) == []


def test_a_closed_loop_during_a_wait_prints_nothing(marker: Path) -> None:
    program = """
import asyncio, sys
from stores import new_lock
loop = asyncio.new_event_loop()
task = loop.create_task(new_lock(sys.argv[1]).acquire_async(None, 0.0001))
loop.run_until_complete(asyncio.sleep(0.02))
task._log_destroy_pending = False
loop.close()
"""
    with new_lock(marker):
        done = run_python(program, marker)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert crtx.inspect(marker) is None
