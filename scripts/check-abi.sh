#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The library's types and functions are those of the dump abi/libcrtx.abi (libabigail): nothing was
# removed or changed. The dump is of a build with full debug information, without which changes of
# types would pass unseen.
# Usage: scripts/check-abi.sh LIBRARY [--write]
set -euo pipefail
cd "$(dirname "$0")/.."

library=$1
dump=abi/libcrtx.abi

if [ "${2:-}" = --write ]; then
  # Without the paths of the machine that wrote it.
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed "$library" |
    sed "s|path='/.*/registry/src/[^/]*/|path='|" >"$dump"
  exit 0
fi

# A removal gives 12, a change of a signature or type 4; an addition gives 0.
status=0
abidiff --no-added-syms "$dump" "$library" || status=$?
if [ "$status" -ne 0 ]; then
  echo "the binary interface differs from $dump (abidiff's exit status is $status)" >&2
  exit 1
fi
echo "abi: as in $dump"
