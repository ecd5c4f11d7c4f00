# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx intent build`` and ``crtx intent verify``: signed permission to restore."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from crtx.cli import arguments, files, keys, signing, summary
from crtx.cli.escape import path_fields, path_word, shell_word
from crtx.cli.outcome import Outcome
from crtx.cli.screen import table

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen

# What is restored: option, what it is, and its name in the document.
_STAGED = (
    ("backup-manifest", "the backup's manifest", "backup_manifest_blake3"),
    ("staged-sqlite", "the staged database", "staged_sqlite_blake3"),
    ("staged-jsonl", "the staged event log", "staged_jsonl_blake3"),
)

_WHAT = """
A restore intent says which bytes may be restored over which store, in which deployment, and until
when. The lock's marker keeps its digest."""


def add_to(commands: arguments.Commands) -> None:
    intent = commands.add_parser(
        "intent", help="restore intents: build, verify", description=_WHAT.strip()
    )
    arguments.add_output_options(intent)
    nested = intent.add_subparsers(metavar="COMMAND", dest="subcommand", required=True)

    parser = arguments.add_command(
        nested,
        "build",
        "crtx.cli.intent:build",
        "write a restore intent, and sign it",
        _WHAT
        + """

Hashes the staged files, shows what is to be signed, asks on the terminal for the deployment id, and
writes NAME.intent.json and NAME.intent.sig.""",
        """
crtx intent build --deployment-id ledger-production --seed alice.seed \\
    --active-db /srv/ledger/ledger.db \\
    --active-event-log /srv/ledger/events.jsonl \\
    --backup-manifest manifest.json --staged-sqlite staged.db \\
    --staged-jsonl staged.jsonl --name ledger""",
    )
    signing.add_signer(parser)
    _add_expectation(parser)
    arguments.add_valid_for(parser)
    arguments.add_output_place(parser, "intent", "restore")
    arguments.add_confirmation(parser)
    arguments.add_output_options(parser)

    parser = arguments.add_command(
        nested,
        "verify",
        "crtx.cli.intent:verify",
        "verify a restore intent against what is about to happen",
        _WHAT
        + """

Verifies that the trusted key signed the intent, that it is valid now, and that it authorizes exactly
these paths and these bytes. Prints its digest, for `crtx hold --restore-intent-blake3`.""",
        """
crtx intent verify --intent ledger.intent.json \\
    --public-key /etc/crtx/alice.pub \\
    --deployment-id ledger-production --active-db /srv/ledger/ledger.db \\
    --active-event-log /srv/ledger/events.jsonl \\
    --backup-manifest manifest.json --staged-sqlite staged.db \\
    --staged-jsonl staged.jsonl""",
    )
    arguments.add_signed_document(parser, "intent", "the intent, as it was signed")
    arguments.add_public_key(parser, "the key that this deployment trusts")
    _add_expectation(parser)
    arguments.add_now(parser, ": to look at an old document (default: the clock)")
    arguments.add_output_options(parser)


def _add_expectation(parser: Any) -> None:
    arguments.add_deployment(parser)
    for name, what in (("active-db", "the database"), ("active-event-log", "the event log")):
        parser.add_argument(
            f"--{name}",
            metavar="PATH",
            required=True,
            help=f"{what} that is going to be replaced: absolute, with no . or .. in it",
        )
    for name, what, _ in _STAGED:
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument(
            f"--{name}",
            metavar="FILE",
            help=f"{what}, which is hashed (this or its digest is required)",
        )
        either.add_argument(f"--{name}-blake3", metavar="DIGEST", help=f"the digest of {what}")


def _expectation(args: argparse.Namespace) -> dict[str, Any]:
    from crtx import documents

    expected = {
        "deployment_id": args.deployment_id,
        "active_db_path": args.active_db,
        "active_event_log_path": args.active_event_log,
    }
    for option, _, field in _STAGED:
        path = getattr(args, option.replace("-", "_"))
        expected[field] = documents.blake3_file(path) if path is not None else getattr(args, field)
    return expected


def build(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents

    with ExitStack() as stack:
        seed = None if args.unsigned else stack.enter_context(keys.seed_from(args.seed))
        public = signing.key_of(args, seed)
        payload = documents.build_intent(
            public_key=public, valid_for=args.valid_for, **_expectation(args)
        )
        document = summary.fields_of(payload) or {}
        title = summary.title_of(document, signed=not args.unsigned)
        text = [*title, *table(summary.rows_of(document))]
        shown = [*text, ""] if args.unsigned else signing.approve(args, text, document)
        path, signature = signing.write_document(args, "intent", "restore", payload, seed)

    written = signing.written("intent", path, signature)
    then = []
    if signature is None:
        message = f"the intent is in {files.show([path])}, and is not signed yet"
        then = [
            "",
            "Then, where the seed is:",
            f"  crtx sign {path_word(path)} --seed OPERATOR.seed",
        ]
    else:
        message = f"the intent is in {files.show([path, signature])}"
    return Outcome(
        message,
        {
            **path_fields("intent_path", path),
            **path_fields("signature_path", signature),
            "restore_intent_blake3": documents.blake3_file(path),
            "document": document,
        },
        [*shown, *table(written), *then],
    )


def verify(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents

    payload = files.read(args.intent)
    public = keys.read_public_key(args.public_key)
    digest = documents.verify_intent(
        intent=payload,
        signature=files.read(args.signature or files.signature_name(args.intent)),
        public_key=public,
        now_unix_ns=args.now,
        **_expectation(args),
    )
    document = summary.fields_of(payload) or {}
    operator = documents.operator_principal(public)
    then = (
        f"  crtx hold PATH --deployment-id {shell_word(args.deployment_id)} "
        f"--operator {operator} --restore-intent-blake3 {digest} -- COMMAND"
    )
    return Outcome(
        f"the intent is valid: {digest}",
        {"restore_intent_blake3": digest, "document": document},
        [
            screen.paint("VALID", "green"),
            *table([("digest", digest), *summary.rows_of(document)]),
            "",
            "Then:",
            then,
        ],
    )
