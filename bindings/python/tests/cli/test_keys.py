# SPDX-License-Identifier: MIT OR Apache-2.0
"""Operators' keys: made once, never overwritten, never read where others can read them."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest

import crtx as library
from crtx.cli import keys

from .command import FIXTURES, Crtx
from .terminal import Terminal

SEED = bytes(range(1, 33))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keygen_writes_a_private_seed_and_its_public_key(crtx: Crtx) -> None:
    made = crtx("keygen", "bob", "--json")
    seed, public = crtx.place / "bob.seed", crtx.place / "bob.pub"
    assert (mode(seed), mode(public)) == (0o600, 0o644)
    assert library.public_key(seed.read_bytes()) == public.read_bytes()
    assert made.json["result"] == {
        "seed_path": "bob.seed",
        "public_key_path": "bob.pub",
        "public_key_hex": public.read_bytes().hex(),
        "operator_principal_id": library.operator_principal(public.read_bytes()),
    }
    text = crtx("keygen", "carol").out
    assert library.operator_principal((crtx.place / "carol.pub").read_bytes()) in text
    assert (crtx.place / "carol.seed").read_bytes() != seed.read_bytes()


def test_keygen_has_these_modes_whatever_the_umask(crtx: Crtx) -> None:
    for mask in (0o000, 0o777):
        before = os.umask(mask)
        try:
            assert crtx("keygen", f"masked{mask}").status == 0
        finally:
            os.umask(before)
        assert mode(crtx.place / f"masked{mask}.seed") == 0o600
        assert mode(crtx.place / f"masked{mask}.pub") == 0o644


@pytest.mark.parametrize("existing", ["bob.seed", "bob.pub"])
def test_keygen_overwrites_nothing_and_leaves_nothing_half_done(crtx: Crtx, existing: str) -> None:
    (crtx.place / existing).write_text("precious")
    before = sorted(os.listdir(crtx.place))
    ran = crtx("keygen", "bob")
    assert ran.status == 40
    assert f"cannot write {existing}: File exists, and is not overwritten" in ran.err
    assert (crtx.place / existing).read_text() == "precious"
    assert sorted(os.listdir(crtx.place)) == before


def test_principal_is_told_of_public_keys_and_of_seeds_in_every_form(crtx: Crtx) -> None:
    public = library.public_key(SEED)
    name = library.operator_principal(public)
    for content in (public, public.hex().encode() + b"\n", base64.b64encode(public) + b"\n"):
        (crtx.place / "key").write_bytes(content)
        assert crtx("principal", "--public-key", "key").out == name + "\n"
    for content in (SEED, base64.b64encode(SEED), b"  " + base64.b64encode(SEED) + b" \r\n"):
        assert crtx("principal", "--seed", "-", stdin=content).out == name + "\n"
        (crtx.place / "key").write_bytes(content)
        (crtx.place / "key").chmod(0o400)
        assert crtx("principal", "--seed", "key").out == name + "\n"
        (crtx.place / "key").chmod(0o600)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644, 0o620, 0o602, 0o610])
def test_a_seed_that_others_can_read_or_change_is_refused(crtx: Crtx, bits: int) -> None:
    (crtx.place / "alice.seed").chmod(bits)
    for words in (
        ("principal", "--seed", "alice.seed"),
        ("sign", "restore.intent.json", "--seed", "alice.seed", "--yes"),
    ):
        ran = crtx(*words)
        assert ran.status == 43
        assert f"(mode {bits:04o}), and is not used" in ran.err
        assert "    chmod 600 alice.seed\n" in ran.err
    assert not (crtx.place / "restore.intent.sig").exists()


def test_a_seed_comes_through_a_pipe_of_the_shell_too(crtx: Crtx) -> None:
    words = " ".join(f"'{os.fsdecode(word)}'" for word in crtx.words("principal", "--seed"))
    ran = subprocess.run(
        ["bash", "-c", f"{words} <(base64 alice.seed)"],
        capture_output=True,
        cwd=crtx.place,
        env=crtx.environment,
        check=True,
    )
    assert ran.stdout.decode() == crtx("principal", "--public-key", "alice.pub").out


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SEED[:31],
        SEED + b"\n",
        base64.b64encode(SEED)[:-1],
        base64.b64encode(SEED[:31]),
        base64.b64encode(SEED + b"x"),
        base64.urlsafe_b64encode(b"\xff" * 32),
        # The last letter has two bits that mean nothing, and must be zero.
        base64.b64encode(SEED)[:-2] + b"B=",
        b"x" * 100_000,
    ],
)
def test_what_is_no_seed_is_refused_and_not_shown(crtx: Crtx, content: bytes) -> None:
    ran = crtx("principal", "--seed", "-", stdin=content)
    assert ran.status == 1
    assert "standard input holds no seed: a seed is 32 raw bytes" in ran.err
    assert content[:8].decode(errors="replace") not in ran.err or not content


def test_base64_is_decoded_as_the_standard_library_does() -> None:
    for _ in range(200):
        seed = os.urandom(32)
        decoded = keys._from_base64(bytearray(base64.b64encode(seed)))
        assert decoded == bytearray(seed)


def test_a_seed_is_wiped_when_it_was_used(crtx: Crtx) -> None:
    with keys.seed_from(str(crtx.place / "alice.seed")) as seed:
        assert any(seed)
    assert seed == bytearray(32)
    with pytest.raises(RuntimeError), keys.seed_from(str(crtx.place / "alice.seed")) as seed:
        raise RuntimeError
    assert seed == bytearray(32)


def test_a_seed_is_not_read_from_a_terminal_that_shows_it(crtx: Crtx) -> None:
    words = crtx.words("principal", "--seed", "-")
    with Terminal(words, cwd=crtx.place, env=crtx.environment) as terminal:
        assert "standard input is a terminal, which would show the seed" in terminal.rest()
        assert terminal.process.returncode == 1


def test_a_seed_that_is_missing_is_an_error_of_the_system(crtx: Crtx) -> None:
    ran = crtx("principal", "--seed", "nowhere", "--json")
    assert ran.status == 40
    assert ran.json["error"]["os_error"] == 2
    assert ran.json["error"]["path"] == "nowhere"
    assert "cannot read nowhere: No such file or directory" in ran.json["message"]


def test_what_is_no_public_key_is_refused_by_the_library(crtx: Crtx) -> None:
    for content in (b"", b"x" * 31, b"\xff" * 32, b"z" * 64, b"x" * 5000):
        (crtx.place / "key").write_bytes(content)
        ran = crtx("principal", "--public-key", "key")
        assert ran.status == 60
        assert "CRTX_E_UNTRUSTED_KEY" in ran.err


def test_the_keys_of_the_reference_are_read(crtx: Crtx) -> None:
    seed = (FIXTURES / "operator.seed").read_bytes()
    name = crtx("principal", "--public-key", FIXTURES / "operator.pub").out
    assert crtx("principal", "--seed", "-", stdin=seed).out == name
    # `cortex sign` reads base64 from standard input.
    assert crtx("principal", "--seed", "-", stdin=base64.b64encode(seed)).out == name
