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
  # No paths, lines or compiler of the machine that wrote it.
  abidw --headers-dir include --drop-private-types --no-corpus-path --no-comp-dir-path --no-show-locs \
    "$library" | sed "s| path=.[^>]*| path=..|" >"$dump"
  exit 0
fi

# libabigail compares what the header declares.
status=0
abidiff --no-added-syms --headers-dir1 include --headers-dir2 include "$dump" "$library" || status=$?
if [ "$status" -ne 0 ]; then
  echo "the binary interface differs from $dump (abidiff's exit status is $status)" >&2
  exit 1
fi
echo "abi: as in $dump"
