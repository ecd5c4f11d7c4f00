# SPDX-License-Identifier: MIT OR Apache-2.0
"""The form of the JSON, and the rows that it must have. No time is judged here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROWS = Path(__file__).resolve().parent / "rows.txt"
TOP = {
    "schema": int,
    "measured_at": str,
    "commit": str,
    "machine": dict,
    "seed": int,
    "rounds": int,
    "warm_up": int,
    "versions": dict,
    "main_place": str,
    "places": list,
    "rows": list,
    "skipped": list,
}
MACHINE = {"cpu": str, "cores": int, "kernel": str, "architecture": str}
VERSIONS = (
    "libcrtx",
    "Rust",
    "ed25519-dalek",
    "fd-lock",
    "fs2",
    "LMDB",
    "SQLite",
    "RocksDB",
    "Python",
    "filelock",
    "portalocker",
    "Go",
    "gofrs/flock",
)
CONTENTION = ("acquired per second", "hand-offs per second", "longest wait, ms", "fairness (Jain)")
#: Numbers only: what follows them is the name of somebody's build.
KERNEL = re.compile(r"\d+(\.\d+){1,2}")
# As many as the limit of open files lets a process hold, where that is less than 10,000.
ONLY_HERE = re.compile(r"(crash-only acquire\+release|check|inspect, held), \d,000 held$")

Key = tuple[str, str, str]


def wanted_rows(data: dict[str, Any]) -> dict[Key, bool]:
    """Each row that there must be, and whether it may be skipped."""
    main, places = data["main_place"], [place["name"] for place in data["places"]]
    where = {"each": places, "main": [main], "peers": {places[0], main}, "memory": ["memory"]}
    wanted = {}
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            operation, subject, place = line.split(" | ")
            name = place.removesuffix(" ?")
            wanted.update({(operation, subject, it): name != place for it in where[name]})
    return wanted


def key_of(row: dict[str, Any]) -> Key:
    return (row["operation"], row["subject"], row["place"])


def ill_formed(row: dict[str, Any]) -> bool:
    number = (int, float)
    if not (isinstance(row["n"], int) and row["n"] > 0 and 0 < row["median_ns"] <= row["p99_ns"]):
        return True
    ratio = row.get("ratio")
    if ratio and not (
        isinstance(ratio["to"], str) and 0 < ratio["low"] <= ratio["median"] <= ratio["high"]
    ):
        return True
    target = row.get("target")
    if target and not (
        target["kind"] in ("ratio", "median_ns", "above_ns")
        and isinstance(target["limit"], number)
        and isinstance(target["met"], bool)
    ):
        return True
    if row["operation"].startswith("contention, "):
        return not all(isinstance(row["notes"][name], number) for name in CONTENTION)
    return False


def problems_of(path: Path) -> tuple[int, int, list[str]]:
    """How many wanted rows are there, how many were skipped with a reason, and what is wrong."""
    data = json.loads(path.read_text(encoding="utf-8"))
    problems = [
        f"{name} is missing" for name, kind in TOP.items() if not isinstance(data.get(name), kind)
    ]
    if problems:
        return 0, 0, problems
    problems += [
        f"machine.{name}"
        for name, it in MACHINE.items()
        if not isinstance(data["machine"].get(name), it)
    ]
    if not KERNEL.fullmatch(str(data["machine"].get("kernel"))):
        problems.append("machine.kernel is more than a version")
    problems += [f"no version of {name}" for name in VERSIONS if not data["versions"].get(name)]
    wanted = wanted_rows(data)
    found = [key_of(row) for row in data["rows"]]
    skipped = {key_of(row): row["reason"] for row in data["skipped"]}
    for key, may_be_skipped in wanted.items():
        if key not in found and not (may_be_skipped and skipped.get(key)):
            problems.append(f"no row {key}: {skipped.get(key, 'not even skipped')}")
    problems += [f"row {key} is there twice" for key in set(found) if found.count(key) > 1]
    unknown = [key for key in found if key not in wanted and not ONLY_HERE.match(key[0])]
    problems += [f"row {key} is not in benches/rows.txt" for key in unknown]
    problems += [
        f"row {key_of(row)} is ill-formed: {row}" for row in data["rows"] if ill_formed(row)
    ]
    there = sum(key in found for key in wanted)
    return there, sum(key in skipped for key in wanted), problems
