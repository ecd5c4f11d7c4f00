# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signals around a COMMAND: none is lost, none arrives twice, none ends crtx with the lock held.

They are blocked from the start and fetched one by one with their origin (``sigwaitinfo``), so that
none interrupts a call of the library, and there is no handler to race with.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Any

#: si_code of what the kernel sends: to a terminal's whole foreground group, for one.
_SI_KERNEL = 0x80

_ENDING = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_WATCHED = (*_ENDING, signal.SIGTSTP, signal.SIGCONT)


class Interrupted(Exception):
    """A signal that ends a program came before COMMAND ran."""

    def __init__(self, number: int, by_terminal: bool) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.by_terminal = by_terminal


class Signals:
    """The signals that a COMMAND is to get, held back for as long as the ``with`` block lasts."""

    def __init__(self) -> None:
        # Ignored at the start (nohup, a shell's background job): it stays so, here and in COMMAND.
        self._watched = {
            number for number in _WATCHED if signal.getsignal(number) is not signal.SIG_IGN
        }
        self._child_handler: Any = signal.SIG_DFL
        self._mask: Iterable[int] = ()
        #: The terminal sent SIGINT to the whole group, so the shell or script above got it too.
        self.terminal_interrupt = False

    def __enter__(self) -> Signals:
        # While SIGCHLD is ignored the kernel keeps no exit status.
        self._child_handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL) or signal.SIG_DFL
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._watched | {signal.SIGCHLD})
        return self

    def __exit__(self, *_: object) -> None:
        # A signal that nobody wanted any more must not end crtx between release and report.
        while signal.sigtimedwait(self._watched, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        signal.signal(signal.SIGCHLD, self._child_handler)

    # -- before COMMAND runs -----------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Sleeps. Raises :class:`Interrupted` if a signal says to end."""
        info = signal.sigtimedwait(self._watched, seconds)
        if info is None or info.si_signo == signal.SIGCONT:
            return
        if info.si_signo == signal.SIGTSTP:
            _stop(signal.SIGTSTP)
            return
        self.terminal_interrupt = info.si_signo == signal.SIGINT and info.si_code == _SI_KERNEL
        raise Interrupted(info.si_signo, self.terminal_interrupt)

    def raise_pending(self) -> None:
        """Raises :class:`Interrupted` if a signal that says to end has come already."""
        while signal.sigpending() & self._watched:
            self.pause(0)

    def restore_in_child(self) -> None:
        """As they were when crtx began; Python itself ignores two signals that a COMMAND wants."""
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, self._child_handler)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    # -- while it runs -----------------------------------------------------------------------------

    def forward_until_end(self, child: int) -> int:
        """Passes signals on until the child ends. Returns its wait status."""
        while True:
            info = signal.sigwaitinfo(self._watched | {signal.SIGCHLD})
            if info.si_signo == signal.SIGCHLD:
                status = self._look_at(child)
                if status is not None:
                    return status
                continue
            if not self._has_got(child, info):
                os.kill(child, info.si_signo)
            if info.si_signo == signal.SIGTSTP:
                _stop(signal.SIGTSTP)
                os.kill(child, signal.SIGCONT)

    def _look_at(self, child: int) -> int | None:
        while True:
            found, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if found == 0:
                return None
            if not os.WIFSTOPPED(status):
                return status
            # A COMMAND that suspends itself suspends crtx, so that the shell sees it. One that was
            # stopped by SIGSTOP was stopped by somebody who will continue it.
            if os.WSTOPSIG(status) != signal.SIGSTOP:
                _stop(os.WSTOPSIG(status))
                os.kill(child, signal.SIGCONT)

    def _has_got(self, child: int, info: signal.struct_siginfo) -> bool:
        """Whether the child has had this signal already, or sent it itself."""
        if info.si_code != _SI_KERNEL:
            return info.si_code <= 0 and info.si_pid == child
        if info.si_signo == signal.SIGINT:
            self.terminal_interrupt = True
        # The terminal's keys reach the foreground group, COMMAND too. A hang-up reaches the leader
        # of the session alone while that lives.
        return not (info.si_signo == signal.SIGHUP and os.getsid(0) == os.getpid())


def _stop(number: int) -> None:
    """Stops crtx as the signal would have, and returns when it is continued. In a group without a
    shell above it the kernel drops the signal."""
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})


def die_by(number: int) -> None:
    """Ends this process by a signal, as if it had never been caught: a script above ends too."""
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
