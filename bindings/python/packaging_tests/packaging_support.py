# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs tools as a stranger would: in a fresh venv, outside the repository, without the variables
that the make targets set."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parent.parent

# What the library is built from.
CRATE = ("Cargo.toml", "Cargo.lock", "README.md", "build.rs", "cbindgen.toml", "include", "src")

LEFT_BY_TOOLS = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}

# These would let the repository, or its build, into what is tested.
OURS = (
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CRTX_BUILD_TARGET",
    "CRTX_LIBRARY",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "SOURCE_DATE_EPOCH",
)

# Takes the lock, and prints what was seen of it.
USE_THE_LOCK = """
import json, sys
import crtx
lock = crtx.ActiveStoreLock(
    sys.argv[1],
    deployment_id="packaging-test",
    operator_principal_id="operator:packaging-test",
    restore_intent_blake3="blake3:" + "0" * 64,
)
with lock:
    found = crtx.inspect(sys.argv[1])
print(json.dumps({
    "package": crtx.__file__,
    "version": crtx.__version__,
    "library": crtx.version(),
    "held": found is not None and found.state is crtx.MarkerState.HELD_BY_THIS_PROCESS,
    "released": crtx.inspect(sys.argv[1]) is None,
}))
"""


def strangers_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, **more}


def attempt(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Standard output and error come together: pip passes on what a build says as it likes."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=strangers_environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    done = attempt(*command, cwd=cwd, **more)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


class Venv:
    """A fresh venv, with nothing in it but pip."""

    def __init__(self, path: Path, interpreter: str = sys.executable) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        run(interpreter, "-I", "-m", "venv", path, cwd=path.parent)
        self.python = path / "bin" / "python"

    def pip(self, *arguments: str | Path, **more: str) -> str:
        return run(self.python, "-I", "-m", "pip", *arguments, cwd=self.path, **more)

    def use_the_lock(self, **more: str) -> dict[str, Any]:
        marker = self.path / "store.restore"
        text = run(self.python, "-c", USE_THE_LOCK, marker, cwd=self.path, **more)
        found: dict[str, Any] = json.loads(text)
        return found


def files_below(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


def state_of(directory: Path) -> dict[Path, int]:
    """Changes if anything below is written, created or removed; even if it is undone later, because
    the directory's time then stays another."""
    return {path: path.stat().st_mtime_ns for path in [directory, *directory.rglob("*")]}


def source_files(*places: str) -> set[str]:
    """The files in some places of the repository, without what tools leave there."""
    found = set()
    for place in places:
        if (ROOT / place).is_file():
            found.add(place)
        else:
            found |= {f"{place}/{name}" for name in files_below(ROOT / place)}
    return {name for name in found if not LEFT_BY_TOOLS.intersection(name.split("/"))}


def checkout(destination: Path) -> Path:
    """A copy of the package and of the crate, where they are in the repository."""
    for name in source_files(*CRATE, "bindings/python"):
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return destination
