#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the C and C++ tests with MinGW against crtx.dll, and runs them under Wine. The last line is
# "N passed, M failed", and ", K skipped" if some were.
#
# CRTX_WINDOWS  what scripts/windows-toolchain.sh made, and the libraries that were built with it
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
windows=$(cd "$CRTX_WINDOWS" && pwd)
build=$windows/ctests
libraries=$windows/cargo/x86_64-pc-windows-gnu
programs=(lock marker stale documents verification statuses library misuse structs threads paths faults races layout
  windows)
support=(harness platform_windows files documents peer peer_windows windows_posix)

mkdir -p "$build"
compile() {
  x86_64-w64-mingw32-gcc -std=c99 -D_WIN32_WINNT=0x0A00 -D_POSIX_C_SOURCE=200809L -D__USE_MINGW_ANSI_STDIO=1 \
    -D_FILE_OFFSET_BITS=64 -g -O1 -Wall -Wextra -Wpedantic -Werror -I"$root/include" -include "$here/windows_posix.h" \
    "-DCRTX_FIXTURES=\"Z:$root/tests/fixtures/cortex-0.1.2\"" -c "$here/$1.c" -o "$build/$1.o"
}
objects=()
for name in "${support[@]}"; do
  compile "$name"
  objects+=("$build/$name.o")
done
# The import library stands for crtx.dll, which the loader finds beside the programs. MinGW's own threads go
# into the program.
for name in "${programs[@]}"; do
  compile "test_$name"
  x86_64-w64-mingw32-gcc "$build/test_$name.o" "${objects[@]}" "$libraries/release/libcrtx.dll.a" -ladvapi32 \
    -static-libgcc -Wl,-Bstatic -lpthread -Wl,-Bdynamic -o "$build/test_$name.exe"
done
x86_64-w64-mingw32-g++ -std=c++17 -g -O1 -Wall -Wextra -Wpedantic -Werror -I"$root/include" "$here/test_cpp.cpp" \
  "$libraries/release/libcrtx.dll.a" -static-libgcc -static-libstdc++ -o "$build/test_cpp.exe"
# Linked statically: with exactly these libraries of the system.
x86_64-w64-mingw32-gcc -std=c99 -Wall -Wextra -Werror -I"$root/include" "$root/examples/hello.c" \
  "$libraries/release/libcrtx.a" -ladvapi32 -lntdll -luserenv -lws2_32 -o "$build/hello.exe"

passed=0 failed=0 skipped=0
# run LIBRARY PROGRAM [CASE]
run() {
  local log=$build/$2.log status=0 p='' f='' s=0
  cp "$libraries/$1/crtx.dll" "$build/crtx.dll"
  CRTX_TEST_SLOWNESS=4 "$windows/run" "$build/$2.exe" ${3:+"$3"} >"$log" 2>&1 </dev/null || status=$?
  read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, [0-9]+ skipped)?\r?$/\1 \2/p' "$log" | tail -n 1) || true
  p=${p:-0} f=${f:-1}
  [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
  [ "$f" -eq 0 ] || grep -vE '^(ok |[0-9]+ passed, )' "$log" || true
  # The one case that wants another library has it, in a run of its own.
  s=$(grep '^skip ' "$log" | grep -vc 'the feature test-panic') || true
  grep '^skip ' "$log" | grep -v 'the feature test-panic' || true
  echo "  windows $2: $p passed, $f failed"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

for name in "${programs[@]}" cpp; do
  run release "test_$name"
done
# The library that `cargo test` made has the feature test-panic.
run debug/deps test_library panic

place=$(mktemp -d "$build/hello-XXXXXX")
if (cd "$place" && "$windows/run" "$build/hello.exe") | tr -d '\r' | grep -qx restored && [ -z "$(ls -A "$place")" ]; then
  echo "  windows hello (static): 1 passed, 0 failed"
  passed=$((passed + 1))
else
  echo "  windows hello (static): 0 passed, 1 failed"
  failed=$((failed + 1))
fi
rm -rf "$place"

exports=$(x86_64-w64-mingw32-objdump -p "$libraries/release/crtx.dll" |
  sed -n '/^\[Ordinal\/Name Pointer\] Table/,/^$/p' | awk '$1 ~ /^\[/ && NF > 1 { print $NF }' | grep -v '^Table$' | sort)
if [ "$exports" = "$(grep -v '^#' "$root/abi/symbols.txt" | awk '{ print $NF }' | sort)" ]; then
  echo "  windows exports: 1 passed, 0 failed"
  passed=$((passed + 1))
else
  echo "crtx.dll exports something else than abi/symbols.txt lists:"
  echo "$exports"
  failed=$((failed + 1))
fi

closing="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || closing="$closing, $skipped skipped"
echo "$closing"
[ "$failed" -eq 0 ]
