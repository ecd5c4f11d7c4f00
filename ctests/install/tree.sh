#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds programs against a library archive that was unpacked, wherever that is: with pkg-config, with CMake,
# shared, static and fully static, and as the archive's README.md says.
# Usage: ctests/install/tree.sh TREE; everything else goes below CRTX_BUILDDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

tree=$(cd "$1" && pwd)
: "${CRTX_BUILDDIR:=target/tree}"
. scripts/promise.sh
. ctests/install/consume.sh

# Each block on its own, in a copy of the tree that has a program hello.c.
readme_commands_work() {
  local place=$ground/readme block
  cp -a "$tree" "$place"
  cp examples/hello.c "$place/"
  awk -v place="$ground" '/^```sh$/ { out = place "/block-" ++count; next } /^```/ { out = "" } out { print > out }' \
    "$place/share/doc/crtx/README.md"
  [ -e "$ground/block-2" ]
  for block in "$ground"/block-*; do
    rm -f "$place/hello"
    [ "$(cd "$place" && bash -eu "$block")" = restored ]
  done
  rm -rf "$place" "$ground"/block-*
}

promise 'pkg-config links C and C++ by its own place' with_pkg_config "$tree"
promise 'pkg-config links statically' statically "$tree"
promise 'pkg-config links without any shared library' fully_statically "$tree"
promise 'pkg-config --define-prefix links, too' moved "$tree"
promise 'CMake links C and C++, shared and static' cmake_with "$tree" tree
promise "the man page's example compiles and runs" man_page_example_compiles "$tree"
promise "the archive's README tells the truth" readme_commands_work

all_promises_kept
