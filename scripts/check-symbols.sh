#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The shared library exports exactly the symbols that abi/symbols.txt lists, under its promised
# SONAME. Usage: scripts/check-symbols.sh LIBRARY [--write]
set -euo pipefail
cd "$(dirname "$0")/.."

library=$1
list=abi/symbols.txt
exported=$(nm -D --defined-only "$library" | awk '{ print $NF }' | sed 's/@.*//' | LC_ALL=C sort)

if [ "${2:-}" = --write ]; then
  printf '%s\n' "$exported" >"$list"
  exit 0
fi

if ! diff -u "$list" <(printf '%s\n' "$exported"); then
  echo "exported symbols differ from $list: if that is meant, run: make abi" >&2
  exit 1
fi
if grep -v '^crtx_' "$list"; then
  echo "$list lists symbols outside crtx_*" >&2
  exit 1
fi

abi=$(sed -n 's/^#define CRTX_ABI_VERSION[ (]*\([0-9]*\).*/\1/p' include/crtx.h)
soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')
if [ "$soname" != "libcrtx.so.$abi" ]; then
  echo "the SONAME is \"$soname\", but CRTX_ABI_VERSION is $abi" >&2
  exit 1
fi
echo "symbols: $(wc -l <"$list") exported, as listed; SONAME $soname"
