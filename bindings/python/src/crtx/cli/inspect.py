# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx inspect``: who is at work on a store, or died at it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from crtx.cli import arguments, times
from crtx.cli.escape import path_fields, path_word, visible
from crtx.cli.outcome import Outcome, marker_fields, state_name
from crtx.cli.screen import table
from crtx.errors import Contended, CrtxError, MarkerExists, MarkerMalformed
from crtx.state import MarkerState
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen
    from crtx.marker import Marker


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "inspect",
        "crtx.cli.inspect:inspect",
        "tell whether a store is free, held or stale, by whom, and what to do",
        """
Tells how the marker at PATH stands. FREE: there is none. HELD: a live process is at work; nobody may
take over. STALE: a restore died, or kept its marker on purpose; only a signed attestation moves the
marker aside. MALFORMED: nobody holds it, and it cannot be read. The kernel's locks decide that, never
a process id, a host name or an age. Nothing is changed, and nothing is waited for.""",
        """
crtx inspect /srv/ledger/ledger.db.restore
crtx inspect --check /srv/ledger/ledger.db.restore && echo the store is free
crtx inspect --json /srv/ledger/ledger.db.restore | jq -r .result.state""",
        """
exit status:
  0 for every answer, free, held, stale or malformed; with --check 0 only if
  the store is free, 20 if the marker is stale, 21 if it is held, 47 if it is
  malformed. Else the number of a crtx status (`crtx status` lists them); 1 for
  a usage error.""",
    )
    arguments.add_path(parser)
    parser.add_argument(
        "--check", action="store_true", help="let the exit status tell whether the store is free"
    )
    arguments.add_output_options(parser)


def inspect(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import marker

    found = marker.inspect(args.path)
    state = MarkerState.ABSENT if found is None else found.state
    word = path_word(args.path)
    result = {
        **path_fields("path", args.path),
        "state": state_name(state),
        "marker": marker_fields(found),
    }
    if found is None:
        free = f"{word}: {screen.paint('FREE', 'green')}, there is no marker"
        return Outcome(f"{word} is free: there is no marker", result, [free])
    title, colour, advice = _ANSWERS[state]
    message = f"{word} is {title}"
    first, _, rest = title.partition(",")
    lines = [f"{word}: {screen.paint(first, colour)}{_comma(rest)}", *table(_rows(found))]
    for line in advice(found, word):
        lines.append(line)
    error = _check_error(found, message, args.path) if args.check else None
    return Outcome(message, result, lines, error)


def _comma(rest: str) -> str:
    return f",{rest}" if rest else ""


def _rows(found: Marker) -> list[tuple[str, str]]:
    rows = []
    if found.pid:
        host = f" on host {visible(found.host)}" if found.host else ""
        rows = [
            ("process", f"{found.pid}{host}"),
            ("since", _since(found)),
            ("deployment", visible(found.deployment_id)),
            ("operator", visible(found.operator_principal_id)),
            ("intent", found.restore_intent_blake3),
        ]
    return [*rows, ("digest", found.marker_blake3 or "(over 1 MiB: none)")]


def _since(found: Marker) -> str:
    time = found.acquired_time
    if time is None:
        return visible(found.acquired_at)
    return f"{times.both(time)}, {times.ago(time)}"


def _held(found: Marker, word: str) -> list[str]:
    here = found.host and found.host == os.uname().nodename
    where = "" if here or not found.host else f"on {visible(found.host)}: "
    look = f"  {where}ps -o pid,lstart,args -p {found.pid}" if found.pid else "  lslocks"
    return [
        "",
        "Nobody can take over, whatever they have signed. See what it does, and wait:",
        look,
        "  crtx hold --timeout 10m ...",
    ]


def _stale(found: Marker, word: str) -> list[str]:
    return [
        "",
        "A restore died, or kept its marker on purpose: the store may be half restored.",
        "Look at the store first. If that restore is over for good, an operator signs:",
        f"  crtx attest {word} --seed OPERATOR.seed --justification 'WHY'",
    ]


def _malformed(found: Marker, word: str) -> list[str]:
    return [
        "",
        "Find out who wrote this file: crtx leaves no such one. The attestation that moves",
        "it aside names its digest and the deployment:",
        f"  crtx attest {word} --seed OPERATOR.seed --justification 'WHY' --deployment-id ID",
    ]


_ANSWERS = {
    MarkerState.HELD: ("HELD, a live process is at work", "red", _held),
    MarkerState.HELD_BY_THIS_PROCESS: ("HELD, by this process", "red", _held),
    MarkerState.STALE: ("STALE, no process holds it", "yellow", _stale),
    MarkerState.MALFORMED: ("MALFORMED, no process holds it", "yellow", _malformed),
}


def _check_error(found: Marker, message: str, path: str) -> CrtxError:
    """What ``--check`` ends with. Three states that an acquire answers alike have their own."""
    kind, status = {
        MarkerState.STALE: (MarkerExists, Status.MARKER_EXISTS),
        MarkerState.MALFORMED: (MarkerMalformed, Status.MARKER_MALFORMED),
    }.get(found.state, (Contended, Status.CONTENDED))
    return kind(
        message,
        status=status,
        operation="inspect",
        path=path,
        marker_state=found.state,
        marker=found,
    )
