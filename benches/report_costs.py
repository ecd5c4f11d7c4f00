# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of what each call costs, from ctests/costs/costs.txt: counted there, not measured."""

from __future__ import annotations

import re
from pathlib import Path

from report_tables import Data, table

COSTS = Path(__file__).resolve().parent.parent / "ctests/costs/costs.txt"
ROW = re.compile(r"^(\S.*?) +(\d+) +(\d+) +(\d+) +(\d+|-)$")


def figure(text: str) -> str:
    return text if text == "-" else f"{int(text):,}"


def costs(_data: Data) -> str:
    lines = []
    for line in COSTS.read_text(encoding="utf-8").splitlines():
        match = None if line.startswith("#") else ROW.match(line)
        if match:
            lines.append([match[1], *map(figure, match.groups()[1:])])
    return table(["call", "system calls", "flushes", "allocations", "instructions"], lines)
