#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a backup over the data directory of a stopped PostgreSQL cluster, under `crtx hold` or
`crtx takeover`, and verifies it.

It does all the writing itself: if crtx is killed, the kernel kills this process with it, but would
not kill a `tar` or `cp` that this process had started.

Exit status: 0 the cluster is the backup; 75 a server has it, or may have it, and nothing was
written; 1 anything else, and then the cluster may be half-written.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import crtx

IN_USE = 75  # EX_TEMPFAIL
PIECE = 1 << 20


class NotRestored(Exception):
    """What went wrong, in one sentence, and the exit status."""

    def __init__(self, text: str, exit_status: int = 1) -> None:
        super().__init__(text)
        self.exit_status = exit_status


# begin: check
class Guard:
    """Asks whether the lock that crtx holds for us is still there, and still the same."""

    def __init__(self) -> None:
        self.path = os.environ["CRTX_MARKER_PATH"]
        self.marker = self._marker()

    def _marker(self) -> crtx.Marker:
        found = crtx.inspect(self.path)
        if found is None or found.state != crtx.MarkerState.HELD or found.pid != os.getppid():
            raise NotRestored(f"{self.path} is not our lock any more: not one byte more is written")
        return found

    def check(self) -> None:
        if self._marker() != self.marker:
            raise NotRestored(f"{self.path} is another's now: not one byte more is written")


# end: check


def verify_intent(args: argparse.Namespace, guard: Guard, manifest_digest: str) -> None:
    """What the operator signed is what the marker names, and what is about to happen."""
    digest = crtx.verify_intent(
        intent=args.intent.read_bytes(),
        signature=args.intent.with_suffix(".sig").read_bytes(),
        public_key=args.public_key.read_bytes(),
        deployment_id=guard.marker.deployment_id,
        active_db_path=str(args.data),
        active_event_log_path=str(args.data / "pg_wal"),
        backup_manifest_blake3=manifest_digest,
        staged_sqlite_blake3=crtx.blake3_file(args.backup / "base.tar"),
        staged_jsonl_blake3=crtx.blake3_file(args.backup / "pg_wal.tar"),
    )
    if digest != guard.marker.restore_intent_blake3:
        raise NotRestored("the marker names another restore intent")


# begin: engine-lock
def lock_out_postgres(data: Path, marker_path: str) -> Path:
    """Takes PostgreSQL's own lock by its own rule: postmaster.pid, created exclusively, with the id
    of a live process. A start that does not look at the marker is refused while we live.

    It is linked to its name when it is whole: whoever finds an empty one cannot tell whose it is,
    and PostgreSQL refuses it too."""
    lock = data / "postmaster.pid"
    ours = f"restore under {marker_path}"
    ready = data / "postmaster.pid.ready"
    ready.unlink(missing_ok=True)  # not written over: it may be the other name of a dead one's lock
    with open(ready, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(f"{os.getpid()}\n{ours}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(ready, lock)
    except FileExistsError:
        refuse_unless_left(lock, ours)
        os.replace(ready, lock)
    finally:
        ready.unlink(missing_ok=True)
    sync_directory(data)
    return lock


def refuse_unless_left(lock: Path, ours: str) -> None:
    try:
        process, text = (lock.read_text(errors="replace").splitlines() + ["", ""])[:2]
    except OSError as failure:
        raise NotRestored(f"postmaster.pid cannot be read: {failure}", IN_USE) from None
    # That of a restore that died. The marker says so: it was taken over before we began.
    if text == ours:
        return
    if not process.lstrip("-").isdigit():  # with a minus it is a single-user server's
        raise NotRestored(
            "postmaster.pid names no process: a server is just starting, or what made the file "
            "died before it wrote; if no server runs, remove the file",
            IN_USE,
        )
    raise NotRestored(
        f"postmaster.pid names process {process}: a server runs, or was not stopped in order",
        IN_USE,
    )


def sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# end: engine-lock


class Progress:
    """Counts bytes. The demo has it stop half-way, until the file that says so is removed."""

    def __init__(self, total: int, stop_half_way: Path | None) -> None:
        self.done = 0
        self.total = total
        self.stop_half_way = stop_half_way

    def wrote(self, count: int) -> None:
        self.done += count
        if self.stop_half_way is None or self.done * 2 < self.total:
            return
        self.stop_half_way.write_text(f"{self.done} {self.total}\n")
        while self.stop_half_way.exists():
            time.sleep(0.05)
        self.stop_half_way = None


def members(backup: Path) -> Iterator[tuple[Path, tarfile.TarInfo, tarfile.TarFile]]:
    for name, below in (("base.tar", ""), ("pg_wal.tar", "pg_wal")):
        with tarfile.open(backup / name) as archive:
            for member in archive:
                place = Path(below, member.name)
                if place.is_absolute() or ".." in place.parts:
                    raise NotRestored(f"{name} has the name {member.name}")
                if not (member.isfile() or member.isdir()):
                    raise NotRestored(f"{member.name} is neither a file nor a directory")
                yield place, member, archive


# begin: copy
def write_over(data: Path, backup: Path, guard: Guard, progress: Progress) -> set[Path]:
    """In place, as a tool does that copies what differs: old and new files lie side by side until
    the end. Returns what is in the backup."""
    restored = set()
    for place, member, archive in members(backup):
        restored.add(place)
        guard.check()
        if member.isdir():
            (data / place).mkdir(mode=0o700, exist_ok=True)
            continue
        source = archive.extractfile(member)
        assert source is not None  # for a file there is one
        with open(data / place, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as to:
            while piece := source.read(PIECE):
                guard.check()
                to.write(piece)
                progress.wrote(len(piece))
    return restored


# end: copy


def remove_the_rest(data: Path, restored: set[Path], lock: Path, guard: Guard) -> None:
    for path in sorted(data.rglob("*"), reverse=True):
        if path.relative_to(data) in restored or path == lock:
            continue
        guard.check()
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


def verify(data: Path, manifest: Path, authorized: str) -> None:
    """Reads everything back, against the manifest that was authorized."""
    for line in manifest.read_text().splitlines():
        digest, name = line.split("  ", 1)
        if hashlib.sha256((data / name).read_bytes()).hexdigest() != digest:
            raise NotRestored(f"{name} is not the one that was authorized")
    if crtx.blake3_file(manifest) != authorized:
        raise NotRestored(f"{manifest} changed after it was authorized")


# begin: restore
def restore(args: argparse.Namespace) -> None:
    guard = Guard()
    manifest = args.backup / "manifest.sha256"
    authorized = crtx.blake3_file(manifest)
    verify_intent(args, guard, authorized)
    lock = lock_out_postgres(args.data, guard.path)
    total = sum(member.size for _, member, _ in members(args.backup))
    restored = write_over(args.data, args.backup, guard, Progress(total, args.stop_half_way))
    remove_the_rest(args.data, restored, lock, guard)
    verify(args.data, manifest, authorized)
    # On the disk before crtx removes the marker; sync(1) with -f is syncfs(2).
    subprocess.run(["sync", "-f", args.data], check=True)
    lock.unlink()


# end: restore


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("backup", type=Path)
    parser.add_argument("intent", type=Path)
    parser.add_argument("public_key", type=Path)
    parser.add_argument("--stop-half-way", type=Path, metavar="FILE")
    try:
        restore(parser.parse_args())
    except (NotRestored, crtx.CrtxError, OSError, tarfile.TarError) as failure:
        print(f"restore: {failure}", file=sys.stderr)
        return failure.exit_status if isinstance(failure, NotRestored) else 1
    return 0


sys.exit(main())
