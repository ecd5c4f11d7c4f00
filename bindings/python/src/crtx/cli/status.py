# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx status``: what the numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crtx.cli import arguments
from crtx.cli.outcome import Outcome
from crtx.errors import invalid_argument
from crtx.status import Status, status_message, status_name

if TYPE_CHECKING:
    import argparse

    from crtx.cli.screen import Screen


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "status",
        "crtx.cli.status:status",
        "tell what a status number means",
        """
Lists the statuses of crtx: number, name, what it means and what to do; or the one that is asked for.
The numbers are the exit statuses of this command, and those of the library in every language.""",
        """
crtx status
crtx status 21
crtx status CRTX_E_CONTENDED""",
    )
    parser.add_argument(
        "status", metavar="STATUS", nargs="?", help="a number, or a name with or without CRTX_E_"
    )
    arguments.add_output_options(parser)


def status(args: argparse.Namespace, screen: Screen) -> Outcome:
    wanted = list(Status) if args.status is None else [_wanted(args.status)]
    rows = [(int(one), status_name(one), status_message(one)) for one in wanted]
    result = {"statuses": [{"number": n, "name": name, "message": m} for n, name, m in rows]}
    if args.status is None:
        width = max(len(name) for _, name, _ in rows)
        lines = [f"{n:>3}  {name:<{width}}  {message}" for n, name, message in rows]
        return Outcome(f"{len(rows)} statuses", result, lines)
    number, name, message = rows[0]
    return Outcome(message, result, [f"{number}  {name}", f"  {message}"])


def versions(args: argparse.Namespace, screen: Screen) -> Outcome:
    import crtx
    from crtx.status import abi_version, version

    text = f"crtx {crtx.__version__} (libcrtx {version()}, ABI version {abi_version()})"
    result = {
        "package": crtx.__version__,
        "library": version(),
        "abi_version": abi_version(),
    }
    return Outcome(text, result, [text])


def _wanted(text: str) -> Status:
    for one in Status:
        name = status_name(one)
        if text.upper() in (str(int(one)), name, name.replace("CRTX_E_", "").replace("CRTX_", "")):
            return one
    raise invalid_argument(f"there is no status {text!r}: `crtx status` lists them all")
