# SPDX-License-Identifier: MIT OR Apache-2.0
"""``--help``, and docs/command.md, which is tested against the parser."""

from __future__ import annotations

import argparse
import json
import re
import shlex

import pytest

from crtx.cli import parser
from crtx.cli.completion import tree

from . import manual, reference
from .command import DEPLOYMENT, Crtx
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


def test_the_man_page_has_the_commands_of_the_parser() -> None:
    page = manual.PAGE.read_text()
    _, begin, rest = page.partition(manual.BEGIN)
    found, end, rest = rest.partition(manual.END)
    assert begin
    assert end
    assert found == manual.commands(), "write it anew: python -m cli.manual --write"
    written = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest))
    known = {
        name
        for command in reference.commands_of(parser.build())
        for name in command._option_string_actions
    }
    assert written
    assert written <= known


def test_one_option_has_one_name_in_all_commands() -> None:
    """The same name takes the same kind of value wherever it is."""
    kinds: dict[str, set[tuple[object, object]]] = {}
    for command in reference.commands_of(parser.build()):
        for action in command._actions:
            for name in action.option_strings:
                kinds.setdefault(name, set()).add((action.metavar, action.nargs))
    assert [name for name, found in kinds.items() if len(found) > 1] == []


def results_of(crtx: Crtx) -> dict[str, set[str]]:
    """The fields of each command's result, from a run of each."""
    intent = (
        *("--deployment-id", DEPLOYMENT, "--active-db", "/a", "--active-event-log", "/b"),
        *("--backup-manifest", "alice.pub", "--staged-sqlite", "alice.pub"),
        *("--staged-jsonl", "alice.pub"),
    )
    build = ("intent", "build", "--seed", "alice.seed", "--yes")
    verify = ("intent", "verify", "--intent", "restore.intent.json", "--public-key", "alice.pub")
    (crtx.place / "restore.intent.json").unlink()
    runs = {
        "intent build": crtx(*build, *intent, "--json").json,
        "intent verify": crtx(*verify, *intent, "--json").json,
        "hold": json.loads(crtx.hold("true", options=("--json",)).err),
        "keygen": crtx("keygen", "new", "--json").json,
        "principal": crtx("principal", "--public-key", "new.pub", "--json").json,
        "sign": crtx("sign", "new.pub", "--seed", "alice.seed", "--yes", "--json").json,
        "status": crtx("status", "--json").json,
        "completion": crtx("completion", "fish", "--json").json,
    }
    crtx.leave_stale()
    takeover = ("takeover", crtx.marker, *crtx.attestation, *crtx.holder, "--json")
    runs["inspect"] = crtx("inspect", crtx.marker, "--json").json
    runs["attest"] = crtx.attest("--json").json
    runs["takeover --dry-run"] = json.loads(crtx(*takeover, "--dry-run").err)
    runs["takeover"] = json.loads(crtx(*takeover, "--leak-on-failure", "--", "false").err)
    crtx.attest("--name", "second")
    crtx.attestation = ("--attestation", "second.attestation.json")
    runs["quarantine"] = crtx.quarantine("--json").json
    evidence = ("evidence", "list", ".", "--json")
    runs["evidence list"] = crtx(*evidence).json
    runs["evidence verify"] = crtx(
        "evidence", "verify", *evidence[2:], "--public-key", "alice.pub"
    ).json
    fields = {command: set(run["result"]) for command, run in runs.items()}
    for command, run in runs.items():
        for value in run["result"].values():
            if isinstance(value, list):
                fields[command] |= set(value[0])
    return fields


def test_the_page_names_the_fields_of_every_result(crtx: Crtx) -> None:
    page = reference.PAGE.read_text()
    rows = page.partition("| command | `result` |\n| --- | --- |\n")[2].partition("\n\n")[0]
    told: dict[str, set[str]] = {}
    for row in rows.splitlines():
        commands, text = row.strip("| ").split(" | ")
        # Remarks in brackets are not fields.
        names = set(re.findall(r"`([a-z_0-9]+)`", re.sub(r"\([^)]*\)", "", text)))
        told.update(dict.fromkeys(re.findall("`([^`]+)`", commands), names))
    for command, fields in results_of(crtx).items():
        assert fields == told.pop(command), command
    assert told == {}
