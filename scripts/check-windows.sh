#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The library compiles for Windows without a warning; asked only where `make test-windows` has set up the
# toolchain.
# Usage: scripts/check-windows.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."

[ -e "$1/environment" ] || exit 0
. "$1/environment"
# shellcheck disable=SC2086 # the flags are a list
said=$("${CARGO:-cargo}" check --locked --quiet $windows_flags --lib 2>&1) || {
  echo "$said" >&2
  exit 1
}
[ -z "$said" ] || {
  echo "$said" >&2
  exit 1
}
