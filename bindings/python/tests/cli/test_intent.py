# SPDX-License-Identifier: MIT OR Apache-2.0
"""Restore intents, written and verified."""

from __future__ import annotations

import json

import pytest

import crtx as library

from .command import DEPLOYMENT, Crtx
from .terminal import Terminal

STORE = (
    *("--deployment-id", DEPLOYMENT),
    *("--active-db", "/srv/ledger/ledger.db"),
    *("--active-event-log", "/srv/ledger/events.jsonl"),
)
STAGED = (
    *("--backup-manifest", "manifest.json"),
    *("--staged-sqlite", "staged.db"),
    *("--staged-jsonl", "staged.jsonl"),
)
VERIFY = ("intent", "verify", "--intent", "ledger.intent.json", "--public-key", "alice.pub")
BUILD = ("intent", "build", "--seed", "alice.seed", "--name", "ledger")


@pytest.fixture
def staged(crtx: Crtx) -> Crtx:
    for name in ("manifest.json", "staged.db", "staged.jsonl"):
        (crtx.place / name).write_text(name)
    return crtx


def test_what_was_built_is_verified_and_its_digest_printed(staged: Crtx) -> None:
    built = staged(*BUILD, "--yes", *STORE, *STAGED)
    assert built.status == 0
    digest = library.blake3_file(staged.place / "ledger.intent.json")
    for text in ("/srv/ledger/ledger.db", library.blake3_file(staged.place / "staged.db")):
        assert text in built.out
    verified = staged(*VERIFY, *STORE, *STAGED)
    assert verified.status == 0
    assert verified.out.startswith("VALID\n")
    assert f"--restore-intent-blake3 {digest} -- COMMAND" in verified.out
    result = staged(*VERIFY, *STORE, *STAGED, "--json").json["result"]
    assert result["restore_intent_blake3"] == digest
    assert result["document"] == json.loads((staged.place / "ledger.intent.json").read_bytes())


def test_the_digest_is_the_one_that_hold_takes_from_the_file(staged: Crtx) -> None:
    result = staged(*BUILD, "--yes", *STORE, *STAGED, "--json").json["result"]
    see = (
        "grep",
        "-q",
        f"restore_intent_blake3={result['restore_intent_blake3']}",
        str(staged.marker),
    )
    held = ("hold", staged.marker, "--deployment-id", "x", "--operator", "x")
    assert staged(*held, "--intent", "ledger.intent.json", "--", *see).status == 0


def test_digests_may_be_given_in_place_of_files(staged: Crtx) -> None:
    digests = []
    for option in ("backup-manifest", "staged-sqlite", "staged-jsonl"):
        name = {"backup-manifest": "manifest.json"}.get(option, option.replace("-", "."))
        name = name.replace("sqlite", "db")
        digests += [f"--{option}-blake3", library.blake3_file(staged.place / name)]
    assert staged(*BUILD, "--yes", *STORE, *digests).status == 0
    assert staged(*VERIFY, *STORE, *STAGED).status == 0
    assert staged(*VERIFY, *STORE, *digests).status == 0


def test_other_bytes_another_path_and_another_key_are_refused(staged: Crtx) -> None:
    staged(*BUILD, "--yes", *STORE, *STAGED)
    (staged.place / "staged.db").write_text("changed")
    ran = staged(*VERIFY, *STORE, *STAGED)
    assert ran.status == 76
    assert "    cat ledger.intent.json" in ran.err
    (staged.place / "staged.db").write_text("staged.db")
    assert staged(*VERIFY, *STORE[:-1], "/srv/other.jsonl", *STAGED).status == 75
    assert staged(*VERIFY, "--deployment-id", "test", *STORE[2:], *STAGED).status == 67
    assert staged("keygen", "bob").status == 0
    assert staged(*VERIFY[:-1], "bob.pub", *STORE, *STAGED).status == 62
    assert staged(*VERIFY, *STORE, *STAGED, "--now", "2099-01-01T00:00:00Z").status == 69
    assert staged(*VERIFY, *STORE, *STAGED).status == 0


def test_build_asks_as_attest_does(staged: Crtx) -> None:
    words = staged.words(*BUILD, *STORE, *STAGED)
    with Terminal(words, cwd=staged.place, env=staged.environment) as terminal:
        assert "staged database" in terminal.expect("Type the deployment id to sign: ")
        terminal.type(DEPLOYMENT + "\n")
        terminal.rest()
        assert terminal.process.returncode == 0
    assert staged(*VERIFY, *STORE, *STAGED).status == 0
    refused = staged(*BUILD, *STORE, *STAGED)
    assert refused.status == 1
    assert "no terminal to ask on" in refused.err


def test_an_intent_can_be_signed_elsewhere(staged: Crtx) -> None:
    words = ("intent", "build", "--unsigned", "--public-key", "alice.pub", "--name", "ledger")
    built = staged(*words, *STORE, *STAGED)
    assert built.status == 0
    assert "  crtx sign ledger.intent.json --seed OPERATOR.seed" in built.out
    assert staged("sign", "ledger.intent.json", "--seed", "alice.seed", "--yes").status == 0
    assert staged(*VERIFY, *STORE, *STAGED).status == 0


def test_a_window_of_more_than_a_day_and_a_relative_path_are_refused(staged: Crtx) -> None:
    assert staged(*BUILD, "--yes", *STORE, *STAGED, "--valid-for", "25h").status == 1
    assert staged(*BUILD, "--yes", *STORE, *STAGED, "--valid-for", "1d").status == 0
    relative = ("--active-db", "ledger.db")
    ran = staged(*BUILD[:-1], "other", "--yes", *STORE[:2], *relative, *STORE[4:], *STAGED)
    assert ran.status == 1
    assert "active_db_path" in ran.err
