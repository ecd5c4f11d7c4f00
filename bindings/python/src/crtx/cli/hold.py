# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx hold`` and ``crtx takeover``: run a COMMAND under the lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional

from crtx.cli import arguments, keys, stale
from crtx.errors import (
    AcquireCancelled,
    Contended,
    CrtxError,
    MarkerExists,
    StoreIOError,
    gave_up,
    invalid_argument,
)

if TYPE_CHECKING:
    import argparse

    from crtx.cli.outcome import Outcome
    from crtx.cli.screen import Screen
    from crtx.cli.signals import Signals
    from crtx.lock import ActiveStoreLock

    #: A lock that is held, and where the marker stands that it replaced.
    Held = tuple[ActiveStoreLock, Optional[Path]]

_POLL_SECONDS = 0.05

_ABOUT_COMMAND = """
COMMAND has standard input, output and error, the process group and the signals as if it were run
without crtx; signals sent to crtx alone are passed on. In its environment CRTX_MARKER_PATH is the
marker's absolute path. If crtx is killed, the kernel frees the lock and kills COMMAND (SIGKILL), but
not the processes that COMMAND has started, nor a set-user-ID COMMAND such as sudo: let COMMAND be the
very program that writes to the store."""

_EXIT_STATUS = """
exit status:
  COMMAND's own; 128+N if signal N killed it; 127 if there is no such command,
  126 if it cannot be run. When crtx itself refuses or fails, standard error
  has a line that begins with `crtx: CRTX_E_`, and the exit status is that
  status's number: 20 the marker is held or stale, 21 contended, 23 the lock
  was lost while COMMAND ran (whatever COMMAND said), 40 to 77 (`crtx status`
  lists them); 1 for a usage error. 130 for Ctrl-C while waiting for the lock,
  when nothing was run."""


def add_to(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "hold",
        "crtx.cli.hold:hold",
        "run a command under the lock",
        """
Acquires the lock, runs COMMAND, and releases the lock when COMMAND has ended. The marker at PATH
says meanwhile who is at work. If COMMAND fails, the lock is released all the same, unless
--leak-on-failure keeps the marker, so that nobody works on the store before an operator has signed.
"""
        + _ABOUT_COMMAND,
        """
crtx hold /srv/ledger/ledger.db.restore --deployment-id ledger-production \\
    --public-key alice.pub --intent ledger.intent.json --leak-on-failure \\
    -- restore-ledger --yes
crtx hold ... --timeout 10m -- COMMAND      # wait for a holder to end
crtx hold ... --json-fd 3 -- COMMAND 3>result.json""",
        _EXIT_STATUS,
        usage="crtx hold [OPTIONS] PATH -- COMMAND [ARGUMENT ...]",
    )
    arguments.add_path(parser)
    arguments.add_deployment(parser)
    arguments.add_public_key(parser, "the operator's key, in place of --operator", required=False)
    arguments.add_holder(parser)
    arguments.add_patience(parser)
    arguments.add_where_allowed(parser)
    arguments.add_output_options(parser)

    parser = arguments.add_command(
        commands,
        "takeover",
        "crtx.cli.hold:takeover",
        "move a stale marker aside and run a command under the lock, in one step",
        """
Moves the stale marker at PATH aside, as `crtx quarantine` does, and acquires the lock in the same
step, so that nobody gets in between; then runs COMMAND as `crtx hold` does. It never waits.
CRTX_STALE_PATH in COMMAND's environment is where the old marker stands now.
"""
        + _ABOUT_COMMAND,
        """
crtx takeover /srv/ledger/ledger.db.restore --public-key alice.pub \\
    --attestation ledger.db.restore.attestation.json \\
    --deployment-id ledger-production --intent ledger.intent.json \\
    --leak-on-failure -- restore-ledger --yes
crtx takeover ... --dry-run                 # what would it say?""",
        _EXIT_STATUS,
        usage="crtx takeover [OPTIONS] PATH -- COMMAND [ARGUMENT ...]",
    )
    stale.add_attested_marker(parser)
    arguments.add_holder(parser)
    arguments.add_where_allowed(parser)
    arguments.add_output_options(parser)


def hold(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx.lock import ActiveStoreLock

    lock = ActiveStoreLock(args.path, **_lock_options(args))

    def acquire(signals: Signals) -> Held:
        _acquire_patiently(lock, args.timeout, signals)
        return lock, None

    return _run_under_lock(args, acquire)


def takeover(args: argparse.Namespace, screen: Screen) -> Outcome:
    from crtx import stale as library

    if args.dry_run:
        return stale.dry_run(args)
    document = stale.signed_document(args)
    options = _lock_options(args)

    def acquire(signals: Signals) -> Held:
        signals.raise_pending()
        return library.takeover(args.path, **document, **options)

    return _run_under_lock(args, acquire)


def _lock_options(args: argparse.Namespace) -> dict[str, Any]:
    from crtx import documents

    operator = args.operator
    if operator is None:
        if args.public_key is None:
            raise invalid_argument("who answers for it? --operator or --public-key is wanted")
        operator = documents.operator_principal(keys.read_public_key(args.public_key))
    digest = args.restore_intent_blake3
    return {
        "deployment_id": args.deployment_id,
        "operator_principal_id": operator,
        "restore_intent_blake3": documents.blake3_file(args.intent) if digest is None else digest,
        "host": args.host,
        "durability": args.durability,
        "allow_network_filesystem": args.allow_network_filesystem,
        "allow_shared_directory": args.allow_shared_directory,
    }


def _acquire_patiently(lock: ActiveStoreLock, timeout: float | None, signals: Signals) -> None:
    """As ``lock.acquire(timeout)``, but that signals are heard between the tries and never in one."""
    from crtx._waiting import Patience
    from crtx.cli.signals import Interrupted

    patience = Patience(timeout, _POLL_SECONDS)
    while True:
        try:
            lock.acquire()
            return
        except (MarkerExists, Contended) as refusal:
            pause = patience.pause_after(refusal)
            if pause is None:
                patience.end(refusal)
            try:
                signals.pause(pause)
            except Interrupted as interrupted:
                message = f"{interrupted}; {refusal.message}"
                raise interrupted from gave_up(AcquireCancelled, message, refusal)


def _run_under_lock(args: argparse.Namespace, acquire: Callable[[Signals], Held]) -> Outcome:
    from crtx.cli import child
    from crtx.cli.report import Report
    from crtx.cli.signals import Interrupted, Signals

    report = Report(args.path)
    with Signals() as signals:
        try:
            lock, stale_path = acquire(signals)
        except Interrupted as interrupted:
            return report.interrupted(interrupted)
        except CrtxError as error:
            return report.refused(error)
        report.acquired(lock, stale_path)
        environment = {"CRTX_MARKER_PATH": os.fspath(lock.marker_path)}
        if stale_path is not None:
            environment["CRTX_STALE_PATH"] = os.path.abspath(stale_path)
        # One of the standard streams is COMMAND's as well.
        hidden = args.json_fd if args.json_fd is not None and args.json_fd > 2 else None
        try:
            ending = child.run(args.command_line, environment, signals, hidden)
        except (Interrupted, child.NotRun) as nothing_ran:
            failure = _release(lock)
            if failure is not None:
                return report.not_released(failure, lock.held)
            if isinstance(nothing_ran, Interrupted):
                return report.interrupted(nothing_ran)
            return report.not_run(nothing_ran, args.command_line[0])
        report.ended(ending, signals.terminal_interrupt)
        leak = ending.failed and args.leak_on_failure
        if leak:
            lock.leak()
        failure = _release(lock)
        if failure is not None:
            return report.not_released(failure, lock.held)
        return report.done(leak, args.leak_on_failure)


def _release(lock: ActiveStoreLock) -> CrtxError | None:
    try:
        lock.release()
    except StoreIOError as error:
        if not lock.held:
            return error
        try:
            # Nothing has changed yet: crtx.h says to try once more.
            lock.release()
        except CrtxError as second:
            return second
    except CrtxError as error:
        return error
    return None
