# SPDX-License-Identifier: MIT OR Apache-2.0
"""A terminal, with a program on it that believes that a person sits there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from typing import Any

from .command import PATIENCE, usual_signals


def _take_terminal() -> None:
    usual_signals()
    # tty_ioctl(4): the new session's controlling terminal is what standard input is.
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """Runs a program as the leader of a session on a pseudoterminal of its own."""

    def __init__(self, words: list[Any], **settings: Any) -> None:
        self._end, theirs = pty.openpty()
        streams: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        stdin = settings.pop("stdin", None)
        self.process = subprocess.Popen(
            words,
            **{**streams, **settings},
            start_new_session=True,
            preexec_fn=_take_terminal if stdin is None else self._with_stdin(stdin),
        )
        os.close(theirs)
        self.seen = ""

    @staticmethod
    def _with_stdin(handle: int) -> Any:
        def prepare() -> None:
            _take_terminal()
            os.dup2(handle, 0)

        return prepare

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        if self._end >= 0:
            os.close(self._end)
            self._end = -1

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def expect(self, text: str) -> str:
        """Waits until the text is on the screen. Returns all since the last expectation."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            if time.monotonic() > end or not self._read():
                raise AssertionError(f"{text!r} did not come, only {self.seen!r}")
        place = self.seen.index(text) + len(text)
        shown, self.seen = self.seen[:place], self.seen[place:]
        return shown

    def rest(self) -> str:
        """All that comes until the program ends."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._read():
            pass
        self.process.wait(PATIENCE)
        return self.seen

    def _read(self) -> bool:
        ready, _, _ = select.select([self._end], [], [], 1.0)
        if not ready:
            return True
        try:
            data = os.read(self._end, 65536)
        except OSError:
            return False  # EIO: nobody has the other end any more
        self.seen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
