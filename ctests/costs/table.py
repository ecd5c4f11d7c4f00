#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares what was counted with costs.txt, or writes it.

Usage: table.py --check|--write COSTS.TXT COUNTED INSTRUCTIONS

System calls, flushes and allocations must be the same. Instructions may be up to a tenth more; fewer
are a reason to write the table anew, not to fail. INSTRUCTIONS may be empty, where nothing counts them
as this machine does that wrote the table.
"""

import difflib
import platform
import re
import sys

HEADER = """\
# What each call of libcrtx costs. Written and compared by `make test-costs` (ctests/costs/run.sh --write).
#
# calls         system calls, but for those by which the allocator gets memory; they follow in their order
# flushes       of those, the ones that wait for the disk
# allocations   how often malloc, calloc or realloc is called
# instructions  of the processor outside of the kernel, as callgrind counts them on x86_64 with AVX2
#
# With full durability where not said otherwise; in a process that has made such calls before. One try
# for each lock: nobody else is in between. check makes one fstatat more before Linux 6.13.
#
#                                          calls flushes allocations instructions
"""
ROW = re.compile(r"^(\S.*?) +(\d+) +(\d+) +(\d+)(?: +(\d+|-))?$")
MOST = 1.1


def read(text):
    """Name -> (the three counts, the calls in their order, instructions or None)."""
    rows = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = ROW.match(line)
        if match:
            name = match[1]
            instructions = int(match[5]) if match[5] and match[5] != "-" else None
            rows[name] = [match.group(2, 3, 4), [], instructions]
        else:
            rows[name][1].append(line)
    return rows


def write(rows):
    out = [HEADER]
    for name, (counts, calls, instructions) in rows.items():
        number = "-" if instructions is None else str(instructions)
        out.append(f"{name:42} {counts[0]:>5} {counts[1]:>7} {counts[2]:>11} {number:>12}\n")
        out.extend(line + "\n" for line in calls)
    return "".join(out)


def before_linux(major, minor):
    match = re.match(r"(\d+)\.(\d+)", platform.release())
    return bool(match) and (int(match[1]), int(match[2])) < (major, minor)


def with_one_more_look(row):
    """A check where the kernel does not show every change."""
    (calls, flushes, allocations), names, instructions = row
    names = [re.sub(r"fstatat$", "fstatat x2", line) for line in names]
    return [(str(int(calls) + 1), flushes, allocations), names, instructions]


def check(pinned, counted):
    passed = failed = 0
    if before_linux(6, 13):
        pinned = {name: with_one_more_look(row) if name.startswith("check") else row for name, row in pinned.items()}
    for name in {**pinned, **counted}:
        was, now = pinned.get(name), counted.get(name)
        if was is None or now is None or was[:2] != now[:2]:
            failed += 1
            print(f"FAIL what it costs: {name}")
            old, new = (write({name: [*row[:2], None]}) if row else HEADER for row in (was, now))
            diff = difflib.unified_diff(old.splitlines(), new.splitlines(), "costs.txt", "counted", lineterm="", n=1)
            print("\n".join(f"     {line}" for line in diff))
            continue
        passed += 1
        if was[2] is None or now[2] is None:
            continue
        if now[2] > was[2] * MOST:
            failed += 1
            print(f"FAIL instructions: {name}: {now[2]}, not {was[2]}")
            continue
        passed += 1
        if now[2] * MOST < was[2]:
            print(f"note: {name}: {now[2]} instructions, down from {was[2]}: write the table anew")
    return passed, failed


def main():
    mode, path, counted_path, instructions_path = sys.argv[1:]
    with open(counted_path, encoding="utf-8") as file:
        counted = read(file.read())
    if mode == "--write" and before_linux(6, 13):
        sys.exit("costs.txt is written on Linux 6.13 or later")
    with open(instructions_path, encoding="utf-8") as file:
        for line in file:
            name, number = line.rstrip("\n").split("\t")
            counted[name][2] = int(number)
    if mode == "--write":
        with open(path, "w", encoding="utf-8") as file:
            file.write(write(counted))
        return 0
    with open(path, encoding="utf-8") as file:
        pinned = read(file.read())
    passed, failed = check(pinned, counted)
    if failed:
        print("     if that is meant: ctests/costs/run.sh --write, and the reason into the commit")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
