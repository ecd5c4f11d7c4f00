# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx attest``: an operator signs that the process of a marker is dead."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from crtx.cli import arguments, files, keys, signing, summary
from crtx.cli.escape import path_fields, path_word, shell_word, visible
from crtx.cli.outcome import Outcome, marker_fields
from crtx.cli.screen import table
from crtx.errors import StaleDigestMismatch
from crtx.state import MarkerState
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen
    from crtx.marker import Marker


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "attest",
        "crtx.cli.attest:attest",
        "sign that the process of a stale marker is dead",
        """
Writes a takeover attestation for the marker that is at PATH now: an operator's signed statement that
its process is dead and that the marker may be moved aside. It shows what is to be signed and asks, on
the terminal, for the deployment id. It moves nothing: `crtx quarantine` and `crtx takeover` do.

Sign only what you know. The kernel says that nobody holds the lock; you say that the restore is over,
that the store has been looked at, and who decided. No signature overrides a live holder.""",
        """
crtx attest /srv/ledger/ledger.db.restore --seed alice.seed \\
    --justification 'db1 lost power at 02:40; the restore is dead; INC-4711'
crtx attest /srv/ledger/ledger.db.restore --unsigned --public-key alice.pub \\
    --justification '...'               # then `crtx sign`, where the seed is""",
    )
    arguments.add_path(parser)
    parser.add_argument(
        "--justification",
        metavar="TEXT",
        required=True,
        help="one plain sentence, up to 1,024 bytes: why, and how it is known",
    )
    signing.add_signer(parser)
    arguments.add_deployment(
        parser, required=False, more=" (default: the marker's own; a malformed marker needs it)"
    )
    arguments.add_valid_for(parser)
    arguments.add_output_place(parser, "attestation", "the marker's name")
    arguments.add_confirmation(parser)
    arguments.add_output_options(parser)


def attest(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import marker, stale

    with ExitStack() as stack:
        seed = None if args.unsigned else stack.enter_context(keys.seed_from(args.seed))
        public = signing.key_of(args, seed)
        found = marker.inspect(args.path)
        payload = stale.build_takeover(
            args.path,
            public_key=public,
            justification=args.justification,
            valid_for=args.valid_for,
            deployment_id=args.deployment_id,
        )
        document = summary.fields_of(payload) or {}
        if found is None or document.get("stale_marker_blake3") != found.marker_blake3:
            raise StaleDigestMismatch(
                f"nothing was signed: the marker {path_word(args.path)} changed while it was read",
                status=Status.STALE_DIGEST_MISMATCH,
                operation="marker check",
                path=args.path,
            )
        text = [
            *summary.title_of(document, signed=not args.unsigned),
            *table(_rows(args.path, found, screen) + summary.rows_of(document)),
        ]
        held = found.state in (MarkerState.HELD, MarkerState.HELD_BY_THIS_PROCESS)
        if held:
            text += ["", screen.paint(_HELD, "red")]
        shown = [*text, ""] if args.unsigned else signing.approve(args, text, document)
        name = os.path.basename(os.path.abspath(args.path))
        path, signature = signing.write_document(args, "attestation", name, payload, seed)

    result = {
        **path_fields("attestation_path", path),
        **path_fields("signature_path", signature),
        "marker": marker_fields(found),
        "document": document,
    }
    if signature is None:
        message = f"the attestation is in {files.show([path])}, and is not signed yet"
        then = ["Then, where the seed is:", f"  crtx sign {path_word(path)} --seed OPERATOR.seed"]
    else:
        message = f"the attestation is in {files.show([path, signature])}"
        words = [
            f"crtx quarantine {path_word(args.path)}",
            f"--attestation {path_word(path)}",
            f"--public-key {signing.public_key_word(args, public)}",
            f"--deployment-id {shell_word(str(document['deployment_id']))}",
        ]
        then = ["Then, to move the marker aside:", "  " + " \\\n      ".join(words)]
    written = signing.written("attestation", path, signature)
    notes = ["the marker is HELD: this attestation is refused until that process is gone"]
    lines = [*shown, *table(written), "", *then]
    return Outcome(message, result, lines, notes=notes if held else [])


_HELD = """WARNING: this marker is HELD. A live process is at work, and no signature overrides it:
         the attestation is of no use until that process is gone."""

_STATES = {
    MarkerState.HELD: ("HELD: a live process is at work", "red"),
    MarkerState.HELD_BY_THIS_PROCESS: ("HELD", "red"),
    MarkerState.STALE: ("STALE: no process holds it", "yellow"),
    MarkerState.MALFORMED: ("MALFORMED: no process holds it, and it cannot be read", "yellow"),
}


def _rows(path: str, found: Marker, screen: Screen) -> list[tuple[str, str]]:
    text, colour = _STATES[found.state]
    rows = [("marker", path_word(path)), ("state now", screen.paint(text, colour))]
    if found.host:
        rows.append(("on host", visible(found.host)))
    if found.operator_principal_id:
        rows.append(("its operator", visible(found.operator_principal_id)))
    return rows
