# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of docs/performance.md and README.md, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Data = dict[str, Any]
Row = dict[str, Any]

LIBCRTX = "libcrtx"
#: Operations that are the library's own in every place, in the order of the page.
EACH = (
    "durable acquire",
    "durable acquire+release",
    "crash-only acquire+release",
    "refusal, held",
    "refusal, stale",
    "inspect, held",
    "inspect, stale",
    "inspect, absent",
    "check",
    "quarantine",
    "takeover",
)
ELSEWHERE = (
    "document verification",
    "library load",
    "handoff, crash-only",
    "handoff, durable",
    "CPU time of waiting 500 ms",
)
HEADLINES = (
    "durable acquire+release",
    "crash-only acquire+release",
    "refusal, held",
    "inspect, held",
    "check",
    "document verification",
    "handoff, crash-only",
    "library load",
)
#: Where no target applies, because a sync costs nothing there.
IN_MEMORY = "tmpfs"


def duration(nanoseconds: float) -> str:
    for unit, size, digits in (("s", 1e9, 2), ("ms", 1e6, 2), ("µs", 1e3, 1)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:,.{digits}f} {unit}"
    return f"{nanoseconds:.0f} ns"


def times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def find(data: Data, operation: str, subject: str, place: str) -> Row | None:
    row: Row
    for row in data["rows"]:
        if (row["operation"], row["subject"], row["place"]) == (operation, subject, place):
            return row
    return None


def of_subject(data: Data, operation: str, place: str) -> list[Row]:
    return [row for row in data["rows"] if (row["operation"], row["place"]) == (operation, place)]


def interval(row: Row) -> str:
    ratio = row["ratio"]
    return f"{times(ratio['median'])} ({times(ratio['low'])} to {times(ratio['high'])})"


def asked(target: dict[str, Any]) -> str:
    limit = target["limit"]
    return {
        "ratio": f"at most {limit:g} times",
        "median_ns": f"at most {duration(limit)}",
        "above_ns": f"at most {duration(limit)} more",
    }[target["kind"]]


def verdict(row: Row) -> str:
    return "met" if row["target"]["met"] else "**missed**"


def measured(data: Data, row: Row) -> str:
    """The figure that the target is about."""
    kind = row["target"]["kind"]
    if kind == "ratio":
        return interval(row)
    if kind == "median_ns":
        return duration(row["median_ns"])
    base = find(data, row["operation"], row["ratio"]["to"], row["place"])
    return f"{duration(row['median_ns'] - (base or row)['median_ns'])} more"


def named(row: Row) -> str:
    """With the subject, where it is not the library as always."""
    return f"{row['operation']}{row['subject'].removeprefix(LIBCRTX)}"


def place_names(data: Data) -> list[str]:
    return [place["name"] for place in data["places"]]


def score(data: Data) -> str:
    met = [row["target"]["met"] for row in data["rows"] if "target" in row]
    return f"Targets met: {sum(met)} of {len(met)}."


def run(data: Data) -> str:
    machine = data["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    places = ", ".join(f"{place['name']} ({place['filesystem']})" for place in data["places"])
    cpu = f"{machine['cpu']}, {machine['cores']} cores, {machine['architecture']}"
    rounds = f"{data['rounds']} rounds after {data['warm_up']} to warm up, seed {data['seed']}"
    return (
        f"Measured {data['measured_at']} at commit {data['commit']}: {cpu}, "
        f"Linux {machine['kernel']}; places: {places}; {rounds}; {versions}. "
        f"**{score(data)}**"
    )


def targets(data: Data) -> str:
    places = [name for name in place_names(data) if name != IN_MEMORY]
    lines = []
    for operation in EACH:
        rows = [find(data, operation, LIBCRTX, place) for place in places]
        found = [row for row in rows if row and "target" in row]
        if found:
            cells = [f"{interval(row)}, {verdict(row)}" if row else "" for row in rows]
            lines.append([operation, asked(found[0]["target"]), *cells])
    return table(["operation", "asked", *places], lines)


def other_targets(data: Data) -> str:
    lines = [
        [named(row), asked(row["target"]), measured(data, row), verdict(row)]
        for row in data["rows"]
        if "target" in row and row["operation"] not in EACH
    ]
    return table(["operation", "asked", "measured", "verdict"], lines)


def side_by_side(data: Data, operations: Iterable[str], place: str) -> str:
    lines = []
    for operation in operations:
        name = operation
        for row in of_subject(data, operation, place) or of_subject(data, operation, "memory"):
            ratio = (
                f"{times(row['ratio']['median'])} x {row['ratio']['to']}" if "ratio" in row else ""
            )
            figures = [f"{row['n']:,}", duration(row["median_ns"]), duration(row["p99_ns"])]
            lines.append([name, row["subject"], *figures, ratio])
            name = ""
    return table(["operation", "who", "n", "median", "p99", "ratio"], lines)


def everything(data: Data) -> str:
    return side_by_side(data, EACH + ELSEWHERE, data["main_place"])


def filesystems(data: Data) -> str:
    places = place_names(data)
    lines = []
    for operation in EACH:
        for subject in (LIBCRTX, "bare C"):
            rows = [find(data, operation, subject, place) for place in places]
            cells = [duration(row["median_ns"]) if row else "" for row in rows]
            lines.append([operation if subject == LIBCRTX else "", subject, *cells])
    unit = [
        find(data, "durable acquire+release", "one pwrite+fdatasync", place) for place in places
    ]
    lines.append(
        ["one pwrite+fdatasync", "", *(duration(row["median_ns"]) if row else "" for row in unit)]
    )
    return table(["median of", "", *places], lines)


def crowd(data: Data) -> str:
    ends = (" held", ", nothing quarantined", " quarantined files")

    def is_crowd(row: Row) -> bool:
        return row["operation"] not in EACH and row["operation"].endswith(ends)

    lines = []
    for row in filter(is_crowd, data["rows"]):
        ratio = f"{interval(row)} x {row['ratio']['to']}" if "ratio" in row else ""
        figures = [duration(row["median_ns"]), duration(row["p99_ns"])]
        lines.append([row["operation"], row["subject"], *figures, ratio])
    lines += [
        [row["operation"], row["subject"], "", "", f"skipped: {row['reason']}"]
        for row in filter(is_crowd, data["skipped"])
    ]
    return table(["operation", "who", "median", "p99", "ratio"], lines)


def contention(data: Data) -> str:
    lines = []
    for row in data["rows"]:
        if row["operation"].startswith("contention, "):
            notes = row["notes"]
            lines.append(
                [
                    row["operation"].removeprefix("contention, ").removesuffix(" processes"),
                    row["subject"],
                    f"{notes['acquired per second']:,.0f}",
                    f"{notes['hand-offs per second']:,.0f}",
                    f"{notes['longest wait, ms']:.1f} ms",
                    f"{notes['fairness (Jain)']:.2f}",
                    duration(row["p99_ns"]),
                ]
            )
    head = [
        "processes",
        "who",
        "acquired per second",
        "hand-offs per second",
        "longest wait",
        "fairness",
        "p99 of acquire",
    ]
    return table(head, lines)


def headlines(data: Data) -> str:
    lines = []
    for operation in HEADLINES:
        row = find(data, operation, LIBCRTX, data["main_place"]) or find(
            data, operation, LIBCRTX, "memory"
        )
        if row:
            ratio = row["ratio"]
            lines.append(
                [operation, duration(row["median_ns"]), f"{times(ratio['median'])} x {ratio['to']}"]
            )
    places = {place["name"]: place["filesystem"] for place in data["places"]}
    head = [f"median on {places[data['main_place']]}", LIBCRTX, "beside"]
    return f"{table(head, lines)}\n\n{score(data)}"


#: By the names in the pages' markers.
TABLES: dict[str, Callable[[Data], str]] = {
    "run": run,
    "targets": targets,
    "other-targets": other_targets,
    "everything": everything,
    "filesystems": filesystems,
    "crowd": crowd,
    "contention": contention,
    "headlines": headlines,
}
