# SPDX-License-Identifier: MIT OR Apache-2.0
"""One version: the crate's."""

from __future__ import annotations

import re
from pathlib import Path

import crtx

ROOT = Path(__file__).resolve().parents[3]


def test_package_library_and_crate_have_one_version() -> None:
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    crate = re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)
    assert crate
    assert crtx.__version__ == crtx.version() == crate[1]
