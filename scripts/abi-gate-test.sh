#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The ABI gate bites: it passes the library as it is and with additions, and refuses each known-bad
# library, which is built here from a copy of the sources with one change.
# Usage: scripts/abi-gate-test.sh BUILD-DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."

build=$1
work=$build/source
passed=0
failed=0
mkdir -p "$build"

fresh_copy() {
  rm -rf "$work"
  mkdir -p "$work"
  # Not -a: cargo goes by the times of the files.
  cp -r Cargo.toml Cargo.lock build.rs cbindgen.toml src include "$work/"
  # Only the library is built; the targets that the manifest might name beside it are not copied.
  mkdir -p "$work/benches" "$work/examples" "$work/tests"
}

# change FILE SED-PROGRAM: it must change something.
change() {
  cp "$work/$1" "$build/before"
  sed -i -E "$2" "$work/$1"
  if cmp -s "$build/before" "$work/$1"; then
    echo "abi-gate: \"$2\" changes nothing in $1" >&2
    exit 1
  fi
}

library() {
  # Unoptimised: types are the same.
  (cd "$work" && CARGO_PROFILE_ABI_OPT_LEVEL=0 "${CARGO:-cargo}" build --locked --quiet --profile abi --lib \
    --target-dir "$build/target")
}

# expect 0|1 REASON NAME: a refusal must have that reason, a regular expression.
expect() {
  local status=0
  scripts/abi-check.sh "$build/target/abi/libcrtx.so" "$work/include/crtx.h" \
    >"$build/answer" 2>&1 || status=$?
  if [ "$status" -eq "$1" ] && grep -qE "$2" "$build/answer"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "abi-gate: $3: the gate answered $status, and should have answered $1 ($2):" >&2
    cat "$build/answer" >&2
  fi
}

# with 0|1 REASON NAME FILE SED-PROGRAM [FILE SED-PROGRAM]...
with() {
  local verdict=$1 reason=$2 name=$3
  shift 3
  fresh_copy
  while [ $# -gt 0 ]; do
    change "$1" "$2"
    shift 2
  done
  library
  expect "$verdict" "$reason" "$name"
}

fine='nothing of abi/ was removed or changed'
fresh_copy
library
expect 0 "$fine" 'the library as it is'

# The header's numbers, which no library has.
header=include/crtx.h
change $header 's/^#define CRTX_E_LOST 23$/#define CRTX_E_LOST 24/'
expect 1 'constants .* CRTX_E_LOST 23' 'a constant changed'
cp $header "$work/include/"
change $header '/^#define CRTX_MARKER_MALFORMED /d'
expect 1 'constants .* CRTX_MARKER_MALFORMED 5' 'a constant was removed'
cp $header "$work/include/"
change $header 's/^#define CRTX_E_LOST 23$/&\n#define CRTX_E_ADDED 24/'
expect 0 "$fine" 'a constant was added'

addition='/// An addition.\
#[allow(unreachable_pub)]\
#[unsafe(no_mangle)]\
pub extern "C" fn crtx_added() -> u32 {\
    7\
}'
with 0 "$fine" 'a function was added' src/ffi/about.rs "\$a $addition"
with 1 'functions are gone: crtx_version' 'a function was removed' \
  src/ffi/about.rs '/^\/\/\/ Cannot fail\.$/{n;s/^#\[unsafe\(no_mangle\)\]$//}'
with 1 "'u32' to 'u64'" 'a parameter has another type' \
  src/ffi/documents.rs 's/valid_for_seconds: u32/valid_for_seconds: u64/' \
  src/ffi/documents.rs 's/^( +)valid_for_seconds,/\1valid_for_seconds as u32,/'
with 1 'return type changed' 'a result has another type' \
  src/ffi/about.rs 's/(fn crtx_abi_version\(\)) -> u32/\1 -> u64/; s/^    CRTX_ABI_VERSION$/    CRTX_ABI_VERSION.into()/'
with 1 'type size changed from 8832 to 8896' 'a field grew' \
  src/ffi/types.rs 's/pub operation: \[c_char; 64\]/pub operation: [c_char; 72]/' \
  src/ffi/error.rs 's/operation: \[0; 64\]/operation: [0; 72]/'
with 1 "'i32' to 'u32'" 'a field has another type of the same size' \
  src/ffi/types.rs 's/pub os_error: i32/pub os_error: u32/' \
  src/ffi/error.rs 's/= error\.os_error\(\);/= error.os_error() as u32;/'
with 1 "'u32 marker_state', at offset" 'a field was removed' \
  src/ffi/types.rs '/pub struct crtx_error/,/^}/{/pub marker_state: u32,/d}' \
  src/ffi/error.rs '/^ *(filled\.marker_state = .*;|marker_state: 0,)$/d'
with 1 'type size changed from 8832 to 8896' 'a field was appended' \
  src/ffi/types.rs 's#^( *)pub message: \[c_char; 1024\],#&\n\1/// One more.\n\1pub appended: u64,#' \
  src/ffi/error.rs 's/^( *)message: \[0; 1024\],/&\n\1appended: 0,/'
with 1 "'i32 status' offset changed" 'two fields changed places' \
  src/ffi/types.rs '/pub struct crtx_error/,/^}/{s/pub status: i32/pub SWAP: i32/;s/pub os_error: i32/pub status: i32/;s/pub SWAP: i32/pub os_error: i32/}'

echo "abi-gate:"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
