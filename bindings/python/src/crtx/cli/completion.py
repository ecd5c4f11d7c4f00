# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx completion``: what a shell wants to know of the command line, read off the parser."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crtx.cli import arguments
from crtx.cli.outcome import Outcome

if TYPE_CHECKING:
    from crtx.cli.screen import Screen

_FILES = ("FILE", "PATH", "TARGET")


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "completion",
        "crtx.cli.completion:completion",
        "print a shell's completions",
        "Prints a script that teaches a shell to complete crtx's commands, options and files.",
        """
source <(crtx completion bash)                # in ~/.bashrc
crtx completion zsh >"${fpath[1]}/_crtx"
crtx completion fish >~/.config/fish/completions/crtx.fish""",
    )
    parser.add_argument(
        "shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"
    )
    arguments.add_output_options(parser)


@dataclass
class Option:
    names: list[str]
    summary: str
    #: What follows it: "" nothing, "files", "directories", "text", or "words".
    value: str
    words: list[str] = field(default_factory=list)


@dataclass
class Node:
    """A command, and its subcommands if it has any."""

    path: list[str]
    summary: str
    options: list[Option]
    #: What its positional arguments are, as in :class:`Option`.
    positional: Option | None
    children: list[Node]
    runs_another: bool = False


def tree(parser: argparse.ArgumentParser, path: tuple[str, ...] = (), summary: str = "") -> Node:
    node = Node(list(path), summary, [], None, [])
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            node.children = [
                tree(child, (*path, name), summaries[name])
                for name, child in action.choices.items()
            ]
        elif action.option_strings:
            node.options.append(_option(action))
        else:
            node.positional = _option(action)
    node.runs_another = any("--json-fd" in option.names for option in node.options)
    return node


def _option(action: argparse.Action) -> Option:
    # The first sentence, without what a shell or its completion system takes for its own.
    summary = re.sub(r"[`'\"\[\]$\\]", "", re.split(r"[;:(]", action.help or "")[0]).strip()
    names = list(action.option_strings)
    if action.choices is not None:
        return Option(names, summary, "words", [str(choice) for choice in action.choices])
    if action.nargs == 0:
        return Option(names, summary, "")
    if action.metavar in _FILES:
        return Option(names, summary, "files")
    return Option(names, summary, "directories" if action.metavar == "DIR" else "text")


def completion(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx.cli import completion_bash, completion_fish, completion_zsh, parser

    writers = {
        "bash": completion_bash.script,
        "zsh": completion_zsh.script,
        "fish": completion_fish.script,
    }
    script = writers[args.shell](tree(parser.build()))
    return Outcome(f"completions for {args.shell}", {"script": script}, [script.rstrip("\n")])
