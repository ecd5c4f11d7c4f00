# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README beside the package is true."""

from __future__ import annotations

import builtins
import inspect
import re
import subprocess
import sys
from pathlib import Path

from stores import REPOSITORY, names
from test_errors import CLASSES, from_c

import crtx

README = Path(__file__).parents[1] / "README.md"


def table() -> dict[str, tuple[list[str], str]]:
    """Exception: its other base classes, and its status."""
    rows = {}
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`"):
            kinds, _, also = cells[0].partition(", also ")
            for kind in re.findall(r"`(\w+)`", kinds):
                rows[kind] = (re.findall(r"`(\w+)`", also), cells[1])
    return rows


def test_the_table_has_every_exception_with_its_status_and_its_other_bases() -> None:
    rows = table()
    assert sorted([*rows, "CrtxError"]) == sorted(kind.__name__ for kind in CLASSES)
    statuses = {type(from_c(status)).__name__: status for status in crtx.Status}
    for name, (others, number) in rows.items():
        kind = getattr(crtx, name)
        bases = {base.__name__ for base in kind.__mro__} & {"OSError", "TimeoutError", "ValueError"}
        assert set(others) == bases - ({"OSError"} if "TimeoutError" in bases else set())
        if name in statuses:
            low, _, high = number.partition(" to ")
            assert int(low) <= statuses[name] <= int(high or low)
            assert issubclass(kind, crtx.VerificationError) == bool(high)


def test_every_name_in_code_style_exists() -> None:
    text = README.read_text(encoding="utf-8").split("## Use")[1].split("\n## ")[0]
    known = {*crtx.__all__, *dir(crtx.ActiveStoreLock), *dir(crtx.MarkerExists), *dir(builtins)}
    known |= set(vars(from_c(crtx.Status.IO)))
    known |= set(inspect.signature(crtx.ActiveStoreLock.acquire).parameters)
    for span in re.findall(r"`([A-Za-z_]+)(?:\(\))?`", text):
        assert span in known or span in {"with"}, span


def test_the_readmes_example_restores_and_says_so(place: Path) -> None:
    example = REPOSITORY / "examples" / "hello.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", example],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "restored\n", "")
    assert names(place) == []


def test_the_readmes_example_says_who_is_at_work(place: Path) -> None:
    (place / "ledger.db.restore").write_text("half a mark")
    done = subprocess.run(
        [sys.executable, REPOSITORY / "examples" / "hello.py"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == "another restore is at work, or died:\n"
    assert "cannot be parsed" in done.stderr
