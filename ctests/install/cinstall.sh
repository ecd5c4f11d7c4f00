#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# cargo-c, which distributions use for such libraries, installs the files that `make install` does, and a
# program builds with them. Usage: ctests/install/cinstall.sh CARGO-C-VERSION; all goes below CRTX_BUILDDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=${CRTX_BUILDDIR:-target/cinstall}
mkdir -p "$build"
build=$(cd "$build" && pwd)
cargo=${CARGO:-cargo}
root=$build/root
tools=$build/tools
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT

PATH=$tools/bin:$PATH
if ! command -v cargo-cinstall >/dev/null; then
  "$cargo" install --quiet --locked --root "$tools" --target-dir "$build/tools-target" "cargo-c@$1"
  rm -rf "$build/tools-target"
fi

rm -rf "$root"
if ! "$cargo" cinstall --locked --release --target-dir "$build/target" \
  --destdir="$root" --prefix=/usr --libdir=/usr/lib >"$build/log" 2>&1; then
  cat "$build/log" >&2
  exit 1
fi

# The names of `make install`'s files are those of scripts/install.sh.
diff <(PREFIX=/usr scripts/install.sh list target/release | LC_ALL=C sort) \
  <(cd "$root" && find . ! -type d | sed 's/^\.//' | LC_ALL=C sort)

export PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
# shellcheck disable=SC2046 # pkg-config's answers are lists
"${CC:-cc}" examples/hello.c -o "$build/hello" $(pkg-config --cflags --libs crtx)
(cd "$ground" && LD_LIBRARY_PATH=$root/usr/lib "$build/hello")
readelf -d "$root/usr/lib/libcrtx.so" | grep -q 'SONAME.*\[libcrtx.so.1\]'
echo "cinstall: the same files as make install, and they link"
