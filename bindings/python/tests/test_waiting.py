# SPDX-License-Identifier: MIT OR Apache-2.0
"""Waiting for a holder: what ends it, and what it says then."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from stores import Holder, leave_a_stale_marker, new_lock

import crtx


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Each pause, which then takes no time; the clock goes on by as much."""
    paused: list[float] = []
    start = time.monotonic()
    monkeypatch.setattr(time, "sleep", paused.append)
    monkeypatch.setattr(time, "monotonic", lambda: start + sum(paused))
    return paused


def test_a_free_lock_is_acquired_without_a_pause(marker: Path, sleeps: list[float]) -> None:
    for timeout in (0, 0.0, 5, None, float("inf")):
        new_lock(marker).acquire(timeout).release()
    assert sleeps == []


def test_it_tries_until_the_holder_goes(marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = new_lock(marker).acquire()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            holder.release()

    monkeypatch.setattr(time, "sleep", sleep)
    with new_lock(marker).acquire(timeout=60, poll_interval=0.25):
        assert pauses == [0.25, 0.25, 0.25]


def test_it_waits_for_another_process(marker: Path) -> None:
    holder = Holder(marker)
    timer = threading.Timer(0.1, holder.go)
    timer.start()
    with new_lock(marker).acquire(timeout=None, poll_interval=0.01) as lock:
        lock.check()
    timer.join()


def test_a_timeout_carries_the_last_refusal(marker: Path, sleeps: list[float]) -> None:
    holder = Holder(marker)
    with pytest.raises(crtx.AcquireTimeout) as caught:
        new_lock(marker).acquire(timeout=1, poll_interval=0.4)
    error = caught.value
    assert sleeps == pytest.approx([0.4, 0.4, 0.2])
    assert isinstance(error, TimeoutError)
    assert error.status is crtx.Status.MARKER_EXISTS
    assert error.marker_state is crtx.MarkerState.HELD
    assert error.path == str(marker)
    assert error.operation
    cause = error.__cause__
    assert isinstance(cause, crtx.MarkerExists)
    assert error.message == f"still refused after 1 s: {cause.message}"
    for told in (error, cause):
        assert told.marker is not None
        assert told.marker.pid == holder.pid
    holder.go()


def test_timeout_zero_raises_the_refusal_itself(marker: Path, sleeps: list[float]) -> None:
    with new_lock(marker):
        for timeout in (0, 0.0, -0.0):
            with pytest.raises(crtx.MarkerExists):
                new_lock(marker).acquire(timeout=timeout)
    assert sleeps == []


@pytest.mark.parametrize("timeout", [0, 30, None])
def test_a_stale_marker_is_not_waited_for(
    marker: Path, sleeps: list[float], timeout: float | None
) -> None:
    leave_a_stale_marker(marker)
    with pytest.raises(crtx.MarkerExists) as caught:
        new_lock(marker).acquire(timeout=timeout)
    assert caught.value.marker_state is crtx.MarkerState.STALE
    assert sleeps == []


def test_a_holder_that_dies_ends_the_wait(marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = Holder(marker)
    monkeypatch.setattr(time, "sleep", lambda _: holder.die())
    with pytest.raises(crtx.MarkerExists) as caught:
        new_lock(marker).acquire(timeout=None)
    assert caught.value.marker_state is crtx.MarkerState.STALE


def test_contention_without_a_marker_is_waited_for_too(
    marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    companion = marker.with_name(marker.name + ".flock").open("wb")
    fcntl.flock(companion, fcntl.LOCK_EX)
    with pytest.raises(crtx.Contended) as caught:
        new_lock(marker).acquire()
    assert caught.value.marker is None
    with pytest.raises(crtx.AcquireTimeout) as late:
        new_lock(marker).acquire(timeout=1e-9)
    assert late.value.status is crtx.Status.CONTENDED
    assert isinstance(late.value.__cause__, crtx.Contended)
    monkeypatch.setattr(time, "sleep", lambda _: companion.close())
    new_lock(marker).acquire(timeout=None).release()


def test_an_error_that_is_no_refusal_is_not_waited_for(place: Path, sleeps: list[float]) -> None:
    with pytest.raises(crtx.NoParentDirectory):
        new_lock(place / "none" / "marker").acquire(timeout=None)
    assert sleeps == []


def test_setting_the_event_ends_the_wait(marker: Path) -> None:
    holder = Holder(marker)
    cancel = threading.Event()
    timer = threading.Timer(0.05, cancel.set)
    timer.start()
    with pytest.raises(crtx.AcquireCancelled) as caught:
        new_lock(marker).acquire(timeout=None, poll_interval=60, cancel=cancel)
    timer.join()
    error = caught.value
    assert error.status is crtx.Status.MARKER_EXISTS
    assert isinstance(error.__cause__, crtx.MarkerExists)
    assert error.message == f"cancelled: {error.__cause__.message}"
    assert error.marker is not None
    assert error.marker.pid == holder.pid
    assert not isinstance(error, TimeoutError)
    holder.go()


def test_an_event_that_is_set_already_allows_one_try(marker: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with (
        new_lock(marker).acquire(timeout=None, cancel=cancel),
        pytest.raises(crtx.AcquireCancelled),
    ):
        new_lock(marker).acquire(timeout=None, cancel=cancel)


@pytest.mark.parametrize("timeout", [-1, -1e-9, float("nan"), float("-inf")])
def test_a_timeout_that_is_none_is_refused_before_the_first_try(
    marker: Path, timeout: float
) -> None:
    with pytest.raises(crtx.InvalidArgument, match="timeout"):
        new_lock(marker).acquire(timeout=timeout)
    assert not marker.exists()


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_a_poll_interval_that_is_none_is_refused(marker: Path, interval: float) -> None:
    with pytest.raises(crtx.InvalidArgument, match="poll_interval"):
        new_lock(marker).acquire(poll_interval=interval)


@pytest.mark.parametrize("wrong", ["5", b"5", [], object()])
def test_times_of_a_wrong_type_are_type_errors(marker: Path, wrong: Any) -> None:
    with pytest.raises(TypeError):
        new_lock(marker).acquire(timeout=wrong)
    with pytest.raises(TypeError):
        new_lock(marker).acquire(poll_interval=wrong)


@pytest.mark.parametrize("huge", [1e10, 1e300, float("inf"), 10**30])
def test_huge_times_do_not_overflow(marker: Path, huge: float) -> None:
    cancel = threading.Event()
    with new_lock(marker):
        timer = threading.Timer(0.02, cancel.set)
        timer.start()
        with pytest.raises(crtx.AcquireCancelled):
            new_lock(marker).acquire(timeout=huge, poll_interval=huge, cancel=cancel)
        timer.join()


def test_a_pause_is_never_longer_than_an_hour(marker: Path, sleeps: list[float]) -> None:
    with new_lock(marker), pytest.raises(crtx.AcquireTimeout):
        new_lock(marker).acquire(timeout=5000, poll_interval=1e300)
    assert sleeps == pytest.approx([3600, 1400])
