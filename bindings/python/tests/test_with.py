# SPDX-License-Identifier: MIT OR Apache-2.0
"""Locks as context managers: who may enter, and what leaving does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from stores import names, new_lock

import crtx


def in_a_thread(function: Any) -> Any:
    """What the function returns or raises in another thread."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def state(marker: Path) -> crtx.MarkerState:
    found = crtx.inspect(marker)
    return crtx.MarkerState.ABSENT if found is None else found.state


def test_with_holds_the_lock_inside_and_not_after(place: Path, marker: Path) -> None:
    lock = new_lock(marker)
    with lock as entered:
        assert entered is lock
        lock.check()
    assert names(place) == []


def test_with_enters_what_the_same_thread_has_acquired(place: Path, marker: Path) -> None:
    with new_lock(marker).acquire(timeout=5) as lock:
        lock.check()
    assert names(place) == []
    lock.acquire()
    with lock:
        lock.check()
    assert names(place) == []


def test_the_lock_is_not_reentrant(marker: Path) -> None:
    lock = new_lock(marker)
    with lock:
        with pytest.raises(crtx.MarkerExists):
            lock.__enter__()
        with pytest.raises(crtx.MarkerExists):
            lock.acquire()
        lock.check()
    with lock.acquire(), pytest.raises(crtx.MarkerExists):
        lock.__enter__()
    assert state(marker) is crtx.MarkerState.ABSENT


def test_with_tries_once(marker: Path) -> None:
    with new_lock(marker), pytest.raises(crtx.MarkerExists):
        new_lock(marker).__enter__()


def test_another_thread_cannot_enter_what_this_one_has_acquired(marker: Path) -> None:
    lock = new_lock(marker).acquire()
    assert isinstance(in_a_thread(lock.__enter__), crtx.MarkerExists)
    lock.check()
    lock.release()


def test_a_thread_with_a_dead_threads_identifier_cannot_enter_its_lock(marker: Path) -> None:
    lock = new_lock(marker)
    idents = []

    def acquire() -> None:
        idents.append(threading.get_ident())
        lock.acquire()

    in_a_thread(acquire)
    # Identifiers are used again at once, usually.
    for _ in range(100):
        idents.append(in_a_thread(threading.get_ident))
        assert isinstance(in_a_thread(lock.__enter__), crtx.MarkerExists)
    assert idents[0] in idents[1:]
    lock.release()


def test_any_thread_may_release(place: Path, marker: Path) -> None:
    lock = new_lock(marker).acquire()
    assert in_a_thread(lock.release) is None
    assert not lock.held
    assert names(place) == []


@pytest.mark.parametrize(
    ("on_error", "after"),
    [("release", crtx.MarkerState.ABSENT), ("leak", crtx.MarkerState.STALE)],
)
@pytest.mark.parametrize("error", [KeyError, SystemExit, KeyboardInterrupt])
def test_an_exception_releases_or_leaks_as_the_lock_was_told(
    marker: Path, on_error: str, after: crtx.MarkerState, error: type[BaseException]
) -> None:
    lock = new_lock(marker, on_error=on_error)
    with pytest.raises(error), lock:
        raise error
    assert not lock.held
    assert state(marker) is after


def test_leaving_without_an_exception_releases_even_if_errors_leak(marker: Path) -> None:
    with new_lock(marker, on_error="leak"):
        pass
    assert state(marker) is crtx.MarkerState.ABSENT


def test_leak_inside_keeps_the_marker_without_an_exception(marker: Path) -> None:
    with new_lock(marker) as lock:
        lock.leak()
    assert state(marker) is crtx.MarkerState.STALE


def test_a_block_that_has_released_early_leaves_quietly(marker: Path) -> None:
    with new_lock(marker) as lock:
        lock.release()

    def fail_after_the_release() -> None:
        with new_lock(marker, on_error="leak") as lock:
            lock.release()
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_the_release()
    assert state(marker) is crtx.MarkerState.ABSENT


def test_a_block_releases_what_it_has_acquired_again_inside(place: Path, marker: Path) -> None:
    with new_lock(marker) as lock:
        lock.release()
        lock.acquire()
    assert not lock.held
    assert names(place) == []


def test_a_block_that_has_released_early_leaves_alone_what_another_thread_has_acquired(
    marker: Path,
) -> None:
    lock = new_lock(marker)
    with lock:
        lock.release()
        in_a_thread(lock.acquire)
    lock.check()
    lock.release()
    with lock:
        lock.release()
        in_a_thread(lock.__enter__)
    lock.check()
    lock.release()


def test_a_generator_with_a_block_may_be_closed_by_another_thread(
    place: Path, marker: Path
) -> None:
    def holding() -> Any:
        with new_lock(marker) as lock:
            yield lock

    generator = holding()
    lock = next(generator)
    assert lock.held
    assert in_a_thread(generator.close) is None
    assert not lock.held
    assert names(place) == []


def test_a_block_whose_lock_was_lost_says_so_as_it_is_left(marker: Path) -> None:
    lock = new_lock(marker)
    with pytest.raises(crtx.Lost), lock:
        marker.unlink()
    assert not lock.held


def test_an_exception_in_the_block_stays_visible_when_the_lock_is_lost_too(marker: Path) -> None:
    def fail_after_the_loss() -> None:
        with new_lock(marker):
            marker.unlink()
            raise KeyError("the cause")

    with pytest.raises(crtx.Lost) as caught:
        fail_after_the_loss()
    assert isinstance(caught.value.__context__, KeyError)


def test_leaving_a_block_swallows_no_exception(marker: Path) -> None:
    lock = new_lock(marker).__enter__()
    assert lock.__exit__(KeyError, KeyError(), None) is None  # type: ignore[func-returns-value]
