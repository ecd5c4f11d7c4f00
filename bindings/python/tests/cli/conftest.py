# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures of the command's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .command import Crtx


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory on a local filesystem. The checkout, and /tmp too, may be on another."""
    memory = "/dev/shm"
    parent = memory if os.access(memory, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="crtx-command-", dir=parent))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def crtx(place: Path) -> Crtx:
    return Crtx(place)
