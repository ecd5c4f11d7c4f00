# SPDX-License-Identifier: MIT OR Apache-2.0
"""The whole command line: the one truth behind parsing, help, completions and docs/command.md."""

from __future__ import annotations

from crtx.cli import (
    arguments,
    attest,
    completion,
    evidence,
    hold,
    inspect,
    intent,
    keys,
    signing,
    stale,
    status,
)

_DESCRIPTION = """
An exclusive lock on a storage engine's active store, held across a destructive restore, that leaves
evidence when a restore dies and lets nobody take over silently. PATH is always the marker beside the
store, such as /srv/ledger/ledger.db.restore."""

_EPILOG = """
a stale marker, in short:
  crtx inspect PATH                   who left it, and is nobody at work?
  crtx attest PATH --seed ... --justification '...'      an operator signs
  crtx quarantine PATH --attestation ... --public-key ... --deployment-id ...
  crtx evidence verify PATH --public-key ...

exit status:
  0 on success, else the number of a crtx status (`crtx status` lists them);
  1 for a usage error. `crtx hold` and `crtx takeover` end as COMMAND does."""


def build() -> arguments.Parser:
    parser = arguments.Parser(prog="crtx", description=_DESCRIPTION.strip(), epilog=_EPILOG.strip())
    parser.add_argument("--version", action="store_true", help="print the versions, and exit")
    arguments.add_output_options(parser)
    commands = parser.add_subparsers(metavar="COMMAND", dest="noun")
    for module in (
        inspect,
        hold,
        keys,
        intent,
        attest,
        signing,
        stale,
        evidence,
        status,
        completion,
    ):
        module.add_to(commands)
    return parser
