# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures of the command's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from .command import Crtx


@pytest.fixture
def crtx(place: Path) -> Crtx:
    return Crtx(place)
