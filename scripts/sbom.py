#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the bill of materials of the library: CycloneDX 1.5, one component for each crate that is
linked into it. The same input gives the same bytes: no time, no random number.

Usage: scripts/sbom.py [OUTPUT]"""

import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cargo(*arguments):
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def checksums():
    """The SHA-256 of each crate's archive, as Cargo.lock has it."""
    with open(os.path.join(ROOT, "Cargo.lock"), encoding="utf-8") as file:
        text = file.read()
    pattern = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {(name, version): digest for name, version, digest in re.findall(pattern, text)}


def linked_crates():
    """Name and version of what the library is made of: no build and test dependencies."""
    tree = cargo("tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none",
                 "--format", "{p}")
    lines = {line.removesuffix(" (*)") for line in tree.splitlines() if line}
    return sorted(tuple(line.split(" ")[:2]) for line in lines)


def component(name, version, package, digest):
    found = {
        "type": "library",
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
    }
    if digest:
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return found


def main():
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    digests = checksums()
    components = []
    for name, version in linked_crates():
        key = (name, version.removeprefix("v"))
        components.append(component(*key, packages[key], digests.get(key)))
    own = [part for part in components if part["name"] == "crtx"]
    if len(own) != 1:
        sys.exit("sbom: the tree has no crtx, or more than one")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own[0]},
        "components": [part for part in components if part is not own[0]],
    }
    missing = [part["name"] for part in document["components"] if "hashes" not in part]
    if missing:
        sys.exit(f"sbom: no checksum for {', '.join(missing)}")
    text = json.dumps(document, indent=2) + "\n"
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)
    print(f"sbom: {len(document['components'])} crates", file=sys.stderr)


main()
