#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the wheel that runs elsewhere, too (on Linux with glibc 2.17 or later), and the source distribution;
# with `library` the wheel's library alone, and the static one that the same cargo run makes.
# The same commit and tools give the same bytes.
# Usage: scripts/python/wheel.sh wheel | sdist | library OUTPUT-DIRECTORY [SOURCE-DIRECTORY]
# Needs CRTX_BUILDDIR, where the venv and the caches go. CARGO_TARGET_DIR keeps what cargo compiled (`library`
# needs it).
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
: "${CRTX_BUILDDIR:?}"
what=$1
output=$2
source=${3:-$scripts/../../bindings/python}
. "$scripts/package-environment.sh"

mkdir -p "$output"
case $what in
  wheel) rm -f "$output"/crtx-*.whl ;;
  sdist) rm -f "$output"/crtx-*.tar.gz ;;
esac
if [ "$what" = library ]; then
  : "${CARGO_TARGET_DIR:?}"
  # Where cargo works and what it is told is the build hook's decision. After a wheel nothing is compiled here.
  shared=$(cd "$source" && "$venv/bin/python" -c '
import os, hatch_build
crate = hatch_build.find_crate()
directory = hatch_build.target_directory(crate)
print(hatch_build.Cargo(crate).build(os.environ.get("CRTX_BUILD_TARGET"), directory))')
  cp "$shared" "${shared%.so}.a" "$output/"
  exit
fi
# Without isolation: the build backend is the pinned one.
"$venv/bin/python" -m build "--$what" --no-isolation --outdir "$output" "$source"
