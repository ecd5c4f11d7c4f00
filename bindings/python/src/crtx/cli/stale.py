# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx quarantine``: a stale marker is moved aside, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crtx.cli import arguments, files, keys
from crtx.cli.escape import path_fields, path_word
from crtx.cli.outcome import Outcome
from crtx.errors import invalid_argument

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "quarantine",
        "crtx.cli.stale:quarantine",
        "move a stale marker aside, with the attestation as evidence",
        """
Moves the stale marker at PATH aside, on the strength of a signed attestation: it becomes
PATH.stale-TIME, and attestation and signature stay beside it for good. Then the store is free for the
next restore; `crtx takeover` does both in one step. Nothing is ever overwritten. A marker that is
held is never moved, whatever is signed.""",
        """
crtx quarantine /srv/ledger/ledger.db.restore \\
    --public-key /etc/crtx/alice.pub \\
    --attestation ledger.db.restore.attestation.json \\
    --deployment-id ledger-production
crtx quarantine ... --dry-run               # what would it say?""",
    )
    add_attested_marker(parser)
    arguments.add_where_allowed(parser)
    arguments.add_output_options(parser)


def add_attested_marker(parser: Any) -> None:
    """A stale marker, and what allows moving it."""
    arguments.add_path(parser)
    arguments.add_signed_document(parser, "attestation", "the attestation, as it was signed")
    arguments.add_public_key(
        parser, "the key that this deployment trusts; never one that came with the attestation"
    )
    arguments.add_deployment(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what would happen now, and change nothing"
    )
    arguments.add_now(parser, "; with --dry-run only (default: the clock)")


def signed_document(args: argparse.Namespace) -> dict[str, Any]:
    """The attestation, as the library's functions take it."""
    if args.now and not args.dry_run:
        raise invalid_argument("--now goes with --dry-run: a marker is moved by today's clock only")
    return {
        "attestation": files.read(args.attestation),
        "signature": files.read(args.signature or files.signature_name(args.attestation)),
        "public_key": keys.read_public_key(args.public_key),
        "now_unix_ns": args.now,
    }


def _where(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "deployment_id": args.deployment_id,
        "allow_network_filesystem": args.allow_network_filesystem,
        "allow_shared_directory": args.allow_shared_directory,
    }


def dry_run(args: argparse.Namespace) -> Outcome:
    from crtx import stale

    stale.verify_takeover(args.path, **signed_document(args), **_where(args))
    message = f"the marker {path_word(args.path)} would be moved aside; nothing was changed"
    return Outcome(message, {"dry_run": True, **path_fields("stale_path", None)}, [message])


def quarantine(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import stale

    if args.dry_run:
        return dry_run(args)
    stale_path = stale.quarantine(args.path, **signed_document(args), **_where(args))
    word = path_word(stale_path)
    return Outcome(
        f"the marker is kept as {word}",
        {"dry_run": False, **path_fields("stale_path", stale_path)},
        [
            f"{screen.paint('QUARANTINED', 'green')}, {path_word(args.path)} is free",
            f"  kept as  {word}",
            "",
            "To verify what is kept:",
            f"  crtx evidence verify {word} --public-key {path_word(args.public_key)}",
        ],
    )
