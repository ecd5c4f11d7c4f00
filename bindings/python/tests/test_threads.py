# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many threads, on one object and on many."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Callable

import pytest
from stores import names, new_lock

import crtx


def run_all(functions: list[Callable[[], Any]]) -> None:
    """Each in a thread of its own, all at once; raises what one of them raises."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], Any]) -> None:
        try:
            start.wait()
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Inside:
    """Counts who is inside; two at once are an error."""

    def __init__(self) -> None:
        self._someone = threading.Lock()
        self.entries = 0

    def __enter__(self) -> None:
        assert self._someone.acquire(blocking=False), "two holders"
        self.entries += 1

    def __exit__(self, *_: object) -> None:
        self._someone.release()


def by_acquire(lock: crtx.ActiveStoreLock, inside: Inside) -> None:
    lock.acquire(timeout=60, poll_interval=0.0005)
    with inside:
        assert lock.held
        lock.check()
        lock.marker  # noqa: B018
        lock.marker_path  # noqa: B018
    lock.release()


def by_with(lock: crtx.ActiveStoreLock, inside: Inside) -> None:
    with lock.acquire(timeout=60, poll_interval=0.0005), inside:
        lock.check()


@pytest.mark.parametrize("turn", [by_acquire, by_with])
@pytest.mark.parametrize("shared", [True, False])
def test_of_ten_threads_one_is_inside(place: Path, marker: Path, turn: Any, shared: bool) -> None:
    one, inside = new_lock(marker), Inside()

    def work() -> None:
        lock = one if shared else new_lock(marker)
        for _ in range(15):
            turn(lock, inside)

    run_all([work] * 10)
    assert inside.entries == 150
    assert not one.held
    assert names(place) == []


def test_an_error_names_the_path_of_its_own_thread(place: Path) -> None:
    def hold_and_ask(path: Path) -> None:
        with new_lock(path, host=path.name):
            for _ in range(20):
                with pytest.raises(crtx.MarkerExists) as caught:
                    new_lock(path).acquire()
                assert caught.value.path == str(path)
                assert f'"{path}"' in caught.value.message
                assert caught.value.marker is not None
                assert caught.value.marker.host == path.name

    paths = [place / f"marker-{number}" for number in range(32)]
    run_all([lambda path=path: hold_and_ask(path) for path in paths])  # type: ignore[misc]
    assert names(place) == []


def test_of_racing_releases_one_wins_and_the_others_are_bad_handles(marker: Path) -> None:
    for _ in range(30):
        lock = new_lock(marker).acquire()
        outcomes: list[str] = []

        def release(lock: crtx.ActiveStoreLock = lock, outcomes: list[str] = outcomes) -> None:
            try:
                lock.release()
                outcomes.append("released")
            except crtx.BadHandle:
                outcomes.append("bad handle")

        run_all([release] * 4)
        assert sorted(outcomes) == ["bad handle"] * 3 + ["released"]


def test_threads_may_use_one_object_in_every_way_at_once(place: Path, marker: Path) -> None:
    lock = new_lock(marker)
    over = threading.Event()

    def hold() -> None:
        for _ in range(100):
            lock.acquire(timeout=60, poll_interval=0.0005)
            lock.release()
        over.set()

    def look() -> None:
        while not over.is_set():
            lock.held  # noqa: B018
            repr(lock)
            for question in (lock.check, lambda: lock.marker, lambda: lock.companion_path):
                try:
                    question()
                except crtx.BadHandle:
                    pass

    run_all([hold, look, look, look])
    assert names(place) == []
