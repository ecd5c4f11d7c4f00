# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is tested: the wheel and the source distribution that ``make wheel sdist`` wrote, and a
plain wheel. scripts/python/test-packaging.sh sets the variables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging_support import PACKAGE, run

DIST = Path(os.environ["CRTX_DIST"])
# Lines of "version<tab>path".
INTERPRETERS = dict(
    line.split("\t") for line in os.environ["CRTX_INTERPRETERS"].splitlines() if line
)


def only(directory: Path, pattern: str) -> Path:
    found = list(directory.glob(pattern))
    assert len(found) == 1, f"{pattern} in {directory}: {found}"
    return found[0]


@pytest.fixture(scope="session")
def portable_wheel() -> Path:
    return only(DIST, "*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    return only(DIST, "*.tar.gz")


@pytest.fixture(scope="session")
def plain_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the checkout, for this machine, with the library that ``make build`` has built already."""
    out = tmp_path_factory.mktemp("plain")
    run(
        *("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", out, PACKAGE),
        cwd=out,
        CARGO_TARGET_DIR=os.environ["CARGO_TARGET_DIR"],
    )
    return only(out, "*.whl")


@pytest.fixture(params=["portable", "plain"])
def wheel(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(f"{request.param}_wheel")
    return found


@pytest.fixture(params=list(INTERPRETERS))
def interpreter(request: pytest.FixtureRequest) -> str:
    return INTERPRETERS[request.param]
