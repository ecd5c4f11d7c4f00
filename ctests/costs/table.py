#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares what was counted with costs.txt, or writes it.

Usage: table.py --check|--write COSTS.TXT COUNTED INSTRUCTIONS
       table.py --floors COSTS.TXT FLOORS

System calls, flushes and allocations must be the same. Instructions may be up to a tenth more; fewer
are a reason to write the table anew, not to fail. INSTRUCTIONS may be empty, where nothing counts them
as this machine does that wrote the table.

FLOORS is what ctests/costs/floors.c prints: a floor of the benchmark is what the protocol needs, so each
of its calls must be one of the library's, in the same order.
"""

import difflib
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
# for each lock: nobody else is in between.
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


def check(pinned, counted):
    passed = failed = 0
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


def single_calls(lines):
    """Each call by itself: "fstatat x2" is two."""
    for call, times in re.findall(r"(\S+)(?: x(\d+))?(?= |$)", " ".join(line.strip() for line in lines)):
        yield from [call] * int(times or 1)


def check_floors(pinned, text):
    passed = failed = 0
    for line in text.splitlines():
        name, _, calls = line.partition("\t")
        librarys = list(single_calls(pinned[name][1])) if name in pinned else []
        rest = iter(librarys)
        if calls and all(call in rest for call in calls.split()):
            passed += 1
            continue
        failed += 1
        print(f"FAIL a floor makes no call that the library does not make: {name}")
        print(f"     floor    {calls}")
        print(f"     library  {' '.join(librarys)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main():
    if sys.argv[1] == "--floors":
        path, floors = sys.argv[2:]
        with open(path, encoding="utf-8") as file, open(floors, encoding="utf-8") as counted:
            return check_floors(read(file.read()), counted.read())
    mode, path, counted_path, instructions_path = sys.argv[1:]
    with open(counted_path, encoding="utf-8") as file:
        counted = read(file.read())
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
