# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is common to all commands: the JSON object, usage errors, colours, and streams that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import crtx as library

from .command import Crtx
from .terminal import Terminal

ENVELOPE = ["crtx_json", "command", "status", "name", "message", "error", "result"]
ERROR = ["operation", "os_error", "path", "marker_state", "marker", "stale_path"]

# A call of each command that succeeds in an empty place, and one that fails.
CALLS = {
    "inspect": (("inspect", "x"), ("inspect", "no/where")),
    "keygen": (("keygen", "new"), ("keygen", "alice")),
    "principal": (("principal", "--public-key", "alice.pub"), ("principal", "--public-key", "x")),
    "attest": (
        None,
        ("attest", "x", "--seed", "alice.seed", "--justification", "y", "--yes"),
    ),
    "sign": (
        ("sign", "restore.intent.json", "--seed", "alice.seed", "--yes"),
        ("sign", "nothing", "--seed", "alice.seed", "--yes"),
    ),
    "evidence list": (("evidence", "list", "."), ("evidence", "list", "no/where")),
    "evidence verify": (None, ("evidence", "verify", ".", "--public-key", "alice.pub")),
    "quarantine": (
        None,
        (
            *("quarantine", "x", "--attestation", "restore.intent.json"),
            *("--public-key", "alice.pub", "--deployment-id", "y"),
        ),
    ),
    "intent build": (None, ("intent", "build")),
    "intent verify": (None, ("intent", "verify")),
    "status": (("status",), ("status", "9999")),
    "completion": (("completion", "bash"), ("completion", "cmd")),
}


def check_envelope(text: str, command: str | None, status: int) -> None:
    envelope = json.loads(text)
    assert list(envelope) == ENVELOPE
    assert envelope["crtx_json"] == 1
    assert envelope["command"] == command
    assert envelope["status"] == status
    assert envelope["name"] == library.status_name(status)
    assert envelope["message"]
    if status == 0:
        assert envelope["error"] is None
        assert envelope["result"] is not None
    else:
        assert [name for name in envelope["error"] if not name.endswith("_hex")] == ERROR


@pytest.mark.parametrize("command", CALLS)
def test_json_is_one_object_for_success_and_for_failure(crtx: Crtx, command: str) -> None:
    good, bad = CALLS[command]
    if good is not None:
        ran = crtx(*good, "--json")
        assert ran.status == 0, ran
        assert ran.err == ""
        check_envelope(ran.out, command, 0)
    ran = crtx(*bad, "--json")
    assert ran.status != 0
    assert ran.err == ""
    assert ran.stdout.isascii()
    check_envelope(ran.out, command, ran.status)


@pytest.mark.parametrize("command", CALLS)
def test_an_error_in_text_has_its_prefix_and_its_number(crtx: Crtx, command: str) -> None:
    _, bad = CALLS[command]
    ran = crtx(*bad)
    name = library.status_name(ran.status)
    assert f"crtx: {name} ({ran.status}): " in ran.err
    assert "Traceback" not in ran.err


def test_json_has_no_text_that_strict_parsers_refuse(crtx: Crtx) -> None:
    ran = crtx("status", b"\xff", "--json")
    assert ran.status == 1
    json.dumps(ran.json, ensure_ascii=False).encode()
    principal = crtx("principal", "--public-key", "alice.pub").out.strip()
    document = {
        "kind": "cortex_restore_intent",
        "operator_principal_id": principal,
        "a\ud800": ["\udfff", "\U0001f512"],
    }
    (crtx.place / "odd.json").write_text(json.dumps(document))
    ran = crtx("sign", "odd.json", "--seed", "alice.seed", "--yes", "--json")
    assert ran.json["result"]["document"]["a\ufffd"] == ["\ufffd", "\U0001f512"]


def test_json_may_stand_before_the_command(crtx: Crtx) -> None:
    check_envelope(crtx("--json", "status", "21").out, "status", 0)


def test_hold_and_takeover_answer_usage_errors_on_standard_error(crtx: Crtx) -> None:
    for command in ("hold", "takeover"):
        ran = crtx(command, "--json", "x", "--", "true")
        assert (ran.status, ran.out) == (1, "")
        check_envelope(ran.err, command, 1)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "crtx --help"),
        (("frobnicate",), "crtx --help"),
        (("inspect",), "crtx inspect --help"),
        (("inspect", "--chec", "x"), "crtx inspect --help"),
        (("intent",), "crtx intent --help"),
        (("intent", "build", "--frob"), "crtx intent build --help"),
        (("evidence", "verify", "."), "crtx evidence verify --help"),
        (("status", "--color", "pink"), "crtx status --help"),
        (("attest", "x", "--seed", "a", "--unsigned"), "crtx attest --help"),
    ],
)
def test_a_usage_error_is_1_and_names_the_help(
    crtx: Crtx, words: tuple[str, ...], named: str
) -> None:
    ran = crtx(*words)
    assert ran.status == 1
    assert ran.err.startswith("crtx: CRTX_E_INVALID_ARGUMENT (1): crtx")
    assert ran.err.endswith(f"    {named}\n")
    assert ran.out == ""


def test_no_seed_is_taken_from_the_arguments_or_the_environment(crtx: Crtx) -> None:
    seed = (crtx.place / "alice.seed").read_bytes().hex()
    ran = crtx("principal", "--seed", seed, CRTX_SEED=seed, SEED=seed)
    assert ran.status == 40


def test_colours_are_for_terminals(crtx: Crtx) -> None:
    words = crtx.words("inspect", "x")

    def on_terminal(*options: str, **more: str) -> bool:
        environment = {**crtx.environment, "TERM": "xterm", **more}
        with Terminal([*words, *options], cwd=crtx.place, env=environment) as terminal:
            return "\x1b[" in terminal.rest()

    assert on_terminal()
    assert on_terminal(NO_COLOR="")
    assert not on_terminal(NO_COLOR="1")
    assert not on_terminal(TERM="dumb")
    assert not on_terminal("--color", "never")
    assert on_terminal("--color", "always", NO_COLOR="1")
    assert "\x1b[" not in crtx("inspect", "x").out
    assert "\x1b[" in crtx("inspect", "x", "--color", "always").out
    assert "\x1b[" in crtx("inspect", "no/where", "--color", "always").err
    assert "\x1b[" not in crtx("inspect", "x", "--color", "always", "--json").out


def test_output_that_cannot_be_written_is_not_a_success(crtx: Crtx) -> None:
    with open("/dev/full", "wb") as full:
        ran = crtx.start("status", stdout=full)
        assert b"the output could not be written: No space left" in ran.communicate()[1]
    assert ran.returncode == 40


def test_a_reader_that_has_had_enough_is_no_error_message(crtx: Crtx) -> None:
    words = " ".join(f"'{os.fsdecode(word)}'" for word in crtx.words("completion", "bash"))
    # The reader is gone before the first word is written.
    script = f"exec 3> >(:); wait $!; {words} >&3; echo $?"
    ran = subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=crtx.place, env=crtx.environment
    )
    assert (ran.stdout, ran.stderr) == (b"141\n", b"")


def test_closed_streams_are_no_place_for_other_files(crtx: Crtx) -> None:
    see = "import os, sys; print(sorted(os.listdir('/proc/self/fd')), file=open('fds', 'w'))"
    words = " ".join(f"'{os.fsdecode(word)}'" for word in crtx.words())
    for line in (
        f"{words} status",
        f"{words} inspect no/where",
        f'{words} hold x {" ".join(crtx.holder)} -- {sys.executable} -c "{see}"',
    ):
        ran = subprocess.run(
            ["sh", "-c", line + " <&- >&- 2>&-"], cwd=crtx.place, env=crtx.environment, check=False
        )
        assert ran.returncode == (41 if "no/where" in line else 0), line
    plain = subprocess.run(
        ["sh", "-c", f'{sys.executable} -c "{see}" <&- >&- 2>&-'], cwd=crtx.place, check=False
    )
    assert plain.returncode == 0


def test_a_locale_that_cannot_show_a_letter_shows_its_number(crtx: Crtx) -> None:
    (crtx.place / "b\u00fccher").mkdir()
    ran = crtx("inspect", "b\u00fccher/x", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert "'b\\xfccher/x'" in ran.out or "b\\xfccher/x" in ran.out
    assert ran.status == 0


def test_status_lists_all_and_explains_one(crtx: Crtx) -> None:
    listed = crtx("status", "--json").json["result"]["statuses"]
    assert listed == [
        {
            "number": int(one),
            "name": library.status_name(one),
            "message": library.status_message(one),
        }
        for one in library.Status
    ]
    text = crtx("status").out
    for one in listed:
        assert f"{one['number']:>3}  {one['name']}" in text
    for word in ("21", "CRTX_E_CONTENDED", "contended"):
        ran = crtx("status", word)
        assert ran.out == f"21  CRTX_E_CONTENDED\n  {library.status_message(21)}\n"
    assert crtx("status", "19").status == 1


def test_version_names_package_library_and_abi(crtx: Crtx) -> None:
    ran = crtx("--version")
    assert ran.out == f"crtx {library.__version__} (libcrtx {library.version()}, ABI version 1)\n"


def test_a_fault_in_crtx_itself_is_120_and_shows_its_trace(crtx: Crtx) -> None:
    program = """
import sys
from crtx import cli
import crtx.cli.status
def broken(args, screen):
    raise RuntimeError("oops")
crtx.cli.status.status = broken
sys.exit(cli.main(["status", "--json"]))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, env=crtx.environment)
    assert ran.returncode == 120
    assert b"RuntimeError: oops" in ran.stderr
    check_envelope(ran.stdout.decode(), "status", 120)
