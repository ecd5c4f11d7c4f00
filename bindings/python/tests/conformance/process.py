# SPDX-License-Identifier: MIT OR Apache-2.0
"""Steps of other processes: one that holds a lock, and a forked one that has no part in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import crtx
from conformance import calls
from conformance.table import NotWellFormed, Pair
from conformance.words import Outcome, Words

#: What a holder is told of the step that started it.
HOLDER_WORDS = [
    "path",
    "deployment_id",
    "operator_principal_id",
    "restore_intent_blake3",
    "host",
    "durability",
    "allow",
]


class Holder:
    """Another process of this program."""

    def __init__(self, words: Words) -> None:
        given = [(name.encode(), words.optional(name)) for name in HOLDER_WORDS]
        command = [name + b"=" + value for name, value in given if value is not None]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "conformance", "--hold", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self._expect_ok()

    def _expect_ok(self) -> None:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if answer != b"CRTX_OK\n":
            self.kill()
            raise NotWellFormed(f"the holder answered {answer!r}")

    def tell(self, milliseconds: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % milliseconds)
        self._process.stdin.flush()

    def reap(self) -> None:
        """Waits for the answer to what it was told."""
        self._expect_ok()
        self.kill()

    def kill(self) -> None:
        with self._process:
            self._process.kill()


def be_a_holder(arguments: list[bytes]) -> int:
    """Acquires, says so, waits to be told after how many milliseconds to release, and says so."""
    pairs = [argument.partition(b"=") for argument in arguments]
    own = [Pair(name.decode(), "=", value) for name, _, value in pairs]
    own.append(Pair("lock", "=", b"lock"))
    locks: calls.Locks = {}
    print(calls.call("acquire", locks, Words(own, [], {})).status, flush=True)
    order = sys.stdin.readline()
    if not order:
        # The runner has gone; the marker is to stay, as a crash would leave it.
        os._exit(1)
    time.sleep(int(order) / 1000)
    print(calls.call("release", locks, Words(own, [], {})).status, flush=True)
    return 0


def forked(locks: calls.Locks, words: Words, defaults: list[Pair]) -> Outcome:
    """The status alone comes back, as the exit code."""
    own = [Pair("lock", "=", words.raw("lock"))]
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            outcome = calls.call(words.text("call"), locks, words.with_words(own, defaults))
            names = [crtx.status_name(number) for number in range(code)]
            code = names.index(outcome.status or "")
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Outcome(crtx.status_name(code))


class Processes:
    """The processes of one case."""

    def __init__(self) -> None:
        self._holder: Holder | None = None

    def hold(self, words: Words) -> int:
        self.end()
        self._holder = Holder(words)
        return self._holder.pid

    def _take(self) -> Holder:
        holder, self._holder = self._holder, None
        if holder is None:
            raise NotWellFormed("there is no holder")
        return holder

    def free(self, words: Words) -> None:
        holder = self._take()
        holder.tell(words.number("after_ms"))
        if words.optional("after_ms") is None:
            holder.reap()
        else:
            self._holder = holder

    def await_end(self) -> None:
        self._take().reap()

    def kill(self) -> None:
        self._take().kill()

    def end(self) -> None:
        if self._holder is not None:
            self.kill()
