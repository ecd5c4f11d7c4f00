#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds for another platform than this machine's, and runs what runs here: docs/testing.md. Where that cannot be
# (not Linux on x86_64; packages missing and nobody who may install them) it says so.
# Usage: scripts/test-platform.sh macos | musl | aarch64 | i686 DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
platform=$1
root=$PWD
mkdir -p "$2"
directory=$(cd "$2" && pwd)
cargo=${CARGO:-cargo}

skip() {
  echo "skip: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

[ "$(uname -sm)" = "Linux x86_64" ] || skip "other platforms are built and tested on Linux on x86_64"
if ! scripts/setup.sh "$platform"; then
  [ "$(id -u)" -ne 0 ] || exit 1
  skip "what the tests for $platform need is not here"
fi
scripts/platforms-toolchain.sh "$platform" "$directory"
. "$directory/$platform/environment"
cc() { local name=CC_${triple//-/_}; echo "${!name}"; }
cxx() { local name=CXX_${triple//-/_}; echo "${!name}"; }

passed=0 failed=0
# try WHAT COMMAND...: one test.
try() {
  local what=$1
  shift
  if "$@"; then
    echo "  $triple: $what"
    passed=$((passed + 1))
  else
    echo "FAIL $triple: $what"
    failed=$((failed + 1))
  fi
}

closing_line() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

# shellcheck disable=SC2086 # $flags is a list, here and below
build_release() { "$cargo" build --locked --quiet $flags --target "$triple" --release --lib; }

# The crate's own tests but those of the model and of the pages: they are about no system.
run_rust_tests() {
  local tests=() file name
  for file in tests/*.rs; do
    name=$(basename "$file" .rs)
    case $name in
      model | readme) ;;
      *) tests+=(--test "$name") ;;
    esac
  done
  timeout -k 10 1200 "$cargo" test --locked --quiet $flags --target "$triple" --features test-panic --no-fail-fast --lib \
    --test conformance "${tests[@]}"
}

# run_c_tests LIBRARIES "LINK-STATIC" MODE...
run_c_tests() {
  local libraries=$1 link_static=$2
  shift 2
  CC=$(cc) CXX=$(cxx) CRTX_LIBDIR=$libraries CRTX_PANIC_LIBDIR=${panic:-none} CRTX_BUILDDIR=$directory/$platform/ctests \
    CRTX_LINK_STATIC=$link_static ctests/run.sh "$@"
}

# Clippy works with the compiler that it came with: the type checker does for another one.
type_checker() {
  if [ "$RUSTC" = "$(command -v rustc)" ] && "$cargo" clippy --version >/dev/null 2>&1; then echo clippy; else echo check; fi
}

# type_check CHECKER ARGUMENT...
type_check() {
  local checker=$1
  shift
  RUSTFLAGS=-Dwarnings "$cargo" "$checker" --locked --quiet $flags --target "$triple" --features test-panic "$@"
}

# Links against libSystem's list of symbols, so that a function that macOS has not is found out.
test_macos() {
  local architecture release checker build=$directory/macos/programs
  mkdir -p "$build"
  checker=$(type_checker)
  for triple in $triples; do
    architecture=${triple%%-*}
    release=$compiled/$triple/release
    try "the library and all its tests pass cargo $checker" type_check "$checker" --all-targets
    try "the library is built" build_release
    try "the header compiles alone" "$(cc)" -std=c99 -Wall -Wextra -Werror -Iinclude -c ctests/header_alone.c -o "$build/header_alone.o"
    try "the structs have the promised layout" "$(cc)" -std=c99 -Wall -Wextra -Werror -Iinclude -c ctests/test_layout.c -o "$build/test_layout.o"
    try "hello.c links with the dylib" "$(cc)" -std=c99 -Iinclude examples/hello.c -L"$release" -lcrtx -o "$build/hello-$architecture"
    try "hello.c links with the static library" "$(cc)" -std=c99 -Iinclude examples/hello.c "$release/libcrtx.a" -o "$build/hello-static-$architecture"
    try "hello.cpp links with the dylib" "$(cxx)" -std=c++17 -Iinclude examples/hello.cpp -L"$release" -lcrtx -o "$build/hello-cpp-$architecture"
    scripts/check-macho.py "$release/libcrtx.dylib" "$architecture" abi/symbols.txt @rpath/libcrtx.1.dylib 1.0.0
  done
  closing_line
}

# The Rust tests as they usually are with musl: static. A shared library needs musl to be one, too.
test_musl() {
  run_rust_tests
  export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS+=" -Ctarget-feature=-crt-static"
  build_release
  test_built_library "-static -lunwind"
}

test_aarch64() {
  export CRTX_RUNNER=$directory/aarch64/run CRTX_TEST_RUNNER=$directory/aarch64/run
  run_rust_tests
  build_release
  panic=$compiled/$triple/debug/deps
  ln -sf libcrtx.so "$panic/libcrtx.so.1"
  try "the Go package links the static library, and its example runs" run_in_go
  test_built_library "-lutil -lrt -lpthread -lm -ldl"
}

run_in_go() {
  local copy=$directory/aarch64/go place
  rm -rf "$copy"
  cp -R bindings/go "$copy"
  STRIP=aarch64-linux-gnu-strip scripts/go-archive.sh "$compiled/$triple/release/libcrtx.a" 'Linux aarch64' "$copy" || return
  (cd "$copy" && CGO_ENABLED=1 GOOS=linux GOARCH=arm64 CC=$(cc) "$root/scripts/with-go.sh" at-least 1.21 \
    go build -buildvcs=false -o "$copy/hello" "$root/examples/hello.go") || return
  place=$(mktemp -d)
  (cd "$place" && "$CRTX_RUNNER" "$copy/hello") | grep -qx restored && rmdir "$place"
}

# test_built_library "LINK-STATIC": the exported symbols, and the C and C++ tests, shared and static.
test_built_library() {
  local release=$compiled/$triple/release
  ln -sf libcrtx.so "$release/libcrtx.so.1"
  try "the library exports what is promised" scripts/check-symbols.sh "$release/libcrtx.so"
  closing_line
  run_c_tests "$release" "$1" shared static
}

# The library that `cargo test` made: one build is enough to see what a 32-bit system breaks.
test_i686() {
  run_rust_tests
  export CRTX_32_BITS=1
  run_c_tests "$compiled/$triple/debug/deps" "-static -Wl,--no-warnings" static
}

"test_$platform"
