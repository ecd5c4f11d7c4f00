# SPDX-License-Identifier: MIT OR Apache-2.0
"""The words of one step, expanded, and what it gave."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.table import NotWellFormed, Pair, Variables, expanded


@dataclass
class Outcome:
    """What a step gave: its status, if it has one, and its outputs by name."""

    status: str | None = None
    results: dict[str, bytes] = field(default_factory=dict)


class Words:
    def __init__(self, own: list[Pair], defaults: list[Pair], variables: Variables) -> None:
        given = {pair.name: pair.value for pair in [*defaults, *own]}
        self._given = given
        self._variables = variables

    def with_words(self, own: list[Pair], defaults: list[Pair]) -> Words:
        return Words(own, defaults, self._variables)

    def optional(self, name: str) -> bytes | None:
        value = self._given.get(name)
        return None if value is None else expanded(self._variables, value)

    def raw(self, name: str) -> bytes:
        value = self.optional(name)
        if value is None:
            raise NotWellFormed(f"there is no {name}")
        return value

    def text(self, name: str) -> str:
        return self.raw(name).decode()

    def optional_text(self, name: str) -> str | None:
        value = self.optional(name)
        return None if value is None else value.decode()

    def hex(self, name: str) -> bytes:
        return bytes.fromhex(self.text(name))

    def number(self, name: str) -> int:
        """0 if it is not given."""
        return int(self.optional(name) or b"0")

    def allows(self, what: str) -> bool:
        return what.encode() in (self.optional("allow") or b"").split(b",")
