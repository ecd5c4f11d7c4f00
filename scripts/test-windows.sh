#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the library, its tests and the C and C++ tests for Windows, and runs them under Wine.
# Where that cannot be (not Linux on x86_64; packages missing and nobody who may install them) it says so.
# Usage: scripts/test-windows.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$1

skip() {
  echo "skip: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

[ "$(uname -sm)" = "Linux x86_64" ] || skip "Windows is tested under Wine, on Linux on x86_64"
if ! scripts/setup.sh windows; then
  [ "$(id -u)" -ne 0 ] || exit 1
  skip "what the Windows tests need is not here"
fi
scripts/windows-toolchain.sh "$directory"
. "$directory/environment"
cargo=${CARGO:-cargo}

# Not those of the model and of the pages: they are about no system.
tests=()
for file in tests/*.rs; do
  name=$(basename "$file" .rs)
  case $name in
    model | readme) ;;
    *) tests+=(--test "$name") ;;
  esac
done
# shellcheck disable=SC2086 # the flags are a list
"$cargo" test --locked --quiet $windows_flags --features test-panic --no-fail-fast --lib "${tests[@]}"
# shellcheck disable=SC2086
"$cargo" build --locked --quiet $windows_flags --release --lib
CRTX_WINDOWS=$directory ctests/windows.sh
