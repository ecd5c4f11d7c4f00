# SPDX-License-Identifier: MIT OR Apache-2.0
"""Draws docs/performance.svg: a bar a row, on a logarithmic scale, from the median on to the p99."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from report_tables import LIBCRTX, duration, of_subject

OPERATIONS = (
    "durable acquire+release",
    "crash-only acquire+release",
    "refusal, held",
    "refusal, stale",
    "inspect, held",
    "check",
    "document verification",
    "quarantine",
    "takeover",
    "handoff, crash-only",
    "handoff, durable",
    "library load",
)
WIDTH, LABELS, RIGHT = 900, 260, 90
BAR, STEP, GAP, TOP = 11, 16, 26, 74
BASES = (
    "bare C",
    "bare C, release then acquire",
    "bare flock",
    "empty library",
    "ed25519-dalek verify_strict",
)

STYLE = """
  svg { color-scheme: light dark; }
  text { font: 11px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .operation { font-weight: 600; font-size: 12px; }
  .quiet { fill: #57606a; }
  .paper { fill: #ffffff; }
  .grid { stroke: #d0d7de; }
  .ours { fill: #0969da; }
  .base { fill: #57606a; }
  .peer { fill: #a5b1bd; }
  .tail { stroke: #8c959f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .grid { stroke: #30363d; }
    .ours { fill: #4493f8; }
    .base { fill: #9198a1; }
    .peer { fill: #4a5460; }
    .tail { stroke: #6e7681; }
  }
"""


def kind_of(subject: str) -> str:
    if subject.startswith(LIBCRTX):
        return "ours"
    return "base" if subject in BASES else "peer"


class Scale:
    """From nanoseconds to places on the paper; whole decades."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.low = math.floor(math.log10(min(row["median_ns"] for row in rows)))
        self.high = math.ceil(math.log10(max(row["p99_ns"] for row in rows)))

    def __call__(self, nanoseconds: float) -> float:
        share = (math.log10(nanoseconds) - self.low) / (self.high - self.low)
        return LABELS + share * (WIDTH - LABELS - RIGHT)


def text(x: float, y: float, content: str, style: str = "", anchor: str = "start") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind} text-anchor="{anchor}">{escape(content)}</text>'


def bar(row: dict[str, Any], y: float, scale: Scale) -> list[str]:
    start, end, tail = LABELS, scale(row["median_ns"]), scale(row["p99_ns"])
    middle = y + BAR / 2
    size = f'width="{end - start:.1f}" height="{BAR}"'
    return [
        text(LABELS - 8, y + BAR - 2, row["subject"], anchor="end"),
        f'<rect class="{kind_of(row["subject"])}" x="{start}" y="{y}" {size}/>',
        f'<line class="tail" x1="{end:.1f}" y1="{middle}" x2="{tail:.1f}" y2="{middle}"/>',
        text(tail + 5, y + BAR - 2, duration(row["median_ns"])),
    ]


def chart(data: dict[str, Any]) -> str:
    place = data["main_place"]
    groups = [
        (operation, of_subject(data, operation, place) or of_subject(data, operation, "memory"))
        for operation in OPERATIONS
    ]
    groups = [(operation, rows) for operation, rows in groups if rows]
    scale = Scale([row for _, rows in groups for row in rows])
    parts, y = [], TOP
    for operation, rows in groups:
        y += GAP
        parts.append(text(LABELS, y - 6, operation, "operation"))
        for row in sorted(rows, key=lambda row: row["median_ns"]):
            parts += bar(row, y, scale)
            y += STEP
    height = y + 20
    grid = []
    for decade in range(scale.low, scale.high + 1):
        x = scale(10**decade)
        grid.append(
            f'<line class="grid" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 12}"/>'
        )
        name = duration(10**decade).replace(".00", "").replace(".0", "")
        grid.append(text(x, TOP - 14, name, "quiet", "middle"))
    filesystem = {it["name"]: it["filesystem"] for it in data["places"]}[place]
    title = f"libcrtx {data['versions']['libcrtx']} beside its floors and peers, on {filesystem}"
    legend = "medians, each with a line to its p99. Blue: libcrtx. Strong grey: the floor."
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        *grid,
        text(16, 24, title, "title"),
        text(16, 41, legend, "quiet"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
