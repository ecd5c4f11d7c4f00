# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shell completions, asked for in the shells themselves."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable

import pytest

from crtx.cli import parser
from crtx.cli.completion import Node, tree

from .command import Crtx
from .terminal import Terminal

BASH = """
source ./crtx.bash
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_crtx
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

Completer = Callable[[str], "set[str]"]


@pytest.fixture(params=["bash", "fish"])
def complete(request: pytest.FixtureRequest, crtx: Crtx) -> Completer:
    """Gives what the shell offers for a line that is being typed."""
    shell = str(request.param)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    (crtx.place / f"crtx.{shell}").write_text(crtx("completion", shell).out)
    (crtx.place / "one directory").mkdir()
    (crtx.place / "one file").write_text("")

    def offered(line: str) -> set[str]:
        if shell == "bash":
            program = BASH.format(words=line + ("''" if line.endswith(" ") else ""))
        else:
            program = f"source ./crtx.fish; complete -C {shlex.quote(line)}"
        ran = subprocess.run(
            [shell, "-c", program],
            capture_output=True,
            text=True,
            cwd=crtx.place,
            env={**crtx.environment, "HOME": str(crtx.place)},
            check=False,
        )
        assert ran.stderr == ""
        words = {word.split("\t")[0].rstrip("/") for word in ran.stdout.splitlines() if word}
        # fish offers a word in quotes where it has spaces.
        return {word.replace("\\ ", " ") for word in words}

    return offered


def all_nodes(node: Node) -> list[Node]:
    return [node, *(found for child in node.children for found in all_nodes(child))]


def test_every_command_and_every_option_is_offered(complete: Completer) -> None:
    for node in all_nodes(tree(parser.build())):
        line = " ".join(["crtx", *node.path])
        if node.children:
            names = {child.path[-1] for child in node.children}
            assert names <= complete(line + " ")
        options = {name for option in node.options for name in option.names if name[:2] == "--"}
        assert options <= complete(line + " --")


def test_a_prefix_narrows_the_choice(complete: Completer) -> None:
    assert complete("crtx in") == {"inspect", "intent"}
    assert complete("crtx inspect --ch") == {"--check"}
    assert complete("crtx evidence ver") == {"verify"}


def test_values_are_offered_as_what_they_are(complete: Completer) -> None:
    assert complete("crtx hold --durability ") == {"full", "process-crash"}
    assert complete("crtx completion ") == {"bash", "zsh", "fish"}
    assert complete("crtx status --color a") == {"auto", "always"}
    assert {"one file", "one directory"} <= complete("crtx inspect --check one")
    assert complete("crtx hold --public-key al") == {"alice.pub", "alice.seed"}
    assert "one directory" in complete("crtx attest --output-dir one")
    assert "one file" not in complete("crtx attest --output-dir one")
    assert complete("crtx hold --deployment-id al") == set()


def test_after_the_dashes_another_program_is_completed(complete: Completer) -> None:
    assert "whoami" in complete("crtx hold x -- whoam")
    assert complete("crtx hold x -- ls al") >= {"alice.pub", "alice.seed"}
    assert "--check" not in complete("crtx hold x -- ls --")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not here")
@pytest.mark.parametrize("how", ["sourced", "autoloaded"])
def test_zsh_completes_commands_options_values_and_files(crtx: Crtx, how: str) -> None:
    script = crtx("completion", "zsh").out
    functions = crtx.place / "functions"
    functions.mkdir()
    (crtx.place / "folder").mkdir()
    (functions / "_crtx").write_text(script)
    first = f"fpath=({functions} $fpath); " if how == "autoloaded" else ""
    then = "" if how == "autoloaded" else f"; source {functions}/_crtx"
    environment = {**crtx.environment, "PS1": "> ", "TERM": "dumb", "HOME": str(crtx.place)}
    with Terminal(["zsh", "-f", "-i"], cwd=crtx.place, env=environment) as terminal:
        terminal.type(f"{first}autoload -Uz compinit && compinit -u -D{then}\n")
        terminal.type("crtx() { echo \"[$*]\" }; echo read''y\n")
        terminal.expect("ready")
        # Each is unambiguous, so one tab completes it; the shell then prints the words.
        for typed, wanted in [
            ("crtx ins\t", "inspect"),
            ("crtx intent b\t", "intent build"),
            ("crtx inspect --ch\t", "inspect --check"),
            ("crtx hold --durability p\t", "hold --durability process-crash"),
            ("crtx hold --public-key alice.p\t", "hold --public-key alice.pub"),
            # (Of a directory zsh takes the slash away again when the line ends there.)
            ("crtx attest --output-dir fol\t", "attest --output-dir folder"),
            ("crtx hold x -- whoam\t", "hold x -- whoami"),
            ("crtx evidence verify rest\t", "evidence verify restore.intent.json"),
        ]:
            terminal.type(typed + "\n")
            terminal.expect(f"[{wanted}]")


def test_the_scripts_are_those_of_the_parser(crtx: Crtx) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = crtx("completion", shell).out
        for node in all_nodes(tree(parser.build())):
            for option in node.options:
                for name in option.names:
                    assert name.lstrip("-") in script
        if shutil.which(shell) is not None:
            (crtx.place / "script").write_text(script)
            subprocess.run([shell, "-n", crtx.place / "script"], check=True, env=os.environ)
