# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ctrl-C, and other signals whose handlers raise, as the operating system delivers them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from stores import Holder, names, new_lock, run_python

import crtx

ROUNDS = 3000


@pytest.mark.parametrize("what", ["acquire", "enter", "wait_and_enter", "takeover"])
def test_a_storm_of_signals_leaves_no_marker_that_nobody_knows(place: Path, what: str) -> None:
    storm = Path(__file__).with_name("storm.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", storm, place, what, str(ROUNDS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    words = done.stdout.split()
    interrupted, at_the_edge = int(words[0]), int(words[2])
    assert interrupted > ROUNDS // 50
    # From these versions on Python looks for no signal when a function returns to another.
    if (what == "acquire" and sys.version_info >= (3, 11)) or (
        what == "takeover" and sys.version_info >= (3, 12)
    ):
        assert at_the_edge == 0


def test_ctrl_c_ends_a_wait_without_end_and_leaves_the_holder_alone(marker: Path) -> None:
    program = """
import sys
from stores import new_lock
lock = new_lock(sys.argv[1])
try:
    print("waiting", flush=True)
    lock.acquire(timeout=None, poll_interval=60)
except KeyboardInterrupt:
    print(lock.held)
"""
    holder = Holder(marker)
    text = marker.read_bytes()
    waiting = subprocess.Popen(
        [sys.executable, "-c", program, str(marker)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waiting\n"
    waiting.send_signal(signal.SIGINT)
    output, _ = waiting.communicate()
    assert output == "False\n"
    assert marker.read_bytes() == text
    holder.go()


def test_ctrl_c_in_a_block_releases_the_lock(place: Path, marker: Path) -> None:
    program = """
import os, signal, sys
from stores import new_lock
with new_lock(sys.argv[1]):
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
"""
    done = run_python(program, marker)
    assert "KeyboardInterrupt" in done.stderr
    assert names(place) == []


def test_ctrl_c_in_a_block_keeps_the_marker_if_errors_leak(marker: Path) -> None:
    program = """
import os, signal, sys
from stores import new_lock
with new_lock(sys.argv[1], on_error="leak"):
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
"""
    done = run_python(program, marker)
    assert "KeyboardInterrupt" in done.stderr
    assert "ResourceWarning" not in done.stderr
    found = crtx.inspect(marker)
    assert found is not None
    assert found.state == crtx.MarkerState.STALE


def test_a_handler_that_sets_the_event_ends_the_wait_without_an_exception_out_of_nowhere(
    marker: Path,
) -> None:
    stop = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: stop.set())
    try:
        with new_lock(marker):
            timer = threading.Timer(0.05, signal.raise_signal, [signal.SIGUSR1])
            timer.start()
            with pytest.raises(crtx.AcquireCancelled):
                new_lock(marker).acquire(timeout=None, poll_interval=0.01, cancel=stop)
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_handler_may_release_the_lock_that_it_interrupts(place: Path, marker: Path) -> None:
    lock = new_lock(marker)
    before = signal.signal(signal.SIGUSR1, lambda *_: lock.release())
    try:
        with lock:
            signal.raise_signal(signal.SIGUSR1)
            assert not lock.held
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert names(place) == []
