# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store and those who work on it: locks, operators, holders that die."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import crtx

DEPLOYMENT = "deployment:test"
DIGEST = "blake3:" + 64 * "5"

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "cortex-0.1.2"


class Keys:
    """An operator."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.public = crtx.public_key(seed)
        self.principal = crtx.operator_principal(self.public)


def new_lock(path: crtx.PathArgument, **options: Any) -> crtx.ActiveStoreLock:
    """A lock object whose marker nobody needs after a power cut."""
    defaults: dict[str, Any] = {
        "deployment_id": DEPLOYMENT,
        "operator_principal_id": "operator:test",
        "restore_intent_blake3": DIGEST,
        "durability": "process-crash",
    }
    return crtx.ActiveStoreLock(path, **{**defaults, **options})


def run_python(
    program: str, *arguments: object, **options: Any
) -> subprocess.CompletedProcess[str]:
    """A program in a new interpreter, which can import this module."""
    return subprocess.run(
        [sys.executable, *options.pop("flags", []), "-c", program, *map(str, arguments)],
        **{"cwd": TESTS, "capture_output": True, "text": True, "check": False, **options},
    )


class Holder:
    """Another process that holds the lock until it is told to go, or is killed."""

    _PROGRAM = """
import sys
from stores import new_lock
lock = new_lock(sys.argv[1]).acquire()
print("held", flush=True)
sys.stdin.read()
lock.release()
"""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._PROGRAM, path],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"held\n"

    def go(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


def leave_a_stale_marker(path: Path) -> int:
    """By a process that is killed. Returns the dead one's pid."""
    holder = Holder(path)
    holder.die()
    return holder.pid


def attest(path: crtx.PathArgument, keys: Keys, **changes: Any) -> dict[str, Any]:
    """The operator signs for the stale marker at ``path``: the arguments of quarantine."""
    request: dict[str, Any] = {"justification": "the holder was killed by a test", "valid_for": 600}
    attestation = crtx.build_takeover(path, public_key=keys.public, **{**request, **changes})
    return {
        "attestation": attestation,
        "signature": crtx.sign(keys.seed, attestation),
        "public_key": keys.public,
        "deployment_id": DEPLOYMENT,
    }


def take_over(path: crtx.PathArgument, keys: Keys, **options: Any) -> crtx.Takeover:
    """An attested takeover with the options of :func:`new_lock`."""
    defaults: dict[str, Any] = {
        "operator_principal_id": keys.principal,
        "restore_intent_blake3": DIGEST,
        "durability": "process-crash",
    }
    if "attestation" not in options:
        defaults.update(attest(path, keys))
    return crtx.takeover(path, **{**defaults, **options})


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())
