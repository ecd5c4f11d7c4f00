#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the wheel that runs elsewhere, too (on Linux with glibc 2.17 or later), and the source distribution.
# The same commit and tools give the same bytes.
# Usage: scripts/python/wheel.sh wheel | sdist OUTPUT-DIRECTORY [SOURCE-DIRECTORY]
# Needs CRTX_BUILDDIR, where the venv and the caches go. CARGO_TARGET_DIR keeps what cargo compiled.
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
# Without isolation: the build backend is the pinned one.
"$venv/bin/python" -m build "--$what" --no-isolation --outdir "$output" "$source"
