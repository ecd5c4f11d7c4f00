# SPDX-License-Identifier: MIT OR Apache-2.0
"""A worker of the race, in Python: ctests/race/README.md has the commands that it obeys, the answers
it gives, and the two files that it shares with the others.

``python race_worker.py MARKER STORE BOARD SLOT``
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable, NamedTuple, NoReturn

import crtx

DEPLOYMENT = "deployment:race"
SLOTS, UNIT, BLOCKS = 64, 64, 16
BLOCK = re.compile(rb"(begin|end  ) worker (\d{4}) sequence (\d{20})\.*\n")
MASK = 2**64 - 1


def say(what: str) -> None:
    """One line, out at once: what was said before a crash must have been heard."""
    print(what, flush=True)


def say_wrong_status(what: str, error: crtx.CrtxError) -> None:
    say(f"wrong status: {what} answered {error.name}: {error}")


class Dice:
    """splitmix64."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & MASK
        z = ((self._state ^ (self._state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % limit


class Board:
    """By pread and pwrite: they see what others have mapped."""

    def __init__(self, path: str, slot: int) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self.slot = slot

    def _read(self, offset: int) -> int:
        return int.from_bytes(os.pread(self._file, 8, offset), sys.byteorder)

    def _write(self, offset: int, number: int) -> None:
        os.pwrite(self._file, number.to_bytes(8, sys.byteorder), offset)

    def _inside(self, slot: int) -> int:
        return UNIT * (1 + slot)

    def _add(self, offset: int) -> None:
        self._write(offset, self._read(offset) + 1)

    def enter(self) -> None:
        self._write(self._inside(self.slot), 1)
        self.look_around()

    def look_around(self) -> None:
        for other in range(SLOTS):
            if other != self.slot and self._read(self._inside(other)):
                self._add(self._inside(self.slot) + 8)

    def leave(self) -> None:
        self.look_around()
        self._write(self._inside(self.slot), 0)

    def note_child_fault(self) -> None:
        self._add(self._inside(self.slot) + 16)

    def take_torn_is_allowed(self) -> bool:
        allowed = self._read(0) != 0
        self._write(0, 0)
        return allowed


class Record(NamedTuple):
    whole: bool
    phase: bytes
    worker: int
    sequence: int


class Section:
    """One stay in the guarded section."""

    def __init__(self, seed: int, took_over: bool) -> None:
        self.dice = Dice(seed)
        self.took_over = took_over
        #: Steps until this process kills itself; 0: never.
        self.crash_at = 0

    def step(self) -> None:
        if self.crash_at > 0:
            self.crash_at -= 1
            if self.crash_at == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        if self.dice.below(6) == 0:
            time.sleep(self.dice.below(300) / 1e6)


class Worker:
    def __init__(self, marker: str, store: str, board: Board) -> None:
        self._marker = marker
        self._store = os.open(store, os.O_RDWR | os.O_CLOEXEC)
        self._board = board

    def obey(self, line: str) -> None:
        words = line.split()
        if words[0] == "turn":
            self._turn(int(words[1]))
        elif words[0] == "takeover":
            self._take_over(int(words[1]), words[2])
        elif words[0] == "quarantine":
            self._quarantine(words[1])
        elif words[0] == "inspect":
            self._inspect(int(words[1]))
        else:
            say(f"wrong worker: unknown command {line}")

    # ---- the guarded section ----

    def _read_record(self) -> Record:
        content = os.pread(self._store, BLOCKS * UNIT, 0)
        blocks = [content[at : at + UNIT] for at in range(0, BLOCKS * UNIT, UNIT)]
        found = [match for match in map(BLOCK.fullmatch, blocks) if match is not None]
        whole = len(found) == BLOCKS and len(set(blocks)) == 1
        sequence = max((int(match.group(3)) for match in found), default=0)
        first = BLOCK.fullmatch(blocks[0])
        if first is None:
            return Record(False, b"", 0, sequence)
        return Record(whole, first.group(1), int(first.group(2)), sequence)

    def _write_record(self, section: Section, record: Record) -> None:
        text = b"%s worker %04d sequence %020d" % (record.phase, record.worker, record.sequence)
        for block in range(BLOCKS):
            os.pwrite(self._store, text.ljust(UNIT - 1, b".") + b"\n", block * UNIT)
            section.step()
        found = self._read_record()
        if found != record:
            say(f"wrong record: wrote {record}, and found {found}")

    def _work(self, section: Section, lock: crtx.ActiveStoreLock) -> None:
        self._board.enter()
        torn_is_allowed = self._board.take_torn_is_allowed() or section.took_over
        found = self._read_record()
        if not torn_is_allowed and not (found.whole and found.phase == b"end  "):
            say(f"wrong record: acquired after a death inside, at {found}, and nobody took over")
        if section.dice.below(8) == 0:
            self._fork_a_child(section, lock)
        for phase in (b"begin", b"end  "):
            record = Record(True, phase, self._board.slot, found.sequence + 1)
            self._write_record(section, record)
            try:
                lock.check()
            except crtx.CrtxError as error:
                say_wrong_status("check", error)
            self._board.look_around()
        section.step()
        self._board.leave()
        section.step()

    def _work_and_let_go(self, section: Section, lock: crtx.ActiveStoreLock) -> None:
        leave = section.dice.below(16) == 0
        if section.dice.below(5) == 0:
            section.crash_at = 1 + section.dice.below(2 * BLOCKS + 2)
        self._work(section, lock)
        try:
            if leave:
                lock.leak()
            lock.release()
        except crtx.CrtxError as error:
            say_wrong_status("release", error)
        say("left" if leave else "done")

    def _fork_a_child(self, section: Section, lock: crtx.ActiveStoreLock) -> None:
        """Some live for longer than the driver waits for a dead worker's marker to become stale."""
        dice = section.dice
        seconds = 8.0 if dice.below(3) == 0 else dice.below(20000) / 1e6
        if os.fork() == 0:
            self._be_a_child(lock, seconds)

    def _be_a_child(self, lock: crtx.ActiveStoreLock, seconds: float) -> NoReturn:
        os.close(0)
        os.close(1)
        self._expect_forked(lock.check)
        time.sleep(seconds)
        self._expect_forked(lock.leak)
        self._expect_forked(lock.release)
        os._exit(0)

    def _expect_forked(self, call: Callable[[], None]) -> None:
        try:
            call()
        except crtx.Forked:
            return
        except crtx.CrtxError:
            pass
        self._board.note_child_fault()

    # ---- commands ----

    def _options(self, section: Section) -> dict[str, Any]:
        durability = "full" if section.dice.below(2) == 0 else "process-crash"
        return {
            "deployment_id": DEPLOYMENT,
            "operator_principal_id": "operator:race",
            "restore_intent_blake3": "blake3:" + "0" * 64,
            "durability": durability,
        }

    def _turn(self, seed: int) -> None:
        section = Section(seed, took_over=False)
        lock = crtx.ActiveStoreLock(self._marker, **self._options(section))
        timeout = (0, 0.05, 0.5)[section.dice.below(3)]
        try:
            lock.acquire(timeout=timeout, poll_interval=0.005)
        except crtx.CrtxError as error:
            state = error.marker_state
            if error.status == crtx.Status.MARKER_EXISTS and state == crtx.MarkerState.STALE:
                say("stale")
                return
            if error.status != crtx.Status.CONTENDED and state != crtx.MarkerState.HELD:
                say_wrong_status("acquire", error)
            say("busy")
            return
        self._work_and_let_go(section, lock)

    def _document(self, file: str) -> dict[str, Any]:
        return {
            "attestation": Path(file).read_bytes(),
            "signature": Path(f"{file}.sig").read_bytes(),
            "public_key": Path(f"{file}.pub").read_bytes(),
            "deployment_id": DEPLOYMENT,
        }

    def _take_over(self, seed: int, file: str) -> None:
        section = Section(seed, took_over=True)
        arguments = {**self._options(section), **self._document(file)}
        try:
            lock, stale_path = crtx.takeover(self._marker, **arguments)
        except crtx.CrtxError as error:
            say_late("takeover", error)
            return
        say(f"taken {stale_path}")
        self._work_and_let_go(section, lock)

    def _quarantine(self, file: str) -> None:
        try:
            stale_path = crtx.quarantine(self._marker, **self._document(file))
        except crtx.CrtxError as error:
            say_late("quarantine", error)
            return
        say(f"moved {stale_path}")

    def _inspect(self, count: int) -> None:
        usual = (crtx.MarkerState.HELD, crtx.MarkerState.STALE)
        for _ in range(count):
            try:
                found = crtx.inspect(self._marker)
            except crtx.Contended:
                continue
            except crtx.CrtxError as error:
                say_wrong_status("inspect", error)
                continue
            if found is not None and found.state not in usual:
                say(f"wrong state: inspected {found.state.name}")
        say("seen")


def say_late(what: str, error: crtx.CrtxError) -> None:
    """Another one was faster, or somebody is at work."""
    usual = (
        crtx.Contended,
        crtx.MarkerAbsent,
        crtx.StalePidMismatch,
        crtx.StaleTimeMismatch,
        crtx.StaleDigestMismatch,
    )
    if not isinstance(error, usual):
        say_wrong_status(what, error)
    say(f"late {error.name}")


def main() -> int:
    if len(sys.argv) != 5:
        print("usage: race_worker.py MARKER STORE BOARD SLOT", file=sys.stderr)
        return 2
    marker, store, board, slot = sys.argv[1:]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forked children are nobody's business
    worker = Worker(marker, store, Board(board, int(slot)))
    for line in sys.stdin:
        worker.obey(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
