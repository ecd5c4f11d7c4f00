# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs docs/operations.md as written: every sh block, in order, in one bash on a terminal, in an
empty directory. The text block after a sh block is what is seen.

Compared are the texts with all replaced that differs from run to run; a process id and a digest that
come twice must come twice in the run as well. `python -m cli.runbook --write`, in
bindings/python/tests, puts the real output into the page.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .terminal import Terminal

PAGE = Path(__file__).parents[4] / "docs" / "operations.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_QUESTION = "to sign: "

# What differs from run to run, and whether it must be the same thing wherever it is the same text.
_VOLATILE = [
    ("digest", True, re.compile(r"\b[0-9a-f]{64}\b")),
    ("directory", False, re.compile(r"(?:/[\w.-]+)*/tmp\.\w{10}\b")),
    ("nanoseconds", False, re.compile(r"\b\d{19}\b")),
    ("time", False, re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")),
    ("stamp", False, re.compile(r"\b\d{8}T\d{6}Z(?:-\d+)?")),
    ("age", False, re.compile(r"\b\d+ (?:s|min) ago\b")),
    ("host", False, re.compile(r'(?<=on host )\s*"?[\w.-]+"?|(?<="host": )"[^"]*"')),
    (
        "pid",
        True,
        re.compile(r'(?<=process )\s*\d+|(?<=the marker )\d+|(?<=-p )\d+|(?<="pid": )\d+'),
    ),
]


@dataclass
class Step:
    script: str
    #: What the page shows; None if it shows nothing.
    shown: str | None
    #: Where in the page that text is.
    span: tuple[int, int]


@dataclass
class Ran:
    seen: str
    status: int


def steps(page: str) -> list[Step]:
    return [Step(m.group(1), m.group(2), m.span(2)) for m in _BLOCK.finditer(page)]


def expected_status(shown: str | None) -> int:
    """That of the last refusal that the page shows."""
    found = re.findall(r"^crtx: CRTX_E_\w+ \((\d+)\): ", shown or "", re.MULTILINE)
    return int(found[-1]) if found else 0


def answers(shown: str | None) -> list[str]:
    """What a person types at the questions that the page shows."""
    return re.findall(f"{_QUESTION}(.*)$", shown or "", re.MULTILINE)


def run(todo: list[Step], environment: dict[str, str], scratch: Path) -> list[Ran]:
    """Runs the steps. ``scratch`` is for the scripts, not for the page."""
    lines = []
    for number, step in enumerate(todo):
        script = scratch / f"step-{number}.sh"
        script.write_text(step.script)
        lines.append(f"source '{script}'; printf '@@ended %s@@\\n' $?")
    driver = scratch / "driver.sh"
    driver.write_text("\n".join(lines) + "\n")
    environment = {**environment, "TERM": "dumb", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    ran = []
    with Terminal(["bash", driver], cwd=scratch, env=environment) as terminal:
        for step in todo:
            seen = ""
            for answer in answers(step.shown):
                seen += terminal.expect(_QUESTION)
                terminal.type(answer + "\n")
            seen += terminal.expect("@@ended ")
            status = terminal.expect("@@\n")[: -len("@@\n")]
            ran.append(Ran(seen[: -len("@@ended ")], int(status)))
    return ran


class Normal:
    """Replaces what differs from run to run. One for a page, one for a run."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def __call__(self, text: str) -> str:
        for kind, counted, pattern in _VOLATILE:

            def name(match: re.Match[str], kind: str = kind, counted: bool = counted) -> str:
                if not counted:
                    return f"<{kind}>"
                key = (kind, match.group().strip())
                return f"<{kind} {self._numbers.setdefault(key, len(self._numbers))}>"

            text = pattern.sub(name, text)
        return text


def write(environment: dict[str, str], scratch: Path) -> None:
    page = PAGE.read_text()
    todo = steps(page)
    ran = run(todo, environment, scratch)
    for step, result in reversed(list(zip(todo, ran))):
        if step.shown is not None:
            begin, end = step.span
            page = page[:begin] + result.seen + page[end:]
    PAGE.write_text(page)


def main() -> None:
    import tempfile

    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m cli.runbook --write")
    with tempfile.TemporaryDirectory() as scratch:
        write(with_crtx_on_path(dict(os.environ), Path(scratch)), Path(scratch))


def with_crtx_on_path(environment: dict[str, str], place: Path) -> dict[str, str]:
    """``crtx`` as a command, from this checkout or from where it is installed."""
    directory = place / "bin"
    directory.mkdir()
    script = directory / "crtx"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crtx "$@"\n')
    script.chmod(0o755)
    return {**environment, "PATH": f"{directory}:{environment['PATH']}"}


if __name__ == "__main__":
    main()
