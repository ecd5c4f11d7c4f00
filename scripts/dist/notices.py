#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes what of others is linked into the released libraries, and the licence texts that came with it:
the crates of the bill of materials, and what the linker of the shared library adds. (The Rust standard
library's terms are a page of its own, which Rust distributes.)

Usage: scripts/dist/notices.py SBOM ZIGLANG-DIRECTORY"""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LICENCE_FILE = re.compile(r"(un)?licen[cs]e|copying|copyright|notice|authors", re.IGNORECASE)
RULE = "-" * 78

HEAD = """\
Third-party software in libcrtx {version}

libcrtx itself is licensed under MIT OR Apache-2.0, at your option. The libraries
contain code of others, listed here with the licence texts that came with it. Where
there is a choice, it is yours. The Rust standard library is in them, too: see
THIRD-PARTY-rust-std.html.
"""

# Named by what is in the linker's directory.
LINKER_ADDS = (
    ("LLVM libunwind (in the shared library)", "lib/libunwind/LICENSE.TXT"),
    ("Zig's compiler-rt (in the shared library)", "LICENSE"),
)


def crate_directories():
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--locked", "--format-version", "1"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return {
        (package["name"], package["version"]): Path(package["manifest_path"]).parent
        for package in json.loads(done.stdout)["packages"]
    }


def text_of(file):
    """Without what differs between copies of the same text: ends of lines, blank lines around it."""
    lines = [line.rstrip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    return "\n".join(lines).strip("\n")


def licence_files(directory):
    found = [file for file in directory.iterdir() if file.is_file() and LICENCE_FILE.match(file.name)]
    return sorted(found)


def main():
    sbom = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    zig = Path(sys.argv[2])
    directories = crate_directories()
    print(HEAD.format(version=sbom["metadata"]["component"]["version"]))
    # Many crates come with the same text: each is here once, in the order of the first that has it.
    owners = {}
    for part in sbom["components"]:
        title = f"{part['name']} {part['version']}"
        print(f"  {title:26}{part['licenses'][0]['expression']}")
        files = licence_files(directories[part["name"], part["version"]])
        if not files:
            sys.exit(f"notices: {title} has no licence file")
        for file in files:
            owners.setdefault(text_of(file), []).append(title)
    for title, file in LINKER_ADDS:
        print(f"  {title}")
        owners.setdefault(text_of(zig / file), []).append(title)
    for text, titles in owners.items():
        names = ", ".join(dict.fromkeys(titles))
        print(f"\n{RULE}\n{textwrap.fill(names, 78, break_on_hyphens=False)}\n{RULE}\n\n{text}")


main()
