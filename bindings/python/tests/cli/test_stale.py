# SPDX-License-Identifier: MIT OR Apache-2.0
"""A stale marker: attested, signed, moved aside or taken over."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import crtx as library

from .command import DEPLOYMENT, Crtx, finish, until
from .terminal import Terminal

ATTEST = ("--seed", "alice.seed", "--justification", "the power failed")


@pytest.fixture
def stale(crtx: Crtx) -> Crtx:
    crtx.leave_stale()
    return crtx


def files(crtx: Crtx) -> list[str]:
    return sorted(os.listdir(crtx.place))


def test_attest_shows_what_is_signed_and_writes_what_quarantine_takes(stale: Crtx) -> None:
    marker = library.inspect(stale.marker)
    assert marker is not None
    ran = stale.attest()
    assert ran.status == 0
    for text in (
        str(stale.marker),
        "STALE: no process holds it",
        f"left by process  {marker.pid}",
        f"on host          {marker.host}",
        f"deployment       {DEPLOYMENT}",
        f"marker's digest  {marker.marker_blake3}",
        "justification    the power failed",
        f"signed by        {marker.operator_principal_id}",
    ):
        assert text in ran.out
    assert "Then, to move the marker aside:" in ran.out
    command = ran.out.partition("aside:\n")[2]
    assert "alice.pub" in command
    words = " ".join(f"'{os.fsdecode(word)}'" for word in stale.words())
    copied = subprocess.run(
        ["sh", "-c", command.replace("crtx", words, 1)],
        cwd=stale.place,
        env=stale.environment,
        check=False,
    )
    assert copied.returncode == 0
    assert stale.state() == "absent"


def test_attest_writes_the_librarys_own_document(stale: Crtx) -> None:
    result = stale.attest("--json", "--valid-for", "90m").json["result"]
    payload = (stale.place / result["attestation_path"]).read_bytes()
    signature = (stale.place / result["signature_path"]).read_bytes()
    document = json.loads(payload)
    assert result["document"] == document
    assert payload == json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert library.sign((stale.place / "alice.seed").read_bytes(), payload) == signature
    assert document["stale_marker_blake3"] == result["marker"]["marker_blake3"]
    window = [datetime.fromisoformat(document[name][:26]) for name in ("not_before", "not_after")]
    assert window[1] - window[0] == timedelta(minutes=90 + 5)


def test_attest_asks_for_the_deployment_id_on_the_terminal(stale: Crtx) -> None:
    words = stale.words("attest", stale.marker, *ATTEST)
    with Terminal(words, cwd=stale.place, env=stale.environment) as terminal:
        shown = terminal.expect("Type the deployment id to sign: ")
        assert "the power failed" in shown
        terminal.type(DEPLOYMENT + "\n")
        terminal.rest()
        assert terminal.process.returncode == 0
    assert stale.quarantine().status == 0


@pytest.mark.parametrize("answer", ["\n", "y\n", "yes\n", "ledger\n", "\x04"])
def test_any_other_answer_signs_nothing(stale: Crtx, answer: str) -> None:
    before = files(stale)
    words = stale.words("attest", stale.marker, *ATTEST)
    with Terminal(words, cwd=stale.place, env=stale.environment) as terminal:
        terminal.expect("to sign: ")
        terminal.type(answer)
        assert "nothing was signed: the answer was not the deployment id" in terminal.rest()
        assert terminal.process.returncode == 1
    assert files(stale) == before


def test_ctrl_c_at_the_question_signs_nothing_and_shows_no_trace(stale: Crtx) -> None:
    before = files(stale)
    words = stale.words("attest", stale.marker, *ATTEST)
    with Terminal(words, cwd=stale.place, env=stale.environment) as terminal:
        terminal.expect("to sign: ")
        terminal.type("\x03")
        assert "Traceback" not in terminal.rest()
        assert terminal.process.returncode == -2
    assert files(stale) == before


def test_the_question_is_asked_on_the_terminal_when_the_seed_comes_by_a_pipe(stale: Crtx) -> None:
    reading, writing = os.pipe()
    os.write(writing, (stale.place / "alice.seed").read_bytes())
    os.close(writing)
    words = stale.words("attest", stale.marker, "--seed", "-", *ATTEST[2:])
    with Terminal(words, cwd=stale.place, env=stale.environment, stdin=reading) as terminal:
        os.close(reading)
        terminal.expect("to sign: ")
        terminal.type(DEPLOYMENT + "\n")
        terminal.rest()
        assert terminal.process.returncode == 0
    assert stale.quarantine().status == 0


def test_the_question_is_seen_when_standard_output_is_a_file(stale: Crtx) -> None:
    words = stale.words("attest", stale.marker, *ATTEST, "--json")
    with (
        (stale.place / "out.json").open("wb") as out,
        Terminal(words, cwd=stale.place, env=stale.environment, stdout=out) as terminal,
    ):
        assert "the power failed" in terminal.expect("to sign: ")
        terminal.type(DEPLOYMENT + "\n")
        terminal.rest()
    envelope = json.loads((stale.place / "out.json").read_text())
    assert envelope["result"]["document"]["justification"] == "the power failed"


def test_without_a_terminal_and_without_yes_nothing_is_signed(stale: Crtx) -> None:
    before = files(stale)
    ran = stale("attest", stale.marker, *ATTEST, stdin=DEPLOYMENT.encode() + b"\n")
    assert ran.status == 1
    assert "nothing was signed: there is no terminal to ask on" in ran.err
    assert files(stale) == before


def test_attest_overwrites_nothing(stale: Crtx) -> None:
    for existing in ("ledger.db.restore.attestation.json", "ledger.db.restore.attestation.sig"):
        (stale.place / existing).write_text("precious")
        before = files(stale)
        ran = stale.attest()
        assert ran.status == 40
        assert f"cannot write {existing}: File exists, and is not overwritten" in ran.err
        assert files(stale) == before
        (stale.place / existing).unlink()
    assert stale.attest().status == 0


def test_attest_writes_where_and_as_it_is_told(stale: Crtx) -> None:
    (stale.place / "out").mkdir()
    result = stale.attest("--output-dir", "out", "--name", "INC-4711", "--json").json["result"]
    assert result["attestation_path"] == "out/INC-4711.attestation.json"
    assert sorted(os.listdir(stale.place / "out")) == [
        "INC-4711.attestation.json",
        "INC-4711.attestation.sig",
    ]


def test_a_held_marker_is_warned_of_loudly_and_the_attestation_does_not_help(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    ran = crtx.attest()
    assert "WARNING: this marker is HELD" in ran.out
    assert "the marker is HELD" in ran.err
    refused = crtx.quarantine()
    assert refused.status == 21
    assert "no signature overrides a live holder" in refused.err
    holder.communicate(b"\n")


def test_attest_of_no_marker_says_that_the_store_is_free(crtx: Crtx) -> None:
    ran = crtx.attest()
    assert ran.status == 22
    assert "the store is free" in ran.err


def test_a_malformed_marker_wants_the_deployment_and_is_then_moved(crtx: Crtx) -> None:
    crtx.marker.write_text("half a mark")
    ran = crtx.attest()
    assert ran.status == 1
    assert "deployment_id" in ran.err
    assert crtx.attest("--deployment-id", DEPLOYMENT).status == 0
    assert crtx.quarantine().status == 0
    assert crtx("evidence", "verify", ".", "--public-key", "alice.pub").status == 0


def test_two_people_and_two_machines_can_attest(stale: Crtx) -> None:
    before = files(stale)
    words = ("--unsigned", "--public-key", "alice.pub", "--justification", "x")
    written = stale("attest", stale.marker, *words)
    assert written.status == 0
    assert "    crtx sign" not in written.err
    document = "ledger.db.restore.attestation.json"
    assert f"  crtx sign {document} --seed OPERATOR.seed" in written.out
    assert files(stale) == sorted([*before, document])
    signed = stale("sign", document, "--seed", "alice.seed", "--yes")
    assert signed.status == 0
    assert "justification    x" in signed.out
    assert stale.quarantine().status == 0


def test_unsigned_wants_to_know_who_will_sign(stale: Crtx) -> None:
    ran = stale("attest", stale.marker, "--unsigned", "--justification", "x")
    assert ran.status == 1
    assert "--unsigned wants --public-key" in ran.err


def test_a_public_key_that_is_not_the_seeds_is_refused_before_signing(stale: Crtx) -> None:
    assert stale("keygen", "bob").status == 0
    ran = stale.attest("--public-key", "bob.pub")
    assert ran.status == 1
    assert "bob.pub is not the public key of this seed" in ran.err


def test_sign_refuses_a_document_that_names_another_key(stale: Crtx) -> None:
    assert stale("keygen", "bob").status == 0
    stale("attest", stale.marker, "--unsigned", "--public-key", "alice.pub", "--justification", "x")
    document = "ledger.db.restore.attestation.json"
    ran = stale("sign", document, "--seed", "bob.seed", "--yes")
    assert ran.status == 66
    assert "nobody would accept the signature" in ran.err
    assert not (stale.place / "ledger.db.restore.attestation.sig").exists()


def test_sign_asks_for_the_documents_deployment_or_for_yes(stale: Crtx) -> None:
    stale("attest", stale.marker, "--unsigned", "--public-key", "alice.pub", "--justification", "x")
    (stale.place / "letter").write_text("dear all")
    for document, answer, output in [
        ("ledger.db.restore.attestation.json", DEPLOYMENT, "ledger.db.restore.attestation.sig"),
        ("letter", "yes", "letter.sig"),
    ]:
        words = stale.words("sign", document, "--seed", "alice.seed")
        with Terminal(words, cwd=stale.place, env=stale.environment) as terminal:
            shown = terminal.expect("to sign: ")
            assert ("NOT a document of crtx" in shown) == (document == "letter")
            terminal.type(answer + "\n")
            terminal.rest()
            assert terminal.process.returncode == 0
        assert (stale.place / output).stat().st_size == 64
        again = stale("sign", document, "--seed", "alice.seed", "--yes")
        assert again.status == 40
        assert "is not overwritten" in again.err


def test_what_a_document_says_cannot_fool_the_terminal(crtx: Crtx) -> None:
    name = crtx("principal", "--public-key", "alice.pub").out.strip()
    document = {
        "kind": "cortex_restore_lock_takeover",
        "operator_principal_id": name,
        "justification": "fine\x1b[2J\r\u202eevil",
        "more\x07": {"a\x1b": 1},
    }
    (crtx.place / "odd.json").write_text(json.dumps(document))
    ran = crtx("sign", "odd.json", "--seed", "alice.seed", "--yes")
    assert ran.status == 0
    assert "fine\\x1b[2J\\x0d\\u{202e}evil" in ran.out
    assert "more\\x07" in ran.out
    assert all(letter.isprintable() or letter == "\n" for letter in ran.out)


def test_quarantine_says_where_the_marker_is_kept(stale: Crtx) -> None:
    stale.attest()
    ran = stale.quarantine()
    assert ran.status == 0
    assert "QUARANTINED" in ran.out
    (kept,) = library.list_evidence(stale.marker)
    assert f"  crtx evidence verify {kept} --public-key alice.pub" in ran.out


def test_dry_run_tells_and_changes_nothing(stale: Crtx) -> None:
    stale.attest()
    before = files(stale)
    assert stale.quarantine("--dry-run").status == 0
    ran = stale.quarantine("--dry-run", "--now", "2000-01-01T00:00:00Z")
    assert ran.status == 68
    assert files(stale) == before
    assert stale.state() == "stale"


def test_now_moves_no_marker(stale: Crtx) -> None:
    stale.attest()
    ran = stale.quarantine("--now", "2026-11-24T03:00:00Z")
    assert ran.status == 1
    assert "--now goes with --dry-run" in ran.err
    assert stale.state() == "stale"


def test_each_refusal_names_the_next_step(stale: Crtx) -> None:
    stale.attest()
    assert stale("keygen", "bob").status == 0
    base = ("quarantine", stale.marker, *stale.attestation)
    for words, status, following in [
        (("--public-key", "bob.pub", "--deployment-id", DEPLOYMENT), 62, "crtx principal"),
        (("--public-key", "alice.pub", "--deployment-id", "test"), 67, "crtx inspect"),
        (
            (
                *("--public-key", "alice.pub", "--deployment-id", DEPLOYMENT),
                *("--dry-run", "--now", "2099-01-01T00:00:00Z"),
            ),
            69,
            "crtx attest",
        ),
    ]:
        ran = stale(*base, *words)
        assert ran.status == status
        assert f"({status}): " in ran.err
        assert f"    {following}" in ran.err
    assert stale.state() == "stale"


def test_an_attestation_of_another_marker_is_refused(stale: Crtx) -> None:
    stale.attest()
    stale.marker.unlink()
    stale.leave_stale()
    ran = stale.quarantine()
    assert ran.status == 72
    assert f"    crtx attest {stale.marker}" in ran.err


def takeover(crtx: Crtx, *words: str) -> Any:
    return crtx(
        *("takeover", crtx.marker, *crtx.attestation, *crtx.holder),
        *words,
    )


def test_takeover_runs_command_under_the_new_lock_and_keeps_the_old_marker(stale: Crtx) -> None:
    stale.attest()
    see = 'cat "$CRTX_MARKER_PATH" "$CRTX_STALE_PATH"; exit 4'
    ran = takeover(stale, "--", "sh", "-c", see)
    assert ran.status == 4
    assert ran.out.count("deployment_id=ledger-production") == 2
    assert stale.state() == "absent"
    assert stale("evidence", "verify", stale.marker, "--public-key", "alice.pub").status == 0


def test_takeover_in_json_says_where_the_old_marker_is(stale: Crtx) -> None:
    stale.attest()
    ran = takeover(stale, "--json", "--leak-on-failure", "--", "false")
    result = json.loads(ran.err)["result"]
    assert [Path(result["stale_path"])] == library.list_evidence(stale.marker)
    assert (result["lock"], result["exit_status"]) == ("leaked", 1)
    assert stale.state() == "stale"


def test_takeover_of_what_is_held_runs_nothing(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    crtx.attest()
    ran = takeover(crtx, "--", "touch", "ran")
    assert ran.status == 21
    assert not (crtx.place / "ran").exists()
    holder.stdin.close()  # type: ignore[union-attr]
    holder.stdin = None
    finish(holder)


def test_takeover_has_a_dry_run_without_a_command(stale: Crtx) -> None:
    stale.attest()
    assert takeover(stale, "--dry-run").status == 0
    assert stale.state() == "stale"


def test_paths_that_are_no_text_go_through_every_command(crtx: Crtx) -> None:
    marker = os.fsencode(crtx.place) + b"/l\xffdger \x1b'$x"
    word = r"l\377dger \033\'$x'"
    crtx.marker = Path(os.fsdecode(marker))
    crtx.leave_stale()
    inspected = crtx("inspect", marker)
    assert f"{word}: STALE" in inspected.out
    # The word is one that a shell turns into the path again.
    said = inspected.out.split("crtx attest ")[1].split(" --seed")[0]
    told = subprocess.run(["bash", "-c", f"printf %s {said}"], capture_output=True, check=True)
    assert told.stdout == marker
    assert crtx("inspect", "--json", marker).json["result"]["path_bytes_hex"] == marker.hex()
    attested = crtx.attest("--name", "odd", "--json")
    assert attested.status == 0
    crtx.attestation = ("--attestation", "odd.attestation.json")
    kept = crtx.quarantine("--json").json["result"]
    assert bytes.fromhex(kept["stale_path_bytes_hex"]).startswith(marker + b".stale-")
    assert kept["stale_path"].startswith(f"{crtx.place}/l\ufffddger ")
    verified = crtx("evidence", "verify", crtx.place, "--public-key", "alice.pub", "--json")
    assert verified.status == 0
    assert (
        verified.json["result"]["evidence"][0]["stale_path_bytes_hex"]
        == kept["stale_path_bytes_hex"]
    )
