#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares what several languages wrote about the same cases.

    compare.py TABLE-DIRECTORY OUTPUT-DIRECTORY LANGUAGE=TRANSCRIPT...

What differs from run to run is replaced first, and the result is written to OUTPUT-DIRECTORY/LANGUAGE.txt: then
the transcripts must be the same byte for byte. A case that a language left out must say so in the table.
The last line is "N passed, M failed", counted in cases.
"""

import datetime
import difflib
import pathlib
import re
import sys

MOST_SHOWN = 10
# The C boundary speaks of a handle here, and the Rust API of a lock.
OWN_WORDS = ("CRTX_E_BAD_HANDLE", "CRTX_E_FORKED")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
STALE = re.compile(r"\.stale-(\d{8}T\d{6}Z)(?:-\d+)?")
NANOSECONDS = re.compile(r"(?<=acquired_at_unix_ns )\d{19}$")
PID = re.compile(r'(?<=process )\d+|(?<=the marker )\d+|(?<=pid=)\d+|(?<="stale_pid":)\d+|(?<=^  pid )\d+')
DIGEST = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{128}|[0-9a-f]{64})(?![0-9a-f])")


def read_table(directory):
    """The text of all its files, and for each case the languages that it is not for, and whether it may be skipped."""
    text, cases, case = "", {}, None
    for path in sorted(directory.glob("*.txt")):
        content = path.read_text(encoding="utf-8")
        text += content
        for line in content.splitlines():
            word, _, rest = line.strip().partition(" ")
            if word in ("case", "steps"):
                case = cases.setdefault(rest, {"unless": [], "needs": None}) if word == "case" else None
            elif case is not None and word == "unless":
                case["unless"] = rest.partition(":")[0].split()
            elif case is not None and word == "needs":
                case["needs"] = rest
    return text, cases


def is_now(moment):
    """Whether a time is of this run, and not one that the table gives."""
    return abs(datetime.datetime.now(datetime.timezone.utc) - moment) < datetime.timedelta(days=2)


def parse_time(text):
    whole, zone = re.fullmatch(r"([^.Z+]+?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text).groups()
    return datetime.datetime.fromisoformat(whole + zone.replace("Z", "+00:00"))


class Plain:
    """One case's lines, with what differs from run to run replaced."""

    def __init__(self, table_text):
        self.table_text = table_text
        self.directory = None
        self.pids = {}
        # A time of this run was seen: what is signed or digested from here on may depend on it.
        self.has_now = False

    def time(self, found):
        if not is_now(parse_time(found.group())):
            return found.group()
        self.has_now = True
        return "<now>"

    def stale(self, found):
        moment = datetime.datetime.strptime(found.group(1), "%Y%m%dT%H%M%SZ")
        return ".stale-<now>" if is_now(moment.replace(tzinfo=datetime.timezone.utc)) else found.group()

    def nanoseconds(self, found):
        moment = datetime.datetime.fromtimestamp(int(found.group()) // 10**9, datetime.timezone.utc)
        return "<now>" if is_now(moment) else found.group()

    def digest(self, found):
        return "<digest>" if self.has_now and found.group() not in self.table_text else found.group()

    def line(self, line):
        line = line.replace(self.directory, "${dir}")
        line = PID.sub(lambda found: self.pids.get(found.group(), found.group()), line)
        line = NANOSECONDS.sub(self.nanoseconds, STALE.sub(self.stale, TIME.sub(self.time, line)))
        return DIGEST.sub(self.digest, line)

    def step(self, lines):
        has_own_words = lines[0].endswith(OWN_WORDS)
        plain = [self.line(line) for line in sorted(lines[1:], key=lambda line: "acquired_at" not in line)]
        return [lines[0]] + sorted(line for line in plain if not (has_own_words and line.startswith("  message ")))

    def case(self, lines):
        plain, step = [], []
        for line in lines + ["end"]:
            word, _, rest = line.partition(" ")
            if line.startswith("  "):
                step.append(line)
                continue
            plain, step = plain + (self.step(step) if step else []), []
            if word == "dir":
                self.directory = rest
            elif word in ("self", "child"):
                self.pids[rest] = f"<{word}>"
            elif word == "step":
                step = [line]
        return plain


def read_transcript(path, table_text):
    cases, lines = {}, []
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("case "):
            lines = cases.setdefault(line[5:], [])
        else:
            lines.append(line)
    return {name: Plain(table_text).case(lines) for name, lines in cases.items()}


def complaint(name, case, transcripts):
    """What is wrong with a case, or None."""
    have = {language: cases[name] for language, cases in transcripts.items() if name in cases}
    missing = [language for language in transcripts if language not in have and language not in case["unless"]]
    extra = [language for language in have if language in case["unless"]]
    if case["needs"] and not have:
        return None
    if missing or extra or not have:
        return f"  not in the transcript of: {missing}; there against the table: {extra}"
    (first, wanted), *others = have.items()
    for language, found in others:
        if found != wanted:
            return "\n".join(difflib.unified_diff(wanted, found, first, language, lineterm=""))
    return None


def main(table_directory, output_directory, *named):
    table_text, table = read_table(pathlib.Path(table_directory))
    transcripts = {}
    for language, path in (name.split("=", 1) for name in named):
        transcripts[language] = read_transcript(pathlib.Path(path), table_text)
        text = "".join(f"case {name}\n" + "".join(f"{line}\n" for line in lines)
                       for name, lines in transcripts[language].items())
        (pathlib.Path(output_directory) / f"{language}.txt").write_text(text, encoding="ascii")
    complaints = {name: complaint(name, case, transcripts) for name, case in table.items()}
    wrong = {name: why for name, why in complaints.items() if why is not None}
    for name, why in list(wrong.items())[:MOST_SHOWN]:
        print(f"{why}\nFAIL {name}: the languages differ")
    print(f"{len(table) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or len(transcripts) < 2 else 0


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
