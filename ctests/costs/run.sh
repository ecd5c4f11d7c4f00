#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Counts what each call costs and compares it with costs.txt: ctests/costs/run.sh [--write]
#
# --write           writes costs.txt anew
# CC                compiler (cc)
# CRTX_LIBDIR       has libcrtx.so and libcrtx.so.1 (../../target/release)
# CRTX_INCLUDEDIR   has crtx.h (../../include)
# CRTX_BUILDDIR     the programs go there (../../target/costs)
# CRTX_COSTS_DIR    where the scratch directories go (/dev/shm, or /tmp)
#
# Nothing here measures time.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
libdir=${CRTX_LIBDIR:-$root/target/release}
include=${CRTX_INCLUDEDIR:-$root/include}
build=${CRTX_BUILDDIR:-$root/target/costs}
scratch=${CRTX_COSTS_DIR:-/dev/shm}
[ -d "$scratch" ] && [ -w "$scratch" ] || scratch=/tmp
mode=${1:---check}
# What the shared library may have without its debug information: 900 KiB.
most_bytes=921600
status=0

case $(uname -s)-$(uname -m) in
Linux-x86_64 | Linux-aarch64) ;;
*)
    echo "skip: the costs are counted on Linux, x86_64 and aarch64, only"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
    ;;
esac

mkdir -p "$build"
flags="-std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Werror -I$include"
sources=
for name in main operations stage trace allocations instructions; do
    sources="$sources $here/$name.c"
done
# shellcheck disable=SC2086 # the flags and the sources are lists
"${CC:-cc}" $flags $sources -o "$build/costs" -L"$libdir" -lcrtx -Wl,-rpath,"$libdir"
# shellcheck disable=SC2086
"${CC:-cc}" $flags "$here/embedded.c" -o "$build/embedded" -ldl
# The benchmark's floors, whose calls are compared with the library's.
sources=
for name in floors operations stage trace allocations; do
    sources="$sources $here/$name.c"
done
for name in lock look stale; do
    sources="$sources $root/benches/floor/$name.c"
done
# shellcheck disable=SC2086
"${CC:-cc}" $flags $sources -o "$build/floors" -L"$libdir" -lcrtx -Wl,-rpath,"$libdir"

# count_instructions: "NAME<tab>NUMBER" for each call.
count_instructions() {
    rm -rf "$build/callgrind"
    mkdir "$build/callgrind"
    valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file="$build/callgrind/out" \
        "$build/costs" instructions "$scratch" >"$build/callgrind/log" 2>&1 || {
        cat "$build/callgrind/log" >&2
        return 1
    }
    for file in "$build"/callgrind/out*; do
        awk '/^desc: Trigger: Client Request: / { sub(/^desc: Trigger: Client Request: /, ""); name = $0 }
             /^totals: / { total = $2 }
             END { if (name != "") printf "%s\t%s\n", name, total }' "$file"
    done
}

: >"$build/instructions"
if command -v valgrind >/dev/null 2>&1 && [ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo; then
    count_instructions >"$build/instructions"
else
    echo "note: instructions are counted by valgrind, on x86_64 with AVX2, only"
fi
"$build/costs" table "$scratch" >"$build/counted"

if [ "$mode" = --write ]; then
    python3 "$here/table.py" --write "$here/costs.txt" "$build/counted" "$build/instructions"
    exit 0
fi
python3 "$here/table.py" --check "$here/costs.txt" "$build/counted" "$build/instructions" || status=1
"$build/floors" "$scratch" >"$build/floors.counted"
python3 "$here/table.py" --floors "$here/costs.txt" "$build/floors.counted" || status=1
"$build/costs" limits "$scratch" || status=1

passed=0 failed=0
# judge WORDS: by the exit status of the command before.
judge() {
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) status=1; fi
}
result=0
"$build/embedded" "$libdir/libcrtx.so" "$scratch" || result=$?
judge "$result"
strip -o "$build/stripped.so" "$libdir/libcrtx.so"
bytes=$(wc -c <"$build/stripped.so")
if [ "$bytes" -lt "$most_bytes" ]; then result=0 word="ok  "; else result=1 word=FAIL; fi
echo "$word the stripped library is smaller than $most_bytes bytes: $bytes"
judge "$result"
echo "$passed passed, $failed failed"
exit "$status"
