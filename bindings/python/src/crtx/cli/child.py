# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a COMMAND that does not outlive crtx: the kernel frees the lock when crtx dies, so COMMAND
must not go on writing."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from dataclasses import dataclass

from crtx.cli.signals import Signals

_PR_SET_PDEATHSIG = 1


class NotRun(Exception):
    """COMMAND could not be started; nothing ran."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(step, number)
        self.step = step
        self.number = number

    @property
    def exit_status(self) -> int:
        """As env(1) has it: 127 if there is no such command, 126 if it cannot be run."""
        return 127 if self.number == errno.ENOENT else 126


@dataclass
class Ending:
    """How COMMAND ended: one of the two is None."""

    status: int | None
    signal: int | None

    @property
    def failed(self) -> bool:
        return self.status != 0

    @property
    def exit_status(self) -> int:
        return self.status if self.status is not None else 128 + (self.signal or 0)

    def __str__(self) -> str:
        if self.signal is None:
            return f"ended with exit status {self.status}"
        return f"was killed by {_signal_name(self.signal)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def run(
    command: list[str], extra: dict[str, str], signals: Signals, hidden_fd: int | None
) -> Ending:
    """Runs COMMAND in this process group, with ``extra`` in its environment and without
    ``hidden_fd``, and waits for its end. Raises :class:`NotRun`, or ``Interrupted`` if a signal came
    before it ran."""
    environment = {**os.environb, **{os.fsencode(k): os.fsencode(v) for k, v in extra.items()}}
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()
    handles: list[int] = []
    try:
        handles += os.pipe()
        handles += os.pipe()
        child = os.fork()
    except OSError as error:
        for handle in handles:
            os.close(handle)
        raise NotRun("start", error.errno or 0) from error
    go_end, go, report, report_end = handles
    if child == 0:
        os.close(go)
        try:
            if hidden_fd is not None:
                os.set_inheritable(hidden_fd, False)
            _become(command, environment, libc, parent, go_end, report_end, signals)
        finally:
            os._exit(127)
    os.close(go_end)
    os.close(report_end)
    try:
        try:
            # What came before the fork, the child has not got. What comes from now on, it has.
            signals.raise_pending()
        except BaseException:
            _end(child)
            raise
        try:
            os.write(go, b"g")
        except BrokenPipeError:
            pass  # its report says why
        status = signals.forward_until_end(child)
        # COMMAND's own program does not have the pipe: the report is there, or never comes.
        answer = os.read(report, 64).decode()
    finally:
        os.close(go)
        os.close(report)
    if answer:
        step, number = answer.split()
        raise NotRun(step, int(number))
    if os.WIFSIGNALED(status):
        return Ending(None, os.WTERMSIG(status))
    return Ending(os.WEXITSTATUS(status), None)


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _become(
    command: list[str],
    environment: dict[bytes, bytes],
    libc: ctypes.CDLL,
    parent: int,
    go_end: int,
    report_end: int,
    signals: Signals,
) -> None:
    step = "prctl"
    try:
        # prctl(2): the kernel sends the signal when the parent dies. It is cleared by executing a
        # set-user-ID program, and the children of this process do not inherit it.
        if sys.platform == "linux" and libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        # The parent may have died before that: then nobody says go.
        if os.getppid() != parent or os.read(go_end, 1) != b"g":
            return
        step = "exec"
        signals.restore_in_child()
        _execute([os.fsencode(word) for word in command], environment)
    except OSError as error:
        os.write(report_end, f"{step} {error.errno}".encode())


def _execute(command: list[bytes], environment: dict[bytes, bytes]) -> None:
    """execvp(3): along PATH; a script without ``#!`` is sh's; what may not be executed is told only
    if nothing else of that name is found."""
    name = command[0]
    if b"/" in name:
        candidates = [name]
    else:
        path = environment.get(b"PATH", os.fsencode(os.defpath))
        candidates = [os.path.join(directory or b".", name) for directory in path.split(b":")]
    refusal: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for candidate in candidates:
        try:
            os.execve(candidate, command, environment)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                os.execve(b"/bin/sh", [b"sh", candidate, *command[1:]], environment)
            if error.errno == errno.EACCES or len(candidates) == 1:
                refusal = error
            elif error.errno not in (errno.ENOENT, errno.ENOTDIR):
                raise
    raise refusal
