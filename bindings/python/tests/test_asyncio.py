# SPDX-License-Identifier: MIT OR Apache-2.0
"""Locks in asyncio: what a program uses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from stores import Holder, Keys, leave_a_stale_marker, names, new_lock, take_over

import crtx


def run(main: Coroutine[Any, Any, Any]) -> Any:
    # Debug mode tells of coroutines that were never awaited, and of calls from wrong threads.
    return asyncio.run(main, debug=True)


def test_async_with_holds_the_lock_inside_and_not_after(place: Path, marker: Path) -> None:
    async def main() -> None:
        lock = new_lock(marker)
        async with lock as entered:
            assert entered is lock
            lock.check()
            assert marker.exists()
        assert not lock.held
        assert await lock.acquire_async() is lock
        await lock.release_async()

    run(main())
    assert names(place) == []


def test_the_event_loop_runs_on_while_one_waits(marker: Path) -> None:
    async def main() -> int:
        turns = 0
        holder = new_lock(marker).acquire()
        waiting = asyncio.ensure_future(new_lock(marker).acquire_async(None, 0.001))
        while not waiting.done():
            await asyncio.sleep(0)
            turns += 1
            if turns == 200:
                holder.release()
        (await waiting).release()
        return turns

    assert run(main()) >= 200


@pytest.mark.parametrize("objects", ["one", "many"])
def test_of_many_tasks_one_is_inside(place: Path, marker: Path, objects: str) -> None:
    inside = entries = 0
    one = new_lock(marker)

    async def turn() -> None:
        nonlocal inside, entries
        lock = one if objects == "one" else new_lock(marker)
        for _ in range(5):
            await lock.acquire_async(timeout=60, poll_interval=0.0005)
            async with lock:
                inside += 1
                assert inside == 1
                entries += 1
                await asyncio.sleep(0.0005)
                inside -= 1

    async def main() -> None:
        await asyncio.gather(*[turn() for _ in range(8)])

    run(main())
    assert entries == 40
    assert names(place) == []


def test_async_with_enters_what_its_own_task_has_acquired(place: Path, marker: Path) -> None:
    async def main() -> None:
        lock = new_lock(marker)
        async with await lock.acquire_async(timeout=5):
            lock.check()
        # On old versions wait_for makes a task of it.
        await asyncio.wait_for(lock.acquire_async(timeout=5), 10)
        async with lock:
            lock.check()
        await asyncio.ensure_future(lock.acquire_async())
        with lock:
            lock.check()

    run(main())
    assert names(place) == []


def test_another_task_cannot_enter_what_this_one_has_acquired(marker: Path) -> None:
    async def main() -> None:
        lock = new_lock(marker)
        await lock.acquire_async()

        async def enter() -> None:
            async with lock:
                pass

        with pytest.raises(crtx.MarkerExists):
            await asyncio.ensure_future(enter())
        lock.check()
        await lock.release_async()

    run(main())


def test_a_takeover_in_a_worker_thread_can_be_entered_by_whoever_gets_it(
    marker: Path, keys: Keys
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        taken = await loop.run_in_executor(None, lambda: take_over(marker, keys))
        async with taken.lock as lock:
            lock.check()
            with pytest.raises(crtx.MarkerExists):
                lock.__enter__()

    leave_a_stale_marker(marker)
    run(main())
    assert not marker.exists()


def test_it_is_not_reentrant(marker: Path) -> None:
    async def main() -> None:
        lock = new_lock(marker)
        async with lock:
            for again in (lock.__aenter__, lock.acquire_async):
                with pytest.raises(crtx.MarkerExists):
                    await again()
            lock.check()

    run(main())


@pytest.mark.parametrize("on_error", ["release", "leak"])
def test_an_exception_releases_or_leaks_as_the_lock_was_told(marker: Path, on_error: str) -> None:
    async def main() -> None:
        async with new_lock(marker, on_error=on_error):
            raise KeyError

    with pytest.raises(KeyError):
        run(main())
    found = crtx.inspect(marker)
    assert (found is not None and found.state) == (
        crtx.MarkerState.STALE if on_error == "leak" else False
    )


def test_a_timeout_carries_the_last_refusal(marker: Path) -> None:
    holder = Holder(marker)

    async def main() -> None:
        with pytest.raises(crtx.AcquireTimeout) as caught:
            await new_lock(marker).acquire_async(timeout=0.02, poll_interval=0.005)
        assert caught.value.marker is not None
        assert caught.value.marker.pid == holder.pid
        assert isinstance(caught.value.__cause__, crtx.MarkerExists)
        with pytest.raises(crtx.MarkerExists):
            await new_lock(marker).acquire_async()

    run(main())
    holder.go()


def test_a_stale_marker_is_not_waited_for(marker: Path) -> None:
    leave_a_stale_marker(marker)
    with pytest.raises(crtx.MarkerExists) as caught:
        run(new_lock(marker).acquire_async(timeout=None))
    assert caught.value.marker_state is crtx.MarkerState.STALE


def test_arguments_are_refused_as_in_acquire(marker: Path) -> None:
    for wrong in (-1, float("nan")):
        with pytest.raises(crtx.InvalidArgument):
            run(new_lock(marker).acquire_async(timeout=wrong))
    with pytest.raises(TypeError):
        run(new_lock(marker).acquire_async(timeout="5"))  # type: ignore[arg-type]


def test_a_lock_that_was_lost_says_so_as_the_block_is_left(marker: Path) -> None:
    lock = new_lock(marker)

    async def main() -> None:
        async with lock:
            marker.unlink()

    with pytest.raises(crtx.Lost):
        run(main())
    assert not lock.held


def test_a_full_executor_does_not_delay_a_release(place: Path, marker: Path) -> None:
    """It may be full of calls that wait for this very lock."""
    lock = new_lock(marker)

    def wait_for_it() -> None:
        new_lock(marker).acquire(timeout=None, poll_interval=0.001).release()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with lock:
            waiting = [loop.run_in_executor(None, wait_for_it) for _ in range(40)]
            await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)

    run(main())
    assert names(place) == []


def test_no_thread_is_left_behind(marker: Path) -> None:
    async def main() -> None:
        async with new_lock(marker):
            with pytest.raises(crtx.AcquireTimeout):
                await new_lock(marker).acquire_async(timeout=0.01, poll_interval=0.001)

    run(main())
    for thread in threading.enumerate():
        if thread.name == "crtx":
            thread.join()
    assert threading.active_count() == 1
