# SPDX-License-Identifier: MIT OR Apache-2.0
"""Text that came from a disk or a caller, made fit for a terminal, a shell or JSON."""

from __future__ import annotations

import os
import shlex
from typing import Any

from crtx._types import PathArgument


def visible(text: str) -> str:
    """The text, with all escaped that could move a cursor, change a colour or turn the order of
    letters, and all that no terminal shows."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    # A byte that is not UTF-8 arrives as a lone surrogate (PEP 383).
    number = ord(letter)
    if 0xDC80 <= number <= 0xDCFF:
        number -= 0xDC00
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{{{number:x}}}"


def shell_word(text: str) -> str:
    """One word for a shell, to be read and to be copied. What is not printable needs ``$'…'``,
    which bash, zsh and ksh know."""
    if text.isprintable():
        return shlex.quote(text)
    parts = []
    for letter in text:
        if letter in "\\'":
            parts.append("\\" + letter)
        elif letter.isprintable():
            parts.append(letter)
        else:
            parts.extend(f"\\{byte:03o}" for byte in os.fsencode(letter))
    return f"$'{''.join(parts)}'"


def path_word(path: PathArgument) -> str:
    """A path as a word for a shell, which no command takes for an option."""
    text = os.fsdecode(path)
    return shell_word(f"./{text}" if text.startswith("-") else text)


def path_fields(name: str, path: PathArgument | None) -> dict[str, Any]:
    """A path as fields of a JSON object, without a loss: where its bytes are not UTF-8 the text has
    U+FFFD, and a second field has the bytes."""
    if path is None:
        return {name: None}
    data = os.fsencode(path)
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name: data.decode(errors="replace"), f"{name}_bytes_hex": data.hex()}
