# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ``crtx`` command: the operator's door to the library. docs/command.md describes it, and
docs/operations.md what to do with it at three in the morning."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crtx.errors import CrtxError, InternalError, invalid_argument
from crtx.status import Status

if TYPE_CHECKING:
    import argparse

    from crtx.cli.outcome import Outcome
    from crtx.cli.screen import Screen

__all__ = ["main"]

# Commands whose words after `--` are another program's.
_RUN_ANOTHER = ("hold", "takeover")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs ``crtx`` with these words, or with those of the process. Returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _fill_standard_streams()
    try:
        return _main(words)
    except KeyboardInterrupt:
        from crtx.cli.signals import die_by

        die_by(signal.SIGINT)
        return 128 + signal.SIGINT


def _fill_standard_streams() -> None:
    """Whoever closed one of them must not find a lock's descriptor, or a seed's, in its place.
    COMMAND finds it closed, as it was: what os.open opens is not inherited."""
    while True:
        handle = os.open(os.devnull, os.O_RDWR)
        if handle > 2:
            os.close(handle)
            break
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115


def _main(words: list[str]) -> int:
    from crtx.cli.arguments import UsageError
    from crtx.cli.screen import Screen

    own, command_line = _split(words)
    args: argparse.Namespace | None = None
    screen = Screen("auto")
    try:
        args = _parse(own, command_line)
        screen = Screen(args.color)
        outcome = _run(args, screen)
    except UsageError as error:
        args = _what_can_be_told(own, error.command)
        return _finish(_failed(invalid_argument(f"{error.command}: {error}")), own, args, screen)
    except CrtxError as error:
        return _finish(_failed(error), own, args, screen)
    except SystemExit as help_was_shown:
        return int(help_was_shown.code or 0)
    except Exception as error:
        import traceback

        traceback.print_exc()
        message = f"a fault in crtx itself: {type(error).__name__}: {error}; please report it"
        fault = InternalError(message, status=Status.INTERNAL, operation="command")
        return _finish(_failed(fault), own, args, screen)
    return _finish(outcome, own, args, screen)


def _noun(words: list[str]) -> str | None:
    """The first word that is neither an option nor its value."""
    previous = ""
    for word in words:
        if not word.startswith("-") and previous != "--color":
            return word
        previous = word
    return None


def _split(words: list[str]) -> tuple[list[str], list[str] | None]:
    """crtx's own words, and COMMAND's. Not left to argparse, whose versions differ about ``--``."""
    if "--" in words and _noun(words) in _RUN_ANOTHER:
        place = words.index("--")
        return words[:place], words[place + 1 :]
    return words, None


def _what_can_be_told(own: list[str], command: str) -> argparse.Namespace:
    """The arguments that an answer to wrong ones depends on."""
    import argparse

    number = next((b for a, b in zip(own, own[1:]) if a == "--json-fd"), "")
    return argparse.Namespace(
        command=command.partition(" ")[2] or None,
        json="--json" in own,
        json_fd=int(number) if number.isdecimal() and _is_open(int(number)) else None,
    )


def _is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except (OSError, OverflowError):
        return False
    return True


def _parse(own: list[str], command_line: list[str] | None) -> argparse.Namespace:
    from crtx.cli import parser
    from crtx.cli.arguments import UsageError

    args, unknown = parser.build().parse_known_args(own)
    if unknown:
        # argparse itself would blame the whole program, and not the command.
        command = getattr(args, "command", None)
        more = "; COMMAND comes after --" if command in _RUN_ANOTHER else ""
        raise UsageError(
            f"unrecognized arguments: {' '.join(unknown)}{more}", f"crtx {command or ''}".strip()
        )
    args.json = getattr(args, "json", False)
    args.color = getattr(args, "color", "auto")
    args.command_line = command_line
    if args.version:
        args.run = "crtx.cli.status:versions"
    elif args.noun is None:
        raise UsageError("no command given", "crtx")
    if args.noun in _RUN_ANOTHER:
        _check_runner(args)
    return args


def _check_runner(args: argparse.Namespace) -> None:
    from crtx.cli.arguments import UsageError

    if not args.command_line and not getattr(args, "dry_run", False):
        raise UsageError("no COMMAND to run: put it after --", f"crtx {args.noun}")
    if args.json_fd is not None and not _is_open(args.json_fd):
        message = f"--json-fd {args.json_fd}: no such file descriptor is open"
        raise UsageError(message, f"crtx {args.noun}")


def _run(args: argparse.Namespace, screen: Screen) -> Outcome:
    module, function = args.run.split(":")
    outcome: Outcome = getattr(importlib.import_module(module), function)(args, screen)
    return outcome


def _failed(error: CrtxError) -> Outcome:
    from crtx.cli.outcome import Outcome

    return Outcome(error.message, None, error=error)


# -- output ----------------------------------------------------------------------------------------


def _finish(
    outcome: Outcome, own: list[str], args: argparse.Namespace | None, screen: Screen
) -> int:
    """Writes the outcome. Returns the exit status."""
    exit_status = outcome.exit()
    wants_json = "--json" in own if args is None else args.json
    json_fd = getattr(args, "json_fd", None)
    if json_fd is not None or not wants_json:
        _complain(outcome, args, screen)
    try:
        if json_fd is not None or wants_json:
            _write_json(outcome, own, args, json_fd)
        elif outcome.lines:
            print("\n".join(outcome.lines))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has had enough. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        exit_status = exit_status or 128 + signal.SIGPIPE
    except OSError as error:
        screen.note([f"the output could not be written: {error.strerror}; all else was done"])
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        exit_status = exit_status or Status.IO
    if outcome.dies_by is not None:
        from crtx.cli.signals import die_by

        die_by(outcome.dies_by)
    return exit_status


def _complain(outcome: Outcome, args: argparse.Namespace | None, screen: Screen) -> None:
    if outcome.notes:
        screen.note(outcome.notes)
    if outcome.error is not None and outcome.is_own_failure:
        from crtx.cli.hints import hint

        screen.error(outcome.error, hint(outcome.error, args))


def _write_json(
    outcome: Outcome, own: list[str], args: argparse.Namespace | None, json_fd: int | None
) -> None:
    from crtx.cli.outcome import envelope

    command: Any = getattr(args, "command", None)
    line = envelope(command, outcome) + "\n"
    if json_fd is not None:
        rest = memoryview(line.encode())
        while rest:
            rest = rest[os.write(json_fd, rest) :]
    elif _noun(own) in _RUN_ANOTHER:
        # Standard output is COMMAND's.
        sys.stderr.write(line)
        sys.stderr.flush()
    else:
        sys.stdout.write(line)
