# SPDX-License-Identifier: MIT OR Apache-2.0
"""Operators' keys: ``crtx keygen``, ``crtx principal``, and the files with seeds and public keys.

A seed comes from a file or from standard input, never from the arguments or the environment, which
others can read. It is kept in one bytearray that is wiped; the library wipes its own copies.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crtx.cli import arguments, files
from crtx.cli.escape import path_fields, path_word
from crtx.errors import CrtxError, InsecurePermissions, invalid_argument
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.outcome import Outcome
    from crtx.cli.screen import Screen

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_LENGTH = 44
_SPACES = b" \t\r\n"


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "keygen",
        "crtx.cli.keys:keygen",
        "make an operator's key",
        """
Makes an Ed25519 key for an operator: NAME.seed, the secret (32 raw bytes, mode 0600), and NAME.pub,
the public key (32 raw bytes). Neither file is ever overwritten. Give NAME.pub, or the principal that
is printed, to whoever decides whom this deployment trusts; give NAME.seed to nobody.""",
        """
crtx keygen alice
base64 alice.seed        # for a password manager; `--seed -` takes it back""",
    )
    parser.add_argument("name", metavar="NAME", help="the files' name, without their endings")
    arguments.add_output_options(parser)

    parser = arguments.add_command(
        commands,
        "principal",
        "crtx.cli.keys:principal",
        "tell the operator principal of a key",
        """
Prints the operator principal of a public key, or of the seed that belongs to it: the name that
markers and documents have for whoever holds that key.""",
        """
crtx principal --public-key alice.pub
pass show alice | crtx principal --seed - --json""",
    )
    key = parser.add_mutually_exclusive_group(required=True)
    arguments.add_public_key(key, "the public key", required=False)
    arguments.add_seed(key, required=False)
    arguments.add_output_options(parser)


def keygen(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents
    from crtx.cli.outcome import Outcome

    seed_path, public_path = args.name + ".seed", args.name + ".pub"
    seed = bytearray(os.urandom(32))
    try:
        public = documents.public_key(seed)
        name = documents.operator_principal(public)
        files.write_new([(seed_path, seed, 0o600), (public_path, public, 0o644)])
    finally:
        wipe(seed)
    message = f"the key of {name} is in {files.show([seed_path, public_path])}"
    return Outcome(
        message,
        {
            **path_fields("seed_path", seed_path),
            **path_fields("public_key_path", public_path),
            **_public_fields(public, name),
        },
        [
            f"secret      {path_word(seed_path)}    (keep it, back it up, show it to nobody)",
            f"public key  {path_word(public_path)}",
            f"principal   {name}",
        ],
    )


def principal(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents
    from crtx.cli.outcome import Outcome

    if args.seed is None:
        public = read_public_key(args.public_key)
    else:
        with seed_from(args.seed) as seed:
            public = documents.public_key(seed)
    name = documents.operator_principal(public)
    return Outcome(name, _public_fields(public, name), [name])


def _public_fields(public: bytes, name: str) -> dict[str, str]:
    return {"public_key_hex": public.hex(), "operator_principal_id": name}


# -- public keys -----------------------------------------------------------------------------------


def read_public_key(path: str) -> bytes:
    """A public key: 32 raw bytes, or one line of 64 hex digits or of base64. Anything else goes to
    the library as it is, which refuses it."""
    data = files.read(path, 1024)
    text = data.strip(_SPACES)
    if len(data) == 32:
        return data
    if len(text) == 64:
        try:
            return bytes.fromhex(text.decode("ascii"))
        except ValueError:
            pass
    decoded = _from_base64(bytearray(text))
    return data if decoded is None else bytes(decoded)


# -- seeds -----------------------------------------------------------------------------------------


def wipe(secret: bytearray) -> None:
    secret[:] = bytes(len(secret))


@contextmanager
def seed_from(source: str) -> Iterator[bytearray]:
    """The seed in a file, or on standard input (``-``): 32 raw bytes, or their base64."""
    data = _read_secret(source)
    seed: bytearray | None = None
    try:
        seed = _seed_in(data)
        if seed is None:
            raise invalid_argument(
                f"{_named(source)} holds no seed: a seed is 32 raw bytes, or their base64 in one line"
            )
        yield seed
    finally:
        wipe(data)
        if seed is not None:
            wipe(seed)


def _named(source: str) -> str:
    return "standard input" if source == "-" else path_word(source)


def _seed_in(data: bytearray) -> bytearray | None:
    if len(data) == 32:
        return bytearray(data)
    text = data.strip(_SPACES)
    try:
        return _from_base64(text)
    finally:
        wipe(text)


def _from_base64(text: bytearray) -> bytearray | None:
    """The 32 bytes of 44 letters. The base64 module would leave them in bytes, which nobody can
    wipe."""
    if len(text) != _BASE64_LENGTH or text[-1:] != b"=":
        return None
    decoded = bytearray()
    bits = count = 0
    for letter in text[:-1]:
        value = _BASE64.find(letter)
        if value < 0:
            return None
        bits = (bits << 6 | value) & 0xFFFF
        count += 6
        if count >= 8:
            count -= 8
            decoded.append(bits >> count & 0xFF)
    # What is left over is padding, and has one form only.
    return decoded if bits & ((1 << count) - 1) == 0 else None


def _read_secret(source: str) -> bytearray:
    if source == "-" and os.isatty(0):
        raise invalid_argument(
            "standard input is a terminal, which would show the seed: pipe it in, or name its file"
        )
    try:
        handle = os.dup(0) if source == "-" else os.open(source, os.O_RDONLY)
        try:
            if source != "-":
                _demand_privacy(source, os.fstat(handle))
            return _read_all(handle)
        finally:
            os.close(handle)
    except CrtxError:
        raise
    except OSError as error:
        raise files.io_error("read", source, error) from error


def _demand_privacy(source: str, status: os.stat_result) -> None:
    # A pipe, as a shell's <(…) gives, has no readers but those that were given it.
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        raise InsecurePermissions(
            f"the seed in {path_word(source)} can be read or changed by others "
            f"(mode {stat.S_IMODE(status.st_mode):04o}), and is not used",
            status=Status.INSECURE_PERMISSIONS,
            operation="seed check",
            path=source,
        )


def _read_all(handle: int) -> bytearray:
    buffer = bytearray(1024)
    length = 0
    while length < len(buffer):
        count = os.readv(handle, [memoryview(buffer)[length:]])
        if count == 0:
            break
        length += count
    try:
        return buffer[:length]
    finally:
        wipe(buffer)
