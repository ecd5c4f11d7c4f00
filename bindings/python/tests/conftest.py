# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures of all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import Keys


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
