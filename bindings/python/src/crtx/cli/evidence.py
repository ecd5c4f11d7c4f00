# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx evidence list`` and ``crtx evidence verify``: who died, and who allowed going on."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from crtx.cli import arguments, files, keys, summary
from crtx.cli.escape import path_fields, path_word, visible
from crtx.cli.outcome import Outcome, marker_fields
from crtx.cli.screen import table
from crtx.errors import BadSignature, CrtxError, EvidenceInvalid
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen
    from crtx.marker import Marker

_STALE_NAME = re.compile(r"(.+)\.stale-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(-\d+)?", re.DOTALL)

_ABOUT_TARGET = """
TARGET is a marker's path, for all that was quarantined of it; a directory, for all markers in it; or
one quarantined marker, MARKER.stale-TIME."""


def add_to(commands: arguments.Commands) -> None:
    evidence = commands.add_parser(
        "evidence",
        help="quarantined markers: list, verify",
        description="Quarantined markers, and the attestations that allowed moving them aside.",
    )
    arguments.add_output_options(evidence)
    nested = evidence.add_subparsers(metavar="COMMAND", dest="subcommand", required=True)

    parser = arguments.add_command(
        nested,
        "list",
        "crtx.cli.evidence:list_all",
        "list quarantined markers",
        "Lists quarantined markers, oldest first for each marker. It verifies nothing.\n"
        + _ABOUT_TARGET,
        """
crtx evidence list /srv/ledger
crtx evidence list --json /srv/ledger | jq -r '.result.evidence[].stale_path'""",
    )
    _add_targets(parser)
    arguments.add_output_options(parser)

    parser = arguments.add_command(
        nested,
        "verify",
        "crtx.cli.evidence:verify",
        "prove who allowed moving markers aside",
        """
Proves for each quarantined marker that it was moved aside by an attestation that a trusted key signed
and that names this very marker. The time is not checked: the attestation was valid when it was used.
Give --public-key once for each key that was trusted at some time.
"""
        + _ABOUT_TARGET,
        """
crtx evidence verify /srv/ledger --public-key /etc/crtx/alice.pub \\
    --public-key /etc/crtx/retired/bob.pub""",
        """
exit status:
  0 if all hold; else the number of the first failure's status, such as 62 (no
  given key signed it) or 77 (evidence is missing or does not fit; also if
  there is nothing to verify); 1 for a usage error.""",
    )
    _add_targets(parser)
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        required=True,
        action="append",
        help="a key that is or was trusted; may be given several times",
    )
    arguments.add_output_options(parser)


def _add_targets(parser: Any) -> None:
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="+",
        help="a marker, a directory, or a quarantined marker",
    )


def _quarantined(targets: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for target in targets:
        found.update(dict.fromkeys(_quarantined_at(target)))
    return list(found)


def _quarantined_at(target: str) -> list[str]:
    from crtx import stale

    if not os.path.isdir(target):
        if _STALE_NAME.fullmatch(os.path.basename(target)) and os.path.lexists(target):
            return [target]
        return [os.fspath(path) for path in stale.list_evidence(target)]
    try:
        names = os.listdir(target)
    except OSError as error:
        raise files.io_error("read", target, error) from error
    matches = (_STALE_NAME.fullmatch(name) for name in names)
    markers = sorted({match.group(1) for match in matches if match is not None})
    # What belongs to a marker is for the library to say.
    return [path for marker in markers for path in _of_marker(os.path.join(target, marker))]


def _of_marker(path: str) -> list[str]:
    from crtx import stale

    return [os.fspath(found) for found in stale.list_evidence(path)]


def _when(path: str) -> str:
    match = _STALE_NAME.fullmatch(os.path.basename(path))
    if match is None:
        return ""
    year, month, day, hour, minute, second = match.groups()[1:7]
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"


def _marker_at(path: str) -> Marker | None:
    """What a quarantined marker says, where it can be told."""
    from crtx import marker

    try:
        return marker.inspect(path)
    except CrtxError:
        return None


def list_all(args: argparse.Namespace, screen: Screen) -> Outcome:
    paths = _quarantined(args.targets)
    entries, lines = [], []
    for path in paths:
        found = _marker_at(path)
        entries.append(
            {
                **path_fields("stale_path", path),
                "quarantined_at": _when(path),
                "marker": marker_fields(found),
                "has_attestation": os.path.isfile(path + ".attestation.json"),
                "has_signature": os.path.isfile(path + ".attestation.sig"),
            }
        )
        lines += [path_word(path), *table(_rows(path, found))]
        for ending in (".attestation.json", ".attestation.sig"):
            if not os.path.isfile(path + ending):
                lines.append(screen.paint(f"  MISSING      {path_word(path + ending)}", "red"))
    count = f"{len(paths)} quarantined marker{'' if len(paths) == 1 else 's'}"
    return Outcome(count, {"evidence": entries}, [*lines, count])


def _rows(path: str, found: Marker | None) -> list[tuple[str, str]]:
    rows = [("quarantined", _when(path))]
    if found is not None and found.pid:
        host = f" on host {visible(found.host)}" if found.host else ""
        rows.append(("left by", f"process {found.pid}{host}, since {visible(found.acquired_at)}"))
        rows.append(("deployment", visible(found.deployment_id)))
    return rows


def verify(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents

    public_keys = [keys.read_public_key(path) for path in args.public_key]
    names = [documents.operator_principal(key) for key in public_keys]
    paths = _quarantined(args.targets)
    first: CrtxError | None = None
    entries, lines = [], []
    for path in paths:
        signer, error = _verify_one(path, public_keys, names)
        first = first or error
        document = None
        if error is None:
            document = summary.fields_of(files.read(path + ".attestation.json"))
            lines.append(f"{screen.paint('HOLDS', 'green')}   {path_word(path)}")
            lines += table(summary.rows_of(document or {}) or [("signed by", str(signer))])
        else:
            lines.append(f"{screen.paint('FAILED', 'red')}  {path_word(path)}")
            lines += table([(error.name, visible(error.message))])
        entries.append(
            {
                **path_fields("stale_path", path),
                "status": int(Status.OK if error is None else error.status),
                "name": "CRTX_OK" if error is None else error.name,
                "message": "" if error is None else error.message,
                "operator_principal_id": signer,
                "document": document,
            }
        )
    if not paths:
        first = EvidenceInvalid(
            f"there is nothing to verify at {files.show(args.targets)}",
            status=Status.EVIDENCE_INVALID,
            operation="evidence list",
            path=args.targets[0],
        )
    good = sum(entry["status"] == Status.OK for entry in entries)
    count = f"{good} of {len(paths)} quarantined markers verified"
    return Outcome(
        count if first is None else first.message,
        {"evidence": entries},
        [*lines, count],
        first,
    )


def _verify_one(
    path: str, public_keys: list[bytes], names: list[str]
) -> tuple[str | None, CrtxError | None]:
    """Who signed, or why it does not hold. Another key's signature is the last reason to be told:
    behind it there may be a better one."""
    from crtx import stale

    reason: CrtxError | None = None
    for key, name in zip(public_keys, names):
        try:
            stale.verify_evidence(path, public_key=key)
            return name, None
        except CrtxError as error:
            if reason is None or isinstance(reason, BadSignature):
                reason = error
    return None, reason
