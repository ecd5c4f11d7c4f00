# SPDX-License-Identifier: MIT OR Apache-2.0
"""From a document to two files: show it, ask, sign, write. ``crtx sign`` does it for a document that
another machine has written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from crtx.cli import arguments, confirm, files, keys, summary
from crtx.cli.escape import path_fields, path_word, visible
from crtx.cli.outcome import Outcome
from crtx.cli.screen import table
from crtx.errors import CrtxError, PrincipalMismatch, invalid_argument
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "sign",
        "crtx.cli.signing:sign",
        "sign a document that was written elsewhere",
        """
Shows what DOCUMENT says, asks, and writes its signature: 64 raw bytes of Ed25519 over the very bytes
of the file. For a document that `crtx attest --unsigned` or `crtx intent build --unsigned` wrote, on
the machine that has the seed and perhaps no network.""",
        """
crtx sign ledger.db.restore.attestation.json --seed alice.seed
pass show alice | crtx sign ledger.intent.json --seed -""",
    )
    parser.add_argument("document", metavar="FILE", help="the document, as it was written")
    arguments.add_seed(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write the signature (default: the document's name with .sig for .json)",
    )
    arguments.add_confirmation(parser)
    arguments.add_output_options(parser)


def sign(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import documents

    payload = files.read(args.document)
    output = args.output or files.signature_name(args.document)
    document = summary.fields_of(payload)
    with keys.seed_from(args.seed) as seed:
        signer = documents.operator_principal(documents.public_key(seed))
        if document is None:
            text = _unknown_document(args.document, payload, signer)
        else:
            _demand_same_principal(document, signer)
            text = [*summary.title_of(document), *table(summary.rows_of(document))]
        shown = approve(args, text, document)
        signature = documents.sign(seed, payload)
    files.write_new([(output, signature, 0o644)])
    return Outcome(
        f"the signature is in {files.show([output])}",
        {
            **path_fields("document_path", args.document),
            **path_fields("signature_path", output),
            "operator_principal_id": signer,
            "document": document,
        },
        [*shown, f"signature  {path_word(output)}"],
    )


def _unknown_document(path: str, payload: bytes, signer: str) -> list[str]:
    rows = [("file", path_word(path)), ("length", f"{len(payload)} bytes"), ("signed by", signer)]
    return ["This signs a file that is NOT a document of crtx.", "", *table(rows)]


def _demand_same_principal(document: dict[str, Any], signer: str) -> None:
    named = document.get("operator_principal_id")
    if named != signer:
        raise PrincipalMismatch(
            f"nothing was signed: the document names {visible(str(named))}, "
            f"and this seed is that of {signer}; nobody would accept the signature",
            status=Status.PRINCIPAL_MISMATCH,
            operation="principal check",
        )


def approve(
    args: argparse.Namespace, text: list[str], document: dict[str, Any] | None
) -> list[str]:
    """Lets a person decide. Returns what has still to be shown."""
    if args.yes:
        return [*text, ""]
    deployment = None if document is None else document.get("deployment_id")
    confirm.ask(text, deployment if isinstance(deployment, str) else None)
    return []


def key_of(args: argparse.Namespace, seed: bytearray | None) -> bytes:
    """The key that a document is to name: the seed's own, or that of ``--public-key``."""
    from crtx import documents

    given = None if args.public_key is None else keys.read_public_key(args.public_key)
    if seed is None:
        if given is None:
            raise invalid_argument("--unsigned wants --public-key: whose signature is to follow?")
        return given
    own = documents.public_key(seed)
    if given not in (None, own):
        raise invalid_argument(
            f"nothing was signed: {path_word(args.public_key)} is not the public key of this seed"
        )
    return own


def public_key_word(args: argparse.Namespace, public: bytes) -> str:
    """The name of the public key's file for the next command, if it can be told."""
    beside = args.seed[: -len(".seed")] + ".pub" if str(args.seed).endswith(".seed") else None
    for path in (args.public_key, beside):
        if path is not None and os.path.isfile(path):
            try:
                if keys.read_public_key(path) == public:
                    return path_word(path)
            except CrtxError:
                pass
    return "OPERATOR.pub"


def write_document(
    args: argparse.Namespace, suffix: str, default_name: str, payload: bytes, seed: bytearray | None
) -> tuple[str, str | None]:
    """Writes NAME.suffix.json and, if there is a seed, its signature. Returns their paths."""
    from crtx import documents

    base = os.path.join(args.output_dir, args.name or default_name)
    if args.output_dir == ".":
        base = args.name or default_name
    path = f"{base}.{suffix}.json"
    if seed is None:
        files.write_new([(path, payload, 0o644)])
        return path, None
    signature = files.signature_name(path)
    files.write_new([(path, payload, 0o644), (signature, documents.sign(seed, payload), 0o644)])
    return path, signature


def written(noun: str, path: str, signature: str | None) -> list[tuple[str, str]]:
    """Rows that say what stands where."""
    return [
        (noun, path_word(path)),
        ("signature", "(none yet)" if signature is None else path_word(signature)),
    ]


def add_signer(parser: Any) -> None:
    """Who signs, now or elsewhere."""
    who = parser.add_mutually_exclusive_group(required=True)
    arguments.add_seed(who, required=False)
    who.add_argument(
        "--unsigned",
        action="store_true",
        help="write the document only, for `crtx sign` on another machine (wants --public-key; "
        "this or --seed is required)",
    )
    arguments.add_public_key(
        parser, "the signer's public key (default: the seed's)", required=False
    )
