#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# cargo-c, which distributions use for such libraries, installs the files that `make install` does, and
# programs build with them. Usage: ctests/install/cinstall.sh CARGO-C-VERSION; all goes below CRTX_BUILDDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

directory=${CRTX_BUILDDIR:-target/cinstall}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
CRTX_BUILDDIR=$directory/programs
. scripts/promise.sh
. ctests/install/consume.sh

cargo=${CARGO:-cargo}
root=$directory/root
tools=$directory/tools

PATH=$tools/bin:$PATH
if ! command -v cargo-cinstall >/dev/null; then
  # Unoptimized: it builds in half the time, and has little to do.
  "$cargo" install --quiet --debug --locked --root "$tools" --target-dir "$directory/tools-target" "cargo-c@$1"
  rm -rf "$directory/tools-target"
fi

rm -rf "$root"
if ! "$cargo" cinstall --locked --release --target-dir "$directory/target" \
  --destdir="$root" --prefix=/usr --libdir=/usr/lib >"$directory/log" 2>&1; then
  cat "$directory/log" >&2
  exit 1
fi

# -- what is installed -------------------------------------------------------------------------

# Their names are in scripts/install.sh.
the_same_files() {
  diff <(PREFIX=/usr scripts/install.sh list target/release | sed 's/^/./' | LC_ALL=C sort) <(cd "$root" && find . ! -type d | LC_ALL=C sort)
}

the_same_soname() { readelf -d "$root/usr/lib/libcrtx.so" | grep -q 'SONAME.*\[libcrtx.so.1\]'; }

promise 'cargo cinstall installs the files of make install' the_same_files
promise "the library's SONAME is the same" the_same_soname
promise 'pkg-config links C and C++' with_pkg_config "$root"
promise 'pkg-config links statically' statically "$root"
# (Not fully static: cargo-c's crtx.pc asks for libgcc_s, which is shared only. make install's does not.)
promise 'CMake links C and C++, shared and static' cmake_with "$root/usr" cinstall

all_promises_kept
