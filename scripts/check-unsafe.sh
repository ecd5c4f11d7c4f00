#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Unsafe code lives in src/ffi and src/sys and nowhere else. The compiler denies it too, but an
# `allow` could be slipped in; so both the keyword and the permission are looked for.
set -euo pipefail
cd "$(dirname "$0")/.."

# Lines that are comments from the start do not count.
strays=$(grep -rnE '\bunsafe\b|allow\(unsafe_code\)' src --include='*.rs' |
  grep -vE '^src/(ffi|sys)[/.]' |
  grep -vE '^[^:]+:[0-9]+:[[:space:]]*//' || true)

# src/lib.rs grants the permission to these two modules.
strays=$(printf '%s' "$strays" | grep -vE '^src/lib\.rs:[0-9]+:#\[allow\(unsafe_code\)\]$' || true)

if [ -n "$strays" ]; then
  echo "unsafe code outside src/ffi and src/sys:" >&2
  printf '%s\n' "$strays" >&2
  exit 1
fi
echo "unsafe: only in src/ffi and src/sys"
