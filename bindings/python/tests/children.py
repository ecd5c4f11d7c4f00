# SPDX-License-Identifier: MIT OR Apache-2.0
"""Functions run in a forked child."""

from __future__ import annotations

import os
import pickle
import traceback
from typing import Any, Callable

#: Its own process only can tell what root may do.
NOBODY = 65534


def in_a_child(function: Callable[[], Any], *, as_nobody: bool = False) -> Any:
    """What the function returns in a forked child, or the exception that it raises."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if as_nobody:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            try:
                outcome = function()
            except Exception as error:
                outcome = error
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(pickle.dumps(outcome))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert status == 0
    return pickle.loads(answer)


def as_plain_user(directory: os.PathLike[str], function: Callable[[], Any]) -> Any:
    """Runs the function as a user whom permissions bind, with a directory of that user's."""
    if os.geteuid() != 0:
        return function()
    os.chown(directory, NOBODY, NOBODY)
    outcome = in_a_child(function, as_nobody=True)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
