# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of cases as it is written, its escapes, and variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"\\": b"\\", b'"': b'"'}
_WORD = re.compile(r'([\w.-]+)([=~])(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_VARIABLE = re.compile(rb"\$\{([^}]*)\}")


class NotWellFormed(Exception):
    """The table is wrong, not the library."""


def unescaped(text: str) -> bytes:
    def byte(found: re.Match[bytes]) -> bytes:
        escape = found.group(1)
        if escape[:1] == b"x" and len(escape) == 3:
            return bytes.fromhex(escape[1:].decode())
        if escape not in _ESCAPED:
            raise NotWellFormed(f"the escape {escape!r} is not known")
        return _ESCAPED[escape]

    return _ESCAPE.sub(byte, text.encode())


def escaped(value: bytes) -> str:
    """Plain ASCII stays, quotes too; the rest is written with the same escapes."""
    short = {0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\"}
    return "".join(
        short.get(byte) or (chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}")
        for byte in value
    )


@dataclass(frozen=True)
class Literal:
    """A variable that is not expanded again."""

    value: bytes


#: A variable's text is expanded at each use, unless it is literal.
Variables = dict[str, Union[bytes, Literal]]


def expanded(variables: Variables, text: bytes) -> bytes:
    def value(found: re.Match[bytes]) -> bytes:
        name = found.group(1).decode()
        if name not in variables:
            raise NotWellFormed(f"there is no ${{{name}}}")
        variable = variables[name]
        return variable.value if isinstance(variable, Literal) else expanded(variables, variable)

    return _VARIABLE.sub(value, text)


@dataclass(frozen=True)
class Pair:
    """``NAME=VALUE``, or in an expectation also ``NAME~VALUE``."""

    name: str
    relation: str
    value: bytes


@dataclass
class Step:
    verb: str
    #: FILE:LINE
    place: str
    #: For "let" and "do" the one pair, NAME=TEXT.
    arguments: list[Pair]
    status: bytes = b"CRTX_OK"
    expected: list[Pair] = field(default_factory=list)


@dataclass
class Block:
    """A case, or steps that several cases do."""

    name: str
    steps: list[Step] = field(default_factory=list)
    #: The languages that cannot do it.
    unless: list[str] = field(default_factory=list)
    needs_network: bool = False


def _pairs(words: str) -> list[Pair]:
    pairs = []
    while words := words.strip():
        word = _WORD.match(words)
        if word is None:
            raise NotWellFormed(f"{words!r} does not begin with NAME=VALUE")
        name, relation, quoted, bare = word.groups()
        pairs.append(Pair(name, relation, unescaped(bare if quoted is None else quoted)))
        words = words[word.end() :]
    return pairs


def _assignment(rest: str) -> Pair:
    name, _, text = rest.partition(" ")
    return Pair(name, "=", unescaped(text))


@dataclass
class Table:
    variables: Variables = field(default_factory=dict)
    defaults: dict[str, list[Pair]] = field(default_factory=dict)
    steps: dict[str, Block] = field(default_factory=dict)
    cases: list[Block] = field(default_factory=list)

    def read(self, path: Path) -> None:
        block = None
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{path.name}:{number}"
            try:
                block = self._take(line.lstrip(), place, block)
            except NotWellFormed as error:
                raise NotWellFormed(f"{place}: {error}") from error

    def _take(self, line: str, place: str, block: Block | None) -> Block | None:
        word, _, rest = line.partition(" ")
        if not word or word.startswith("#") or word == "exempt":
            return block
        if word in ("case", "steps"):
            block = Block(rest)
            if word == "case":
                self.cases.append(block)
            else:
                self.steps[rest] = block
        elif block is None:
            self._define(word, rest)
        elif word == "unless":
            block.unless = rest.partition(":")[0].split()
        elif word == "needs":
            block.needs_network = rest == "network"
        elif word == "=":
            _expect(block.steps[-1], rest.lstrip())
        elif word == "let":
            block.steps.append(Step(word, place, [_assignment(rest)]))
        elif word == "do":
            block.steps.append(Step(word, place, [Pair("steps", "=", rest.encode())]))
        else:
            block.steps.append(Step(word, place, _pairs(rest)))
        return block

    def _define(self, word: str, rest: str) -> None:
        if word == "let":
            pair = _assignment(rest)
            self.variables[pair.name] = pair.value
        elif word == "default":
            verb, _, words = rest.partition(" ")
            self.defaults[verb] = _pairs(words)
        else:
            raise NotWellFormed("a step belongs to a case")


def _expect(step: Step, words: str) -> None:
    if words.startswith(("CRTX_", "${")):
        status, _, words = words.partition(" ")
        step.status = status.encode()
    step.expected += _pairs(words)
