# SPDX-License-Identifier: MIT OR Apache-2.0
from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from conformance.process import be_a_holder
from conformance.run import NETWORK, run_case
from conformance.table import Block, Table

#: For a case; a runner that is killed then has no closing line.
MOST_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance")
    parser.add_argument("--transcript", type=Path, default=Path(os.devnull))
    parser.add_argument("--only", default="")
    parser.add_argument("tables", type=Path, nargs="+")
    options = parser.parse_args()
    os.umask(0o022)
    table = Table()
    for path in options.tables:
        table.read(path)
    passed = failed = skipped = 0
    with options.transcript.open("w", encoding="ascii") as transcript:
        for case in table.cases:
            if options.only not in case.name or "python" in case.unless:
                continue
            if lacks(case):
                print(f"skip {case.name}: needs a network filesystem")
                skipped += 1
                continue
            signal.alarm(MOST_SECONDS)
            complaints = run_case(table, case, transcript)
            if complaints:
                failed += 1
                print("\n".join([*complaints, f"FAIL {case.name}"]))
            else:
                passed += 1
    skips = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{skips}")
    return 0 if passed and not failed else 1


def lacks(case: Block) -> bool:
    return case.needs_network and NETWORK not in os.environ


if __name__ == "__main__":
    if sys.argv[1:2] == ["--hold"]:
        sys.exit(be_a_holder([os.fsencode(argument) for argument in sys.argv[2:]]))
    sys.exit(main())
