# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asking a person before a signature: on the terminal itself, so that no pipe answers by accident
and a seed may come through standard input."""

from __future__ import annotations

import os

from crtx.errors import CrtxError, invalid_argument


def ask(summary: list[str], wanted: str | None) -> None:
    """Shows the summary and asks for ``wanted`` to be typed, or for ``yes`` if it is None. Raises if
    there is no terminal, or another answer."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise invalid_argument(
            f"nothing was signed: there is no terminal to ask on ({error.strerror}), "
            "and --yes was not given"
        ) from error
    try:
        question = "Type yes to sign: " if wanted is None else "Type the deployment id to sign: "
        _write(terminal, "\n".join([*summary, "", question]))
        answer = _read_line(terminal)
    finally:
        os.close(terminal)
    if answer != ("yes" if wanted is None else wanted):
        raise _refused("yes" if wanted is None else "the deployment id")


def _refused(wanted: str) -> CrtxError:
    return invalid_argument(f"nothing was signed: the answer was not {wanted}")


def _write(terminal: int, text: str) -> None:
    rest = memoryview(text.encode(errors="backslashreplace"))
    while rest:
        rest = rest[os.write(terminal, rest) :]


def _read_line(terminal: int) -> str:
    # A terminal gives a line at a time, and nothing at the end of input.
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(terminal, 4096)
        if not part:
            break
        line += part
    return line.decode(errors="replace").strip("\r\n")
