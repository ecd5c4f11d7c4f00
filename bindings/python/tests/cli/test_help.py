# SPDX-License-Identifier: MIT OR Apache-2.0
"""``--help``, and docs/command.md, which is tested against the parser."""

from __future__ import annotations

import argparse
import shlex

import pytest

from crtx.cli import parser
from crtx.cli.completion import tree

from . import reference
from .command import Crtx
from .test_completion import all_nodes

COMMANDS = [node.path for node in all_nodes(tree(parser.build())) if not node.children]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_help_describes_shows_examples_and_exit_statuses(crtx: Crtx, path: list[str]) -> None:
    ran = crtx(*path, "--help", COLUMNS="80")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("usage: crtx")
    for part in ("\nexamples:\n  ", "\nexit status:\n  ", "--json"):
        assert part in ran.out
    assert max(map(len, ran.out.splitlines())) < 80
    examples = ran.out.partition("\nexamples:\n")[2].partition("\n\n")[0]
    for line in examples.replace("\\\n", " ").splitlines():
        check_example(line)


def check_example(line: str) -> None:
    """The options of an example are options of its command. (`...` stands for more of them.)"""
    words = shlex.split(line, comments=True)
    if "crtx" not in words:
        return
    words = words[words.index("crtx") + 1 :]
    words = words[: words.index("--")] if "--" in words else words
    for stop in (">", "|", "&&", ")"):
        words = words[: words.index(stop)] if stop in words else words
    current: argparse.ArgumentParser = parser.build()
    for word in words:
        choices = [a.choices for a in current._actions if isinstance(a, argparse._SubParsersAction)]
        if choices and word in choices[0]:
            current = choices[0][word]
        elif word.startswith("--"):
            assert word in current._option_string_actions, f"{word} in {line}"


def test_crtx_without_help_is_short_and_with_help_lists_all(crtx: Crtx) -> None:
    ran = crtx("--help", COLUMNS="80")
    for name in {path[0] for path in COMMANDS}:
        assert f"\n    {name} " in ran.out
    assert max(map(len, ran.out.splitlines())) < 80


def test_the_page_has_the_reference_of_the_parser() -> None:
    page = reference.PAGE.read_text()
    _, begin, rest = page.partition(reference.BEGIN)
    found, end, _ = rest.partition(reference.END)
    assert begin
    assert end
    assert found == "\n" + reference.reference(), "write it anew: python -m cli.reference --write"


def test_one_option_has_one_name_in_all_commands() -> None:
    """The same name takes the same kind of value wherever it is."""
    kinds: dict[str, set[tuple[object, object]]] = {}
    for command in reference._commands(parser.build()):
        for action in command._actions:
            for name in action.option_strings:
                kinds.setdefault(name, set()).add((action.metavar, action.nargs))
    # `evidence verify` takes the key several times, and is the only difference there may be.
    assert {name for name, found in kinds.items() if len(found) > 1} <= set()
