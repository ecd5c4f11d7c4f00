#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes docs/performance.md's tables, its chart and the README's table from docs/performance.json,
and the page's table of counted costs from ctests/costs/costs.txt.

Usage: benches/report.py write       write them anew
       benches/report.py check       are they what the JSON says?
       benches/report.py rows JSON   has it every row of rows.txt, in the documented form?
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))
sys.dont_write_bytecode = True

from report_chart import chart  # noqa: E402
from report_costs import costs  # noqa: E402
from report_form import problems_of  # noqa: E402
from report_tables import TABLES  # noqa: E402

DATA = ROOT / "docs/performance.json"
CHART = ROOT / "docs/performance.svg"
PAGES = (ROOT / "docs/performance.md", ROOT / "README.md")
MARK = re.compile(
    r"(<!-- begin: ([a-z-]+) \(by benches/report.py\) -->\n).*?(<!-- end: \2 -->)", re.S
)


def written() -> dict[Path, str]:
    """What each file is to be."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    tables = {**TABLES, "costs": costs}

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n{tables[match[2]](data)}\n{match[3]}"

    files = {page: MARK.sub(fill, page.read_text(encoding="utf-8")) for page in PAGES}
    files[CHART] = chart(data)
    return files


def check() -> int:
    stale = [
        path.relative_to(ROOT)
        for path, text in written().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        sources = "docs/performance.json and ctests/costs/costs.txt say"
        print(f"{path} is not what {sources} (make bench-page)", file=sys.stderr)
    missing = undescribed()
    for subject in missing:
        print(f"docs/performance.md does not say what {subject} does not do", file=sys.stderr)
    for problem in (problems := problems_of(DATA)[2]):
        print(f"docs/performance.json: {problem}", file=sys.stderr)
    if stale or missing or problems:
        return 1
    print("performance: page, chart and README are what docs/performance.json says")
    return 0


def undescribed() -> list[str]:
    """Subjects without a row in the page's table of what each does not guarantee."""
    page = PAGES[0].read_text(encoding="utf-8")
    lines = (ROOT / "benches/rows.txt").read_text(encoding="utf-8").splitlines()
    subjects = {line.split(" | ")[1] for line in lines if " | " in line and line[0] != "#"}
    return sorted(it for it in subjects if f"\n| {it} | " not in page)


def rows(path: Path) -> int:
    there, skipped, problems = problems_of(path)
    for problem in problems:
        print(f"FAIL {problem}")
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{there} passed, {len(problems)} failed{tail}")
    return 1 if problems else 0


def main() -> int:
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command == ["write"] and not arguments:
        for path, text in written().items():
            path.write_text(text, encoding="utf-8")
        return 0
    if command == ["check"] and not arguments:
        return check()
    if command == ["rows"] and len(arguments) == 1:
        return rows(Path(arguments[0]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
