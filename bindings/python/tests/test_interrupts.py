# SPDX-License-Identifier: MIT OR Apache-2.0
"""An exception that comes from nowhere, as Ctrl-C does, at each point in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from interrupts import everywhere
from stores import Keys, attest, leave_a_stale_marker, names, new_lock, take_over

import crtx

# Python looks for signals before the first line of a function, where nothing of ours can catch: of a
# `with` block's own two it is the only point where a lock may stay behind. It is still `held`.
AT_THE_EDGE_OF_A_BLOCK = (["begin __enter__"], ["begin __exit__"])


def is_free(lock: crtx.ActiveStoreLock, directory: Path) -> bool:
    return not lock.held and names(directory) == []


def assert_held_and_releasable(lock: crtx.ActiveStoreLock, directory: Path) -> None:
    assert lock.held
    lock.check()
    lock.release()
    assert is_free(lock, directory)


def acquire(lock: crtx.ActiveStoreLock) -> crtx.ActiveStoreLock:
    return lock.acquire()


def wait_and_acquire(lock: crtx.ActiveStoreLock) -> crtx.ActiveStoreLock:
    return lock.acquire(timeout=5)


def time_out(lock: crtx.ActiveStoreLock) -> None:
    with pytest.raises(crtx.AcquireTimeout):
        lock.acquire(timeout=1e-9)


def enter(lock: crtx.ActiveStoreLock) -> None:
    with lock:
        pass


def wait_and_enter(lock: crtx.ActiveStoreLock) -> None:
    with lock.acquire(timeout=5):
        pass


def leave_by_an_exception(lock: crtx.ActiveStoreLock) -> None:
    try:
        with lock:
            raise KeyError
    except KeyError:
        pass


@pytest.mark.parametrize("second", [0, 1, 2, 3])
@pytest.mark.parametrize("act", [acquire, wait_and_acquire])
def test_an_interrupted_acquire_holds_nothing_even_if_the_cleanup_is_interrupted(
    place: Path, marker: Path, act: Any, second: int
) -> None:
    interrupted = 0
    for lock, places in everywhere(lambda: new_lock(marker), act, after_the_first=second):
        assert is_free(lock, place), places
        interrupted += 1
    assert interrupted > 10


@pytest.mark.parametrize("act", [enter, wait_and_enter, leave_by_an_exception])
def test_an_interrupted_with_block_holds_nothing_but_at_its_very_edge(
    place: Path, marker: Path, act: Any
) -> None:
    at_the_edge = []
    for lock, places in everywhere(lambda: new_lock(marker), act):
        if places in AT_THE_EDGE_OF_A_BLOCK and lock.held:
            at_the_edge += places
            assert_held_and_releasable(lock, place)
        assert is_free(lock, place), places
    assert at_the_edge.count("begin __exit__") == 1
    assert at_the_edge.count("begin __enter__") == (1 if act is wait_and_enter else 0)


@pytest.mark.parametrize("second", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("act", [enter, wait_and_enter, leave_by_an_exception])
def test_a_with_block_interrupted_twice_never_leaves_a_marker_that_its_object_does_not_know(
    place: Path, marker: Path, act: Any, second: int
) -> None:
    for lock, _ in everywhere(lambda: new_lock(marker), act, after_the_first=second):
        if not is_free(lock, place):
            assert_held_and_releasable(lock, place)


@pytest.mark.parametrize("second", [0, 1, 2, 3])
def test_an_interrupted_release_has_released_or_can_be_repeated(
    place: Path, marker: Path, second: int
) -> None:
    outcomes = set()
    for lock, _ in everywhere(
        lambda: new_lock(marker).acquire(), lambda lock: lock.release(), after_the_first=second
    ):
        outcomes.add(lock.held)
        if lock.held:
            assert_held_and_releasable(lock, place)
        assert is_free(lock, place)
    assert outcomes == {True, False}


def test_an_interrupted_leak_leaves_the_block_with_the_marker_kept(
    place: Path, marker: Path, keys: Keys
) -> None:
    def prepare() -> crtx.ActiveStoreLock:
        for entry in place.iterdir():
            entry.unlink()
        return new_lock(marker, on_error="leak")

    kept = 0
    for lock, places in everywhere(prepare, leave_by_an_exception):
        if places in AT_THE_EDGE_OF_A_BLOCK and lock.held:
            assert_held_and_releasable(lock, place)
        elif names(place):
            assert not lock.held
            found = crtx.inspect(marker)
            assert found is not None
            assert found.state == crtx.MarkerState.STALE
            kept += 1
    assert kept > 10


@pytest.mark.parametrize("second", [0, 1, 2, 3])
def test_an_interrupted_takeover_holds_nothing_and_the_old_marker_is_never_lost(
    place: Path, marker: Path, keys: Keys, second: int
) -> None:
    leave_a_stale_marker(marker)
    text = marker.read_bytes()
    arguments = attest(marker, keys)

    def prepare() -> None:
        for entry in place.iterdir():
            entry.unlink()
        marker.write_bytes(text)

    moved = 0
    for _, places in everywhere(
        prepare, lambda _: take_over(marker, keys, **arguments).lock, after_the_first=second
    ):
        stale = crtx.list_evidence(marker)
        if stale:
            moved += 1
            assert stale[0].read_bytes() == text
            assert crtx.inspect(marker) is None, places
        else:
            found = crtx.inspect(marker)
            assert found is not None
            assert found.state == crtx.MarkerState.STALE, places
    assert moved > 3


@pytest.mark.parametrize("second", [0, 1])
def test_an_interrupt_while_waiting_for_a_holder_leaves_the_holder_alone(
    place: Path, marker: Path, second: int
) -> None:
    with new_lock(marker) as holder:
        before = marker.read_bytes()
        for lock, places in everywhere(
            lambda: new_lock(marker),
            time_out,
            after_the_first=second,
        ):
            assert not lock.held, places
        holder.check()
        assert marker.read_bytes() == before
