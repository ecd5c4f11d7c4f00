#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A dylib for macOS is what its users will rely on: the exported symbols, its name, what it needs.

What follows is written in Apple's <mach-o/loader.h>. The last line is "N passed, M failed".
Usage: scripts/check-macho.py LIBRARY x86_64|aarch64 SYMBOLS INSTALL-NAME COMPATIBILITY-VERSION
"""

import struct
import sys

MAGIC_64, DYLIB = 0xFEEDFACF, 6
CPU = {"x86_64": 0x01000007, "aarch64": 0x0100000C}
HAS_TLV_DESCRIPTORS = 0x800000
# See src/ffi/exports.rs.
MORE_EXPORTS = {"x86_64": [], "aarch64": ["_blake3_compress_in_place_portable"]}
LC_ID_DYLIB, LC_CODE_SIGNATURE = 0xD, 0x1D
LC_LOAD = {0xC, 0x80000018, 0x8000001F}  # load, load weak, reexport
LC_DYLD_INFO = {0x22, 0x80000022}
LC_DYLD_EXPORTS_TRIE = 0x80000033


def uleb(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return value, at


def exported(trie, at=0, prefix=b""):
    """The names in an export trie, which dyld looks names up in."""
    size, at = uleb(trie, at)
    if size:
        yield prefix.decode()
    at += size
    children, at = trie[at], at + 1
    for _ in range(children):
        end = trie.index(b"\0", at)
        label = trie[at:end]
        child, at = uleb(trie, end + 1)
        yield from exported(trie, child, prefix + label)


class Library:
    def __init__(self, data):
        magic, self.cpu, _, self.kind, commands, _, self.flags, _ = struct.unpack_from("<8I", data)
        if magic != MAGIC_64:
            raise SystemExit("no 64-bit Mach-O file")
        self.name, self.compatibility, self.needs, self.signed, trie = None, None, [], False, b""
        at = 32
        for _ in range(commands):
            command, size = struct.unpack_from("<2I", data, at)
            if command == LC_ID_DYLIB:
                self.name, self.compatibility = self.dylib(data, at, size)
            elif command in LC_LOAD:
                self.needs.append(self.dylib(data, at, size)[0])
            elif command == LC_CODE_SIGNATURE:
                self.signed = True
            elif command in LC_DYLD_INFO:
                offset, length = struct.unpack_from("<2I", data, at + 40)
                trie = data[offset : offset + length]
            elif command == LC_DYLD_EXPORTS_TRIE:
                offset, length = struct.unpack_from("<2I", data, at + 8)
                trie = data[offset : offset + length]
            at += size
        self.exports = sorted(exported(trie)) if trie else []

    @staticmethod
    def dylib(data, at, size):
        offset, _, _, compatibility = struct.unpack_from("<4I", data, at + 8)
        name = data[at + offset : at + size].split(b"\0")[0].decode()
        return name, f"{compatibility >> 16}.{compatibility >> 8 & 0xFF}.{compatibility & 0xFF}"


def main():
    path, architecture, symbols, install_name, compatibility = sys.argv[1:]
    with open(path, "rb") as file:
        library = Library(file.read())
    with open(symbols, encoding="ascii") as file:
        promised = sorted(["_" + line.strip() for line in file] + MORE_EXPORTS[architecture])
    checks = {
        f"it is a dylib for {architecture}": (library.kind, library.cpu) == (DYLIB, CPU[architecture]),
        f"its name is {install_name} ({library.name})": library.name == install_name,
        f"it is compatible from {compatibility} on ({library.compatibility})": library.compatibility == compatibility,
        f"it needs libSystem alone ({library.needs})": library.needs == ["/usr/lib/libSystem.B.dylib"],
        # dyld never unloads a library that has any (MachOAnalyzer::neverUnload), so that the fork handlers
        # stay where they are.
        "it has thread-local variables": library.flags & HAS_TLV_DESCRIPTORS != 0,
        # Apple silicon runs nothing else.
        "it is signed, if only ad hoc": library.signed or architecture == "x86_64",
        f"it exports what {symbols} lists, and no more than is known": library.exports == promised,
    }
    for what in (what for what, holds in checks.items() if not holds):
        print(f"FAIL {path}: not so: {what}")
    if library.exports != promised:
        print("  ", sorted(set(library.exports) ^ set(promised)))
    failed = sum(not holds for holds in checks.values())
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
