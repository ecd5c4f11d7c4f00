# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parser's class, and the arguments that several commands share, each defined once.

A metavar says what a value is: FILE, PATH and TARGET are completed as files, DIR as directories.
"""

from __future__ import annotations

import argparse
from typing import Any, Callable, NoReturn

from crtx.cli import times

Commands = Any  # argparse's own class for it has no public name

#: Ends the help of each command.
EXIT_STATUS = """exit status:
  0 on success, else the number of a crtx status (`crtx status` lists them);
  1 for a usage error."""


class UsageError(Exception):
    """The command line is wrong. ``command`` is what asked for help would be about."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


class HelpFormatter(argparse.HelpFormatter):
    """Fills paragraphs to the terminal's width, leaves indented lines as they are, and says what is
    required."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = []
        for paragraph in text.split("\n\n"):
            if "\n " not in paragraph:
                paragraph = super()._fill_text(paragraph, width, indent)
            paragraphs.append(paragraph)
        return "\n\n".join(paragraphs)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        required = action.required and action.option_strings
        return f"{action.help} (required)" if required else action.help


def _place(action: argparse.Action) -> str:
    """A positional argument in a usage line."""
    name = str(action.metavar)
    if action.nargs is None:
        return name
    return f"[{name}]" if action.nargs == "?" else f"{name} ..."


class Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit with 2; takes no abbreviated option, because one
    that is unique today is not tomorrow."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            add_help=False,
            **settings,
        )

    def format_help(self) -> str:
        if self.usage is None:
            # argparse would list all options, each version of Python in its own way.
            places = [_place(action) for action in self._actions if not action.option_strings]
            self.usage = " ".join([self.prog, "[OPTIONS]", *places])
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.prog)


def add_command(
    commands: Commands,
    name: str,
    run: str,
    summary: str,
    description: str,
    examples: str,
    exit_status: str = EXIT_STATUS,
    **settings: Any,
) -> Parser:
    """A command. ``run`` is ``module:function``, imported only when the command runs."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    parser: Parser = commands.add_parser(
        name,
        help=summary,
        description=description.strip(),
        epilog=f"examples:\n{lines}\n\n{exit_status.strip()}",
        **settings,
    )
    parser.set_defaults(run=run, command=parser.prog.split(" ", 1)[1])
    return parser


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Those of every command; added last, so that they end its list."""
    group = parser.add_argument_group("output")
    # Suppressed defaults, so that both `crtx --json inspect` and `crtx inspect --json` are heard.
    group.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON object (docs/command.md) instead of text",
    )
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default=argparse.SUPPRESS,
        help="colours: auto (the default) is on a terminal, unless NO_COLOR is set",
    )
    group.add_argument("-h", "--help", action="help", help="show this help")


def converter(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argparse type out of a function that raises ValueError with a message for people."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


def _patience(text: str) -> float | None:
    return None if text == "forever" else times.seconds_of(text)


def _whole_seconds(text: str) -> int:
    return int(times.seconds_of(text))


def _moment(text: str) -> int:
    time = times.parse(text)
    if time is None:
        raise ValueError(f"{text!r} is no time: write 2026-11-24T03:00:00Z")
    return times.unix_ns(time)


def add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="the marker beside the store")


def add_deployment(parser: Any, required: bool = True, more: str = "") -> None:
    parser.add_argument(
        "--deployment-id",
        metavar="ID",
        required=required,
        help=f"this deployment{more}",
    )


def add_public_key(parser: Any, what: str, required: bool = True) -> None:
    parser.add_argument("--public-key", metavar="FILE", required=required, help=what)


def add_seed(parser: Any, required: bool = True) -> None:
    parser.add_argument(
        "--seed",
        metavar="FILE",
        required=required,
        help="the secret: 32 raw bytes or their base64, readable by you alone; - is standard input",
    )


def add_signed_document(parser: Any, noun: str, what: str) -> None:
    parser.add_argument(f"--{noun}", metavar="FILE", required=True, help=what)
    parser.add_argument(
        "--signature",
        metavar="FILE",
        help=f"its signature, 64 raw bytes (default: the {noun}'s name with .sig for .json)",
    )


def add_valid_for(parser: Any) -> None:
    parser.add_argument(
        "--valid-for",
        metavar="TIME",
        type=converter(_whole_seconds),
        default=3600,
        help="how long the document is good for: 1s to 24h (default: 1h)",
    )


def add_now(parser: Any, why: str) -> None:
    parser.add_argument(
        "--now",
        metavar="TIME",
        type=converter(_moment),
        default=0,
        help=f"judge the document as of this time, such as 2026-11-24T03:00:00Z{why}",
    )


def add_confirmation(parser: Any) -> None:
    parser.add_argument("--yes", action="store_true", help="sign without asking on the terminal")


def add_output_place(parser: Any, suffix: str, default_name: str) -> None:
    parser.add_argument(
        "--output-dir", metavar="DIR", default=".", help="where to write (default: here)"
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        help=f"writes NAME.{suffix}.json and NAME.{suffix}.sig (default: {default_name})",
    )


def add_where_allowed(parser: Any) -> None:
    parser.add_argument(
        "--allow-network-filesystem",
        action="store_true",
        help="work on a network filesystem too; OS locks may exclude nobody there",
    )
    parser.add_argument(
        "--allow-shared-directory",
        action="store_true",
        help="work in a directory that everybody may write to too",
    )


def add_holder(parser: Any) -> None:
    """Who holds the lock, and why: what the new marker says."""
    parser.add_argument(
        "--operator",
        "--operator-principal-id",
        dest="operator",
        metavar="ID",
        help="who answers for the restore (default: the principal of --public-key)",
    )
    intent = parser.add_mutually_exclusive_group(required=True)
    intent.add_argument(
        "--restore-intent-blake3",
        metavar="DIGEST",
        help="the digest that `crtx intent verify` printed (this or --intent is required)",
    )
    intent.add_argument(
        "--intent",
        metavar="FILE",
        help="take the digest of this file, which you have verified before",
    )
    parser.add_argument("--host", metavar="NAME", help="default: this machine's name")
    parser.add_argument(
        "--durability",
        choices=("full", "process-crash"),
        default="full",
        help="of the marker: full (the default) survives a power cut, process-crash syncs nothing "
        "of the lock; a takeover's evidence always",
    )
    parser.add_argument(
        "--leak-on-failure",
        action="store_true",
        help="if COMMAND fails or is killed, keep the marker on purpose: the store may be broken",
    )
    parser.add_argument(
        "--json-fd",
        metavar="N",
        type=int,
        help="write the JSON object to this file descriptor, which COMMAND does not get",
    )


def add_patience(parser: Any) -> None:
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=converter(_patience),
        default=0.0,
        help="wait so long while the lock is held: 90s, 5m, forever (default: one try); "
        "a stale marker is never waited for",
    )
