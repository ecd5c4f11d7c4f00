# SPDX-License-Identifier: MIT OR Apache-2.0
"""The steps that the runner does itself: files, and what is found of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Callable

from conformance.words import Outcome, Words


def _path(words: Words, name: str = "path") -> bytes:
    return words.raw(name)


def _write(words: Words) -> None:
    """An existing file is written anew, and stays the file that it is."""
    with open(_path(words), "wb") as file:
        file.write(words.raw("bytes") * (words.number("times") if words.optional("times") else 1))


def _stat(words: Words) -> dict[str, bytes]:
    try:
        mode = os.lstat(_path(words)).st_mode
    except OSError:
        return {"kind": b"none"}
    kinds = {stat.S_ISREG: b"file", stat.S_ISDIR: b"directory", stat.S_ISLNK: b"symlink"}
    kinds[stat.S_ISFIFO] = b"fifo"
    kind = next((kind for is_kind, kind in kinds.items() if is_kind(mode)), b"other")
    return {"mode": b"%04o" % stat.S_IMODE(mode), "kind": kind}


def _bytes(words: Words) -> dict[str, bytes]:
    found = Path(os.fsdecode(_path(words))).read_bytes()
    return {"bytes": found.hex().encode() if words.optional("form") == b"hex" else found}


def _entries(words: Words) -> dict[str, bytes]:
    return {"list": b" ".join(sorted(os.listdir(_path(words))))}


ACTS: dict[str, Callable[[Words], object]] = {
    "write": _write,
    "delete": lambda words: os.unlink(_path(words)),
    "rename": lambda words: os.rename(_path(words), _path(words, "to")),
    "mkdir": lambda words: os.mkdir(_path(words)),
    "symlink": lambda words: os.symlink(_path(words, "to"), _path(words)),
    "link": lambda words: os.link(_path(words, "to"), _path(words)),
    "fifo": lambda words: os.mkfifo(_path(words)),
    "chmod": lambda words: os.chmod(_path(words), int(words.text("mode"), 8)),
    "chdir": lambda words: os.chdir(_path(words)),
    "stat": _stat,
    "bytes": _bytes,
    "entries": _entries,
}


def act(verb: str, words: Words) -> Outcome:
    results = ACTS[verb](words)
    return Outcome(None, results if isinstance(results, dict) else {})
