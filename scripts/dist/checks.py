#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Looks at release files; says what is wrong, and exits with 1 if something is. Usage:

checks.py archive ARCHIVE.tar.gz TOP TIME      nothing of the builder in its headers; all below TOP, of that TIME
checks.py vendor SOURCES                       vendor/ there has each crate of Cargo.lock, and no other
checks.py linked SBOM MESSAGES DIRECTORY       the bill has each crate that cargo, by its messages
                                               (--message-format=json), has put into DIRECTORY, and no other
checks.py notices NOTICES SBOM VENDOR          each crate's licence texts are in NOTICES
"""

import json
import re
import sys
import tarfile
from pathlib import Path

problems = []


def same(what, found, wanted):
    for item in sorted(found - wanted):
        problems.append(f"{what}: {item} does not belong there")
    for item in sorted(wanted - found):
        problems.append(f"{what}: {item} is missing")


def components(sbom):
    found = json.loads(Path(sbom).read_text(encoding="utf-8"))["components"]
    return {(part["name"], part["version"]) for part in found}


def archive(file, top, time):
    with open(file, "rb") as raw:
        header = raw.read(10)
    # RFC 1952: the flags (a name among them), and the time, if there is one.
    if header[3] or int.from_bytes(header[4:8], "little") not in (0, int(time)):
        problems.append("gzip's header has a name or another time")
    with tarfile.open(file) as members:
        for member in members:
            name = member.name
            if name != top and not name.startswith(f"{top}/") or ".." in name.split("/"):
                problems.append(f"{name} is not below {top}")
            if member.issym():
                if "/" in member.linkname:
                    problems.append(f"{name} leads to {member.linkname}")
            elif member.mode not in ((0o755,) if member.isdir() else (0o644, 0o755)):
                problems.append(f"{name} has mode {member.mode:o}")
            if not (member.isreg() or member.isdir() or member.issym()):
                problems.append(f"{name} is neither file nor directory nor symlink")
            if (member.uid, member.gid) != (0, 0) or {member.uname, member.gname} - {"", "root"}:
                problems.append(f"{name} belongs to {member.uname or member.uid}")
            if member.mtime != int(time):
                problems.append(f"{name} is of {member.mtime}, not {time}")


def vendor(sources):
    sources = Path(sources)
    lock = (sources / "Cargo.lock").read_text(encoding="utf-8")
    wanted = set(re.findall(r'\nchecksum = "(.+)"', lock))
    files = (sources / "vendor").glob("*/.cargo-checksum.json")
    found = [json.loads(file.read_text(encoding="utf-8"))["package"] for file in files]
    same("vendored crates, by checksum", set(found), wanted)
    same("vendor/", {path.name for path in (sources / "vendor").iterdir() if not path.is_dir()}, set())
    if len(found) < 20:
        problems.append(f"only {len(found)} crates are vendored")


def linked(sbom, messages, directory):
    found = set()
    for line in Path(messages).read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        if message["reason"] != "compiler-artifact" or "lib" not in message["target"]["kind"]:
            continue
        # What runs during the build (build scripts, procedural macros) goes to another directory.
        if all(name.startswith(f"{directory}/") for name in message["filenames"]):
            name, _, version = message["package_id"].rpartition("#")[2].rpartition("@")
            found.add((name, version))
    same("bill of materials", components(sbom), found)
    if len(found) < 10:
        problems.append(f"only {len(found)} crates were seen")


def words(file):
    return " ".join(file.read_text(encoding="utf-8-sig").split())


def notices(file, sbom, vendored):
    text = words(Path(file))
    sources = {}
    for manifest in Path(vendored).glob("*/Cargo.toml"):
        package = manifest.read_text(encoding="utf-8").partition("[package]")[2]
        name, version = (re.search(rf'^{key} = "(.+)"', package, re.M)[1] for key in ("name", "version"))
        sources[name, version] = manifest.parent
    for name, version in sorted(components(sbom)):
        if f"{name} {version}" not in text:
            problems.append(f"{name} {version} is not named")
        found = [path for path in sources[name, version].iterdir() if "LICEN" in path.name.upper()]
        if not found:
            problems.append(f"{name} {version} has no licence text")
        for path in found:
            if words(path) not in text:
                problems.append(f"{path.name} of {name} {version} is missing")


def main():
    checks = {check.__name__: check for check in (archive, vendor, linked, notices)}
    checks[sys.argv[1]](*sys.argv[2:])
    for problem in problems[:20]:
        print(problem)
    if len(problems) > 20:
        print(f"... and {len(problems) - 20} more")
    sys.exit(bool(problems))


main()
