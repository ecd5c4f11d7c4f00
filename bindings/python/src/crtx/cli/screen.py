# SPDX-License-Identifier: MIT OR Apache-2.0
"""Standard output and standard error: colours, and the form of an error."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from crtx.cli.escape import visible
from crtx.errors import CrtxError

_CODES = {"bold": "1", "red": "1;31", "green": "32", "yellow": "1;33"}


class Screen:
    """Where a command speaks to people."""

    def __init__(self, color: str) -> None:
        self._color = color
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a letter gets its number, and no exception.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    def paint(self, text: str, colour: str, stream: TextIO | None = None) -> str:
        if not self._has_colours(stream or sys.stdout):
            return text
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"

    def _has_colours(self, stream: TextIO) -> bool:
        if self._color != "auto":
            return self._color == "always"
        # https://no-color.org: set and not empty.
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return stream.isatty()

    def note(self, lines: list[str]) -> None:
        """A remark beside the result, on standard error."""
        self._complain(self.paint(lines[0], "yellow", sys.stderr), *lines[1:])

    def error(self, error: CrtxError, hint: list[str]) -> None:
        """The line a script can look for begins with ``crtx: CRTX_E_``."""
        name = self.paint(error.name, "red", sys.stderr)
        self._complain(f"{name} ({int(error.status)}): {visible(error.message)}", *hint)

    def _complain(self, first: str, *more: str) -> None:
        try:
            print("crtx: " + first, *more, sep="\n", file=sys.stderr, flush=True)
        except OSError:
            # Nobody listens: the exit status still tells.
            pass


def table(rows: list[tuple[str, str]]) -> list[str]:
    """Lines of labels and values, one under the other."""
    width = max(len(label) for label, _ in rows)
    return [f"  {label:<{width}}  {value}".rstrip() for label, value in rows]
