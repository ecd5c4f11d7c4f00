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
    for command in commands_of(parser.build()):
        lines += _section(command)
    return "\n".join(lines) + "\n"


def commands_of(root: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in root._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                nested = list(commands_of(command))
                yield from nested or [command]


def description_of(command: argparse.ArgumentParser) -> str:
    """Without what is said once for all commands that run a COMMAND."""
    description, _, _ = (command.description or "").partition("\n\nCOMMAND has standard")
    return description.strip()


def arguments_of(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All but the options that every command has."""
    for action in command._actions:
        if not {"--help", "--json", "--color"} & set(action.option_strings):
            yield action


def value_of(action: argparse.Action) -> str:
    if action.metavar:
        return str(action.metavar)
    if action.option_strings:
        return "{" + ",".join(map(str, action.choices or ())) + "}"
    return action.dest.upper()


def sentence_of(action: argparse.Action) -> str:
    text = re.sub(r"\s+", " ", action.help or "")
    required = " Required." if action.required and action.option_strings else ""
    return f"{text[:1].upper()}{text[1:]}.{required}"


def _section(command: argparse.ArgumentParser) -> list[str]:
    lines = [f"### {command.prog}", "", *description_of(command).splitlines(), ""]
    lines += ["| | |", "| --- | --- |"]
    for action in arguments_of(command):
        sentence = sentence_of(action).replace("|", "\\|")
        lines.append(f"| {_names(action)} | {sentence} |")
    return [*lines, ""]


def _names(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{value_of(action)}`"
    names = "`, `".join(action.option_strings)
    return f"`{names}`" if action.nargs == 0 else f"`{names} {value_of(action)}`"


def main() -> None:
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + reference() + END + after)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m cli.reference --write")
    main()
