# SPDX-License-Identifier: MIT OR Apache-2.0
"""The COMMANDS section of man/crtx.1, made from the parser. `python -m cli.manual --write`, in
bindings/python/tests, writes it anew."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from crtx.cli import parser

from . import reference

PAGE = Path(__file__).parents[4] / "man" / "crtx.1"
BEGIN = '.\\" commands: made from the parser, do not edit\n'
END = '.\\" commands: end\n'


def commands() -> str:
    lines: list[str] = []
    for command in reference.commands_of(parser.build()):
        lines += _subsection(command)
    return "\n".join(lines) + "\n"


def _subsection(command: argparse.ArgumentParser) -> list[str]:
    command.format_help()  # which makes the usage
    lines = [f".Ss {_text(command.prog)}", f".D1 {_text(str(command.usage))}"]
    for paragraph in reference.description_of(command).split("\n\n"):
        lines += [".Pp", *map(_text, paragraph.splitlines())]
    lines += [".Bl -tag -width Ds"]
    for action in reference.arguments_of(command):
        names = r"\fR, \fB".join(map(_text, action.option_strings))
        value = _text(reference.value_of(action))
        if not action.option_strings:
            item = rf"\fI{value}\fR"
        elif action.nargs == 0:
            item = rf"\fB{names}\fR"
        else:
            item = rf"\fB{names}\fR \fI{value}\fR"
        lines += [f".It {item}", _text(reference.sentence_of(action))]
    lines += [".El"]
    _, _, examples = (command.epilog or "").partition("examples:\n")
    examples, _, _ = examples.partition("\n\n")
    lines += [".Bd -literal", *map(_text, examples.splitlines()), ".Ed"]
    return lines


def _text(line: str) -> str:
    """Text for roff, where a backslash, a hyphen, a quote and a line's first point or quote mean
    something else. What stands in backquotes is to be typed."""
    line = line.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    line = re.sub("`([^`]*)`", r"\\fB\1\\fR", line)
    return rf"\&{line}" if line.startswith(".") else line


def main() -> None:
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + commands() + END + after)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m cli.manual --write")
    main()
