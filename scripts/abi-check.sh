#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The binary interface is still the committed one (docs/abi.md): nothing that abi/ records was removed
# or changed. Additions pass.
# - abi/symbols.txt: the exported functions;
# - abi/libcrtx.abi: their types, and those of the structs (libabigail). It is of a build with full
#   debug information, without which changes of types would pass unseen;
# - abi/constants.txt: the header's numbers, which no library knows.
# Usage: scripts/abi-check.sh LIBRARY HEADER [--write]
set -euo pipefail
recorded=$(cd "$(dirname "$0")/../abi" && pwd)

library=$1
header=$2
machine=$(uname -m)

constants() {
  "${CC:-cc}" -dM -E -x c "$header" | LC_ALL=C awk '
    $1 == "#define" && $2 ~ /^CRTX_[A-Z0-9_]+$/ && $3 ~ /^-?[0-9]+$/ { print $2, $3 }' | LC_ALL=C sort
}

if [ "${3:-}" = --write ]; then
  constants >"$recorded/constants.txt"
  # Without the paths of the machine that wrote it.
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed "$library" |
    sed "s|path='/.*/registry/src/[^/]*/|path='|" >"$recorded/libcrtx.abi"
  exit 0
fi

failed=0
complain() {
  echo "abi-check: $1" >&2
  failed=1
}

missing=$(LC_ALL=C comm -23 "$recorded/symbols.txt" \
  <(nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' | LC_ALL=C sort))
[ -z "$missing" ] || complain "functions are gone: $(echo $missing)"

# A constant that is gone and one that changed look the same here: its line is missing.
changed=$(LC_ALL=C comm -23 "$recorded/constants.txt" <(constants))
[ -z "$changed" ] || complain "constants are gone or changed, they were: $(echo $changed)"

# The sizes of pointers and the like are the recording machine's own. The structs are the same on
# aarch64, and ctests/test_layout.c says so there.
if [ "$machine" = x86_64 ]; then
  # A removal gives 12, a change of a signature or type 4; an addition gives 0.
  status=0
  abidiff --no-added-syms "$recorded/libcrtx.abi" "$library" || status=$?
  [ "$status" -eq 0 ] || complain "types differ from abi/libcrtx.abi (abidiff's exit status is $status)"
fi

[ "$failed" -eq 0 ] || exit 1
note=
[ "$machine" = x86_64 ] || note=" (types: on x86_64 only)"
echo "abi-check: nothing of abi/ was removed or changed$note"
