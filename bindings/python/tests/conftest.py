# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures of all tests."""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import Keys

# Far longer than any test takes on a busy machine: one that hangs must not hang the whole run.
_LONGEST_TEST = 600

# In the background of a shell without job control (nohup, some CI) these are ignored, and would be
# so in every child that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _watchdog() -> Iterator[None]:
    faulthandler.dump_traceback_later(_LONGEST_TEST, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory on a local filesystem. The checkout, and /tmp too, may be on another."""
    memory = "/dev/shm"
    parent = memory if os.access(memory, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="crtx-python-", dir=parent))
    yield directory
    directory.chmod(0o700)
    shutil.rmtree(directory)


@pytest.fixture
def marker(place: Path) -> Path:
    """Where a store's marker would be; nothing is there."""
    return place / "ledger.db.restore"


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(bytes(range(1, 33)))
