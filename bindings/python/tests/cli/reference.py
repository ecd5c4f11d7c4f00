# SPDX-License-Identifier: MIT OR Apache-2.0
"""The reference part of docs/command.md, made from the parser. `python -m cli.reference --write`, in
bindings/python/tests, writes it anew."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from crtx.cli import parser

PAGE = Path(__file__).parents[4] / "docs" / "command.md"
BEGIN = "<!-- reference: made from the parser, do not edit -->\n"
END = "<!-- end of the reference -->\n"


def reference() -> str:
    lines: list[str] = []
    for command in _commands(parser.build()):
        lines += _section(command)
    return "\n".join(lines) + "\n"


def _commands(root: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                nested = list(_commands(command))
                yield from nested or [command]


def _section(command: argparse.ArgumentParser) -> list[str]:
    description, _, _ = (command.description or "").partition("\n\nCOMMAND has standard")
    lines = [f"### {command.prog}", "", *description.strip().splitlines(), ""]
    lines += ["| | |", "| --- | --- |"]
    for action in command._actions:
        if {"--help", "--json", "--color"} & set(action.option_strings):
            continue
        required = " Required." if action.required and action.option_strings else ""
        lines.append(f"| {_names(action)} | {_cell(action.help or '')}{required} |")
    return [*lines, ""]


def _names(action: argparse.Action) -> str:
    value = action.metavar or ("{" + ",".join(map(str, action.choices or ())) + "}")
    if not action.option_strings:
        return f"`{value if action.metavar else action.dest.upper()}`"
    names = "`, `".join(action.option_strings)
    return f"`{names}`" if action.nargs == 0 else f"`{names} {value}`"


def _cell(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("|", "\\|")
    return text[:1].upper() + text[1:] + "."


def main() -> None:
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + reference() + END + after)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m cli.reference --write")
    main()
