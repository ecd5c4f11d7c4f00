# SPDX-License-Identifier: MIT OR Apache-2.0
"""One case: its variables, its locks, its processes, and what each step gave."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TextIO

import crtx
from conformance import calls, neutral, process
from conformance.table import Block, Literal, NotWellFormed, Pair, Step, Table, escaped, expanded
from conformance.words import Outcome, Words

NETWORK = "CRTX_CONFORMANCE_NETWORK"
FIXTURES = Path(__file__).parents[4] / "tests/fixtures/cortex-0.1.2"


def run_case(table: Table, case: Block, transcript: TextIO) -> list[str]:
    """What went wrong: nothing, if all is well."""
    run = Run(table, new_directory(), transcript)
    transcript.write(f"case {case.name}\ndir {run.directory}\nself {os.getpid()}\n")
    transcript.flush()  # whoever finds a dead runner sees the case
    os.chdir(run.directory)
    try:
        run.steps(case.steps)
    except (NotWellFormed, OSError, AssertionError) as error:
        run.complaints.append(f"{run.place}: {error!r}")
    finally:
        run.end()
        os.chdir("/")
        shutil.rmtree(run.directory)
    return run.complaints


def new_directory() -> str:
    """As long a path as the other runners have, because messages shorten long ones. (tempfile's
    names are longer.)"""
    directory = Path(tempfile.gettempdir(), f"crtx-conformance-{os.urandom(3).hex()}")
    directory.mkdir(mode=0o700)
    return os.path.realpath(directory)


class Run:
    def __init__(self, table: Table, directory: str, transcript: TextIO) -> None:
        self.directory = directory
        self.complaints: list[str] = []
        self.place = ""
        self._table = table
        self._transcript = transcript
        self._locks: calls.Locks = {}
        self._processes = process.Processes()
        self._variables = dict(table.variables)
        for name, value in {
            "dir": directory,
            "self": str(os.getpid()),
            "fixtures": str(FIXTURES),
            "network": os.environ.get(NETWORK, ""),
        }.items():
            self._variables[name] = Literal(os.fsencode(value))

    def end(self) -> None:
        self._processes.end()
        for lock in self._locks.values():
            try:
                lock.release()
            except crtx.CrtxError:
                pass  # released in the case

    def steps(self, steps: list[Step]) -> None:
        for step in steps:
            self.place = step.place
            first = step.arguments[0] if step.arguments else Pair("", "", b"")
            if step.verb == "let":
                self._variables[first.name] = first.value
            elif step.verb == "do":
                self.steps(self._table.steps[first.value.decode()].steps)
            else:
                self._step(step)

    def _step(self, step: Step) -> None:
        defaults = self._table.defaults.get(step.verb, [])
        words = Words(step.arguments, defaults, self._variables)
        outcome = self._act(step.verb, words)
        self._write(step.verb, outcome)
        name = words.optional("save")
        if name is not None:
            for key, value in outcome.results.items():
                self._variables[f"{name.decode()}.{key}"] = Literal(value)
        self._check(step, outcome)

    def _act(self, verb: str, words: Words) -> Outcome:
        if verb in calls.CALLS:
            return calls.call(verb, self._locks, words)
        if verb in neutral.ACTS:
            return neutral.act(verb, words)
        if verb == "hold":
            pid = self._processes.hold(words)
            self._variables["child"] = Literal(b"%d" % pid)
            self._transcript.write(f"child {pid}\n")
        elif verb == "free":
            self._processes.free(words)
        elif verb == "await":
            self._processes.await_end()
        elif verb == "kill":
            self._processes.kill()
        elif verb == "forked":
            defaults = self._table.defaults.get(words.text("call"), [])
            self._transcript.flush()
            return process.forked(self._locks, words, defaults)
        else:
            raise NotWellFormed(f"the verb {verb} is not known")
        return Outcome()

    def _write(self, verb: str, outcome: Outcome) -> None:
        if outcome.status is None and not outcome.results:
            return
        self._transcript.write(f"step {verb} {outcome.status or '-'}\n")
        for name, value in sorted(outcome.results.items()):
            self._transcript.write(f"  {name} {escaped(value)}\n")

    def _check(self, step: Step, outcome: Outcome) -> None:
        wanted = expanded(self._variables, step.status).decode()
        if outcome.status is not None and outcome.status != wanted:
            message = escaped(outcome.results.get("message", b""))
            self._complain(f"{step.verb} answered {outcome.status}, not {wanted}: {message}")
            return
        for pair in step.expected:
            self._check_result(pair, outcome)

    def _check_result(self, pair: Pair, outcome: Outcome) -> None:
        wanted = expanded(self._variables, pair.value)
        key, relation = pair.name, pair.relation
        if key == "names":  # the message names a path
            key, relation, wanted = "message", "~", b'"%b"' % wanted
        if key not in outcome.results:
            self._complain(f"there is no {key}")
            return
        found = outcome.results[key]
        holds = wanted in found if relation == "~" else wanted == found
        if not holds:
            self._complain(
                f"{key}\n  expected {relation} {escaped(wanted)}\n  is         {escaped(found)}"
            )

    def _complain(self, why: str) -> None:
        self.complaints.append(f"{self.place}: {why}")
