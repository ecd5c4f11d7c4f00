# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``crtx hold`` and ``crtx takeover`` tell at the end: of COMMAND, and of the lock."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crtx.cli.escape import path_fields, path_word, visible
from crtx.cli.outcome import Outcome, marker_fields
from crtx.errors import CrtxError, Lost, StoreIOError
from crtx.status import Status

if TYPE_CHECKING:
    from crtx.cli.child import Ending, NotRun
    from crtx.cli.signals import Interrupted
    from crtx.lock import ActiveStoreLock


class Report:
    """Collects what happened. The methods that return an outcome end it."""

    def __init__(self, path: str) -> None:
        self._word = path_word(path)
        self._ending: Ending | None = None
        self._dies_by: int | None = None
        self._result: dict[str, Any] = {
            **path_fields("marker_path", None),
            **path_fields("stale_path", None),
            "marker": None,
            "command_started": False,
            "command_exit_status": None,
            "command_signal": None,
        }

    def acquired(self, lock: ActiveStoreLock, stale_path: Path | None) -> None:
        self._result.update(path_fields("marker_path", lock.marker_path))
        self._result.update(path_fields("stale_path", stale_path))
        self._result["marker"] = marker_fields(lock.marker)

    def ended(self, ending: Ending, terminal_interrupt: bool) -> None:
        self._ending = ending
        self._result["command_started"] = True
        self._result["command_exit_status"] = ending.status
        self._result["command_signal"] = ending.signal
        # A shell ends its script only if what it waits for was itself killed by the Ctrl-C.
        if terminal_interrupt and ending.signal == signal.SIGINT:
            self._dies_by = signal.SIGINT

    # -- nothing was run ---------------------------------------------------------------------------

    def refused(self, error: CrtxError) -> Outcome:
        if error.stale_path is not None:
            self._result.update(path_fields("stale_path", error.stale_path))
        return self._outcome(error.message, "not acquired", error=error)

    def interrupted(self, interrupted: Interrupted) -> Outcome:
        message = f"interrupted by {interrupted}: nothing was run, and no lock is held"
        self._dies_by = interrupted.number if interrupted.by_terminal else None
        cause = interrupted.__cause__
        return self._outcome(
            message,
            "not acquired" if self._result["marker"] is None else "released",
            error=cause if isinstance(cause, CrtxError) else None,
            notes=[message],
            exit_status=128 + interrupted.number,
        )

    def not_run(self, failure: NotRun, command: str) -> Outcome:
        reason = os.strerror(failure.number)
        message = (
            f"cannot run {visible(command)}: {reason}; nothing was run, and the lock is released"
        )
        error = StoreIOError(
            message,
            status=Status.IO,
            operation=f"command {failure.step}",
            os_error=failure.number,
            path=command,
        )
        return self._outcome(
            message, "released", error=error, notes=[message], exit_status=failure.exit_status
        )

    # -- COMMAND has run ---------------------------------------------------------------------------

    def not_released(self, failure: CrtxError, held: bool) -> Outcome:
        """Whatever COMMAND said: the exit status is crtx's."""
        if isinstance(failure, Lost):
            lock = "lost"
            notes = [
                "THE LOCK WAS LOST: somebody removed or replaced its files while it was held, and",
                "another process may have written to the store at the same time. Keep all off the",
                "store, and compare it with the backup before you trust it.",
            ]
        else:
            lock = "not released" if held else "released, not synced"
            notes = ["the lock could not be released as it should: see the error"]
        if self._ending is not None:
            notes.insert(0, f"COMMAND {self._ending}")
        self._dies_by = None
        return self._outcome(failure.message, lock, error=failure, notes=notes)

    def done(self, leaked: bool, leak_on_failure: bool) -> Outcome:
        assert self._ending is not None
        if leaked:
            message = f"COMMAND {self._ending}; the marker {self._word} is kept on purpose"
            notes = [
                message,
                "crtx: next, look at the store, then at the marker:",
                f"    crtx inspect {self._word}",
            ]
        else:
            message = f"COMMAND {self._ending}; the lock is released"
            notes = []
            if self._ending.failed and not leak_on_failure:
                notes = [f"{message}. Is the store whole? (--leak-on-failure keeps the marker)"]
        return self._outcome(
            message,
            "leaked" if leaked else "released",
            notes=notes,
            exit_status=self._ending.exit_status,
        )

    def _outcome(self, message: str, lock: str, **more: Any) -> Outcome:
        outcome = Outcome(message, self._result, dies_by=self._dies_by, **more)
        self._result["lock"] = lock
        self._result["exit_status"] = outcome.exit()
        return outcome
