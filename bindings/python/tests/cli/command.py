# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs ``crtx`` as an operator would: as a program, with files, pipes and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import crtx as library

DEPLOYMENT = "ledger-production"
FIXTURES = Path(__file__).parents[4] / "tests" / "fixtures" / "cortex-0.1.2"
#: Long enough for a loaded machine; nothing is measured by it.
PATIENCE = 60.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits for something that is sure to come, and returns it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"waited in vain: {what}")


def process_state(pid: int) -> str:
    """The letter of proc(5), or ``-`` if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "-"


def usual_signals() -> None:
    """For a child: as a login shell has them. A test that runs in the background ignores some."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Result:
    """What a run of crtx left behind."""

    def __init__(self, status: int, stdout: bytes, stderr: bytes) -> None:
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.out = stdout.decode(errors="surrogateescape")
        self.err = stderr.decode(errors="surrogateescape")

    @property
    def json(self) -> Any:
        """The one object that ``--json`` prints, and nothing else with it."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"<exit {self.status}\n-- stdout\n{self.out}\n-- stderr\n{self.err}>"


class Crtx:
    """The command, in a directory with a key ``alice`` and an intent of that deployment."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.marker = place / "ledger.db.restore"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "COLUMNS", "TERM")
        }
        self.environment["TZ"] = "UTC"
        (place / "restore.intent.json").write_text("{}")
        seed = os.urandom(32)
        (place / "alice.seed").write_bytes(seed)
        (place / "alice.seed").chmod(0o600)
        self.public_key = library.public_key(seed)
        (place / "alice.pub").write_bytes(self.public_key)
        #: What every holder says of itself.
        self.holder = (
            *("--deployment-id", DEPLOYMENT),
            *("--public-key", "alice.pub"),
            *("--intent", "restore.intent.json"),
        )

    def words(self, *arguments: str | bytes | Path) -> list[str | bytes]:
        return [sys.executable, "-m", "crtx", *(os.fspath(word) for word in arguments)]

    def __call__(
        self, *arguments: str | bytes | Path, stdin: bytes = b"", **environment: str
    ) -> Result:
        """Runs crtx to its end, without a terminal."""
        done = subprocess.run(
            self.words(*arguments),
            input=stdin,
            capture_output=True,
            cwd=self.place,
            env={**self.environment, **environment},
            timeout=PATIENCE,
            check=False,
            start_new_session=True,
            preexec_fn=usual_signals,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str | bytes | Path, **settings: Any) -> subprocess.Popen[bytes]:
        """Starts crtx in a session of its own."""
        return subprocess.Popen(
            self.words(*arguments),
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "cwd": self.place,
                "env": self.environment,
                "start_new_session": True,
                "preexec_fn": usual_signals,
                **settings,
            },
        )

    def hold(self, *command: str, options: tuple[str, ...] = ()) -> Result:
        return self("hold", self.marker, *self.holder, *options, "--", *command)

    def start_hold(
        self, *command: str, options: tuple[str, ...] = (), **settings: Any
    ) -> subprocess.Popen[bytes]:
        return self.start("hold", self.marker, *self.holder, *options, "--", *command, **settings)

    def leave_stale(self) -> None:
        """A stale marker, as one that was kept on purpose: quick, without another process."""
        lock = library.ActiveStoreLock(
            self.marker,
            deployment_id=DEPLOYMENT,
            operator_principal_id=library.operator_principal(self.public_key),
            restore_intent_blake3=library.blake3_file(self.place / "restore.intent.json"),
        ).acquire()
        lock.leak()
        lock.release()

    def die_holding(self) -> None:
        """The same, as a restore leaves it that was killed."""
        died = self.hold("sh", "-c", "kill -KILL $PPID; exec sleep 60")
        assert died.status == -9
        assert self.marker.exists()

    def attest(self, *options: str) -> Result:
        return self(
            *("attest", self.marker, "--seed", "alice.seed", "--yes"),
            *("--justification", "the power failed"),
            *options,
        )

    #: The attestation that `attest` wrote, as options.
    attestation = ("--attestation", "ledger.db.restore.attestation.json")

    def quarantine(self, *options: str) -> Result:
        return self(
            *("quarantine", self.marker, *self.attestation, "--public-key", "alice.pub"),
            *("--deployment-id", DEPLOYMENT),
            *options,
        )

    def state(self) -> Any:
        return self("inspect", "--json", self.marker).json["result"]["state"]


def finish(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    return Result(process.returncode, out or b"", err or b"")
