# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signals around a COMMAND: each reaches it once, and none leaves a lock or a process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from .command import PATIENCE, Crtx, finish, process_state, until
from .terminal import Terminal

RECORDER = str(Path(__file__).with_name("recorder.py"))
ENDING = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1"]


class Log:
    """What the recorder wrote down."""

    def __init__(self, crtx: Crtx) -> None:
        self.path = crtx.place / "log"
        self.command = (sys.executable, RECORDER, str(self.path))

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def pid(self) -> int:
        return int(until(self.lines, "COMMAND")[0])

    def signals(self) -> list[str]:
        return self.lines()[1:]

    def await_signal(self, name: str) -> None:
        until(lambda: name in self.signals(), name)


def words_of(crtx: Crtx, log: Log) -> list[str | bytes]:
    return crtx.words("hold", crtx.marker, *crtx.holder, "--", *log.command)


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_to_crtx_alone_reaches_command_once(crtx: Crtx, name: str) -> None:
    log = Log(crtx)
    running = crtx.start_hold(*log.command)
    log.pid()
    running.send_signal(getattr(signal, name))
    log.await_signal(name)
    # What was to come a second time would come before this one.
    running.send_signal(signal.SIGUSR2)
    assert finish(running).status == 0
    assert log.signals() == [name, "SIGUSR2"]
    assert crtx.state() == "absent"


def test_a_signal_that_kills_command_ends_crtx_with_128_and_the_lock_is_released(
    crtx: Crtx,
) -> None:
    running = crtx.start_hold("sleep", "1000")
    until(crtx.marker.exists, "the marker")
    running.send_signal(signal.SIGTERM)
    assert finish(running).status == 143
    assert crtx.state() == "absent"


def test_signals_that_were_ignored_stay_ignored(crtx: Crtx) -> None:
    log = Log(crtx)
    script = 'trap "" HUP INT; exec "$@"'
    running = subprocess.Popen(
        ["sh", "-c", script, "sh", *words_of(crtx, log)],
        cwd=crtx.place,
        env=crtx.environment,
        stderr=subprocess.PIPE,
    )
    log.pid()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR2):
        running.send_signal(number)
    assert finish(running).status == 0
    assert log.signals() == ["SIGUSR2"]


@pytest.mark.parametrize(("key", "name"), [("\x03", "SIGINT"), ("\x1c", "SIGQUIT")])
def test_the_terminals_keys_reach_command_once(crtx: Crtx, key: str, name: str) -> None:
    log = Log(crtx)
    with Terminal(words_of(crtx, log), cwd=crtx.place, env=crtx.environment) as terminal:
        pid = log.pid()
        terminal.type(key)
        log.await_signal(name)
        os.kill(terminal.process.pid, signal.SIGUSR2)
        terminal.rest()
        assert terminal.process.returncode == 0
    assert log.signals() == [name, "SIGUSR2"]
    assert process_state(pid) == "-"


def test_a_terminal_that_hangs_up_reaches_command_once(crtx: Crtx) -> None:
    """crtx leads the session, as under `ssh -t host crtx hold`: the kernel tells the leader alone."""
    log = Log(crtx)
    with Terminal(words_of(crtx, log), cwd=crtx.place, env=crtx.environment) as terminal:
        log.pid()
        terminal.hang_up()
        log.await_signal("SIGHUP")
        os.kill(terminal.process.pid, signal.SIGUSR2)
        assert terminal.process.wait(PATIENCE) == 0
    # The kernel sends SIGCONT with it, so that nobody sleeps through it.
    assert [name for name in log.signals() if name != "SIGCONT"] == ["SIGHUP", "SIGUSR2"]


def test_a_ctrl_c_that_killed_command_ends_the_script_above_too(crtx: Crtx) -> None:
    words = [os.fsdecode(word) for word in crtx.words("hold", crtx.marker, *crtx.holder)]
    script = '"$@" -- sh -c "echo running; exec sleep 1000"; echo the script went on'
    with Terminal(
        ["bash", "-c", script, "bash", *words], cwd=crtx.place, env=crtx.environment
    ) as terminal:
        terminal.expect("running")
        terminal.type("\x03")
        assert "went on" not in terminal.rest()
        assert terminal.process.returncode == -signal.SIGINT
    assert crtx.state() == "absent"


def test_ctrl_c_while_waiting_for_the_lock_runs_nothing_and_leaves_nothing(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    for name in ["SIGINT", "SIGTERM", "SIGHUP"]:
        waiting = crtx.start_hold("touch", "ran", options=("--timeout", "forever"))
        until(partial(blocks_term, waiting.pid), "the wait")
        waiting.send_signal(getattr(signal, name))
        ran = finish(waiting)
        assert ran.status == 128 + getattr(signal, name)
        assert ran.err == f"crtx: interrupted by {name}: nothing was run, and no lock is held\n"
    holder.communicate(b"\n")
    assert holder.returncode == 0
    assert crtx.state() == "absent"
    assert not (crtx.place / "ran").exists()


def test_ctrl_c_on_the_terminal_while_waiting_ends_by_the_signal_itself(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    words = crtx.words("hold", crtx.marker, *crtx.holder, "--timeout", "forever", "--", "true")
    with Terminal(words, cwd=crtx.place, env=crtx.environment) as terminal:
        until(lambda: blocks_term(terminal.process.pid), "the wait")
        terminal.type("\x03")
        assert "interrupted by SIGINT" in terminal.rest()
        assert terminal.process.returncode == -signal.SIGINT
    holder.communicate(b"\n")
    assert crtx.state() == "absent"


def test_an_interrupted_wait_says_in_json_who_had_the_lock(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    waiting = crtx.start_hold("true", options=("--timeout", "forever", "--json"))
    until(lambda: blocks_term(waiting.pid), "the wait")
    waiting.send_signal(signal.SIGTERM)
    ran = finish(waiting)
    holder.communicate(b"\n")
    envelope = json.loads(ran.err)
    assert ran.status == envelope["result"]["exit_status"] == 143
    assert envelope["name"] == "CRTX_E_MARKER_EXISTS"
    assert envelope["error"]["marker"]["pid"] == holder.pid
    assert envelope["result"]["command_started"] is False
    assert envelope["result"]["lock"] == "not acquired"


def test_a_crtx_that_is_killed_takes_command_with_it_and_leaves_a_stale_marker(crtx: Crtx) -> None:
    log = Log(crtx)
    running = crtx.start_hold(*log.command)
    pid = log.pid()
    running.kill()
    assert finish(running).status == -signal.SIGKILL
    until(lambda: process_state(pid) in "-Z", "COMMAND's death")
    assert log.signals() == []
    assert crtx.state() == "stale"


def test_command_is_not_run_if_crtx_dies_before_it_could_say_so(crtx: Crtx) -> None:
    program = """
import os, signal, sys
from crtx.cli import child, signals
class Dying(signals.Signals):
    def raise_pending(self):
        os.kill(os.getpid(), signal.SIGKILL)
with Dying() as dying:
    child.run(["touch", "ran"], {}, dying, None)
"""
    dying = subprocess.run(
        [sys.executable, "-c", program],
        # The end of the pipe comes when the child, which has it too, has ended as well.
        stdout=subprocess.PIPE,
        cwd=crtx.place,
        env=crtx.environment,
        timeout=PATIENCE,
        check=False,
    )
    assert dying.returncode == -signal.SIGKILL
    assert not (crtx.place / "ran").exists()


def test_a_signal_that_came_before_command_ran_is_not_lost(crtx: Crtx) -> None:
    program = """
import os, signal, sys
from crtx.cli import child, signals
fork = os.fork
def and_interrupt():
    pid = fork()
    if pid:
        os.kill(os.getpid(), signal.SIGTERM)
    return pid
os.fork = and_interrupt
with signals.Signals() as watched:
    try:
        child.run(["touch", "ran"], {}, watched, None)
    except signals.Interrupted as interrupted:
        print(interrupted)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        cwd=crtx.place,
        env=crtx.environment,
        timeout=PATIENCE,
        check=True,
    )
    assert ran.stdout == b"SIGTERM\n"
    assert not (crtx.place / "ran").exists()


def test_suspending_and_continuing_takes_command_along(crtx: Crtx) -> None:
    """By the terminal's key, by a signal to crtx alone, and by COMMAND itself, under a real shell."""
    log = Log(crtx)
    words = " ".join(f"'{os.fsdecode(word)}'" for word in words_of(crtx, log))
    with Terminal(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=crtx.place,
        env={**crtx.environment, "PS1": "$ ", "TERM": "dumb"},
    ) as terminal:
        terminal.type(words + "; echo ended with $?\n")
        command = log.pid()
        marker = crtx("inspect", "--json", crtx.marker).json["result"]["marker"]
        crtx_pid = marker["pid"]

        def suspend(how: str) -> None:
            if how == "key":
                terminal.type("\x1a")
            else:
                os.kill(crtx_pid if how == "crtx" else command, signal.SIGTSTP)
            terminal.expect("Stopped")
            until(lambda: process_state(crtx_pid) == process_state(command) == "T", how)

        for how in ("key", "crtx", "command"):
            suspend(how)
            terminal.type("fg\n")
            until(lambda: "T" not in process_state(crtx_pid) + process_state(command), "fg")
        # Continued by a signal to crtx alone, while the shell believes it to be stopped.
        suspend("crtx")
        os.kill(crtx_pid, signal.SIGCONT)
        until(lambda: "T" not in process_state(crtx_pid) + process_state(command), "SIGCONT")
        os.kill(crtx_pid, signal.SIGUSR2)
        until(lambda: process_state(crtx_pid) in "-Z", "the end")
        assert crtx.state() == "absent"


def test_a_wait_for_the_lock_can_be_suspended(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    words = crtx.words(
        "hold", crtx.marker, *crtx.holder, "--timeout", "forever", "--", "echo", "ran"
    )
    line = " ".join(f"'{os.fsdecode(word)}'" for word in words)
    with Terminal(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=crtx.place,
        env={**crtx.environment, "PS1": "$ ", "TERM": "dumb"},
    ) as terminal:
        # It says its process id, and then becomes crtx.
        terminal.type(f'sh -c \'echo job""id $$.; exec "$@"\' sh {line}\n')
        pid = int(terminal.expect(".\n").rpartition("jobid ")[2].rstrip(".\n"))
        until(lambda: blocks_term(pid), "the wait")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        assert process_state(pid) == "T"
        terminal.type("fg; echo ended''with $?\n")
        holder.communicate(b"\n")
        assert "ran\n" in terminal.expect("endedwith 0")


def blocks_term(pid: int) -> bool:
    """Whether the process holds SIGTERM back, as crtx does from before its first try on."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigBlk:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False
