#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The thread tests, C and library instrumented by ThreadSanitizer. A stable Rust toolchain from rustup is
# enough: it brings the sanitizer's runtime, and tsan_mutex.c makes up for the standard library, which is
# not instrumented. The C code is compiled by gcc or clang, and linked with Rust's runtime.
#
# CRTX_INCLUDEDIR, CRTX_BUILDDIR, CC, CARGO: as for ctests/run.sh. Without the runtime (a distribution's
# Rust) everything is skipped.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
build=${CRTX_BUILDDIR:-$root/target/tsan}
include=${CRTX_INCLUDEDIR:-$root/include}
cc=${CC:-cc}
rustc=${RUSTC:-rustc}
programs=(threads races lock stale fork exec)
support=(harness platform_posix files documents peer peer_posix fuse_mount)

host=$("$rustc" -vV | sed -n 's/^host: //p')
runtime=$(find "$("$rustc" --print sysroot)/lib/rustlib/$host/lib" -name 'librustc*_rt.tsan.a' 2>/dev/null | head -n 1)
if [ -z "$runtime" ]; then
  echo "skip: this Rust toolchain has no runtime for ThreadSanitizer"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi

# The flags are unstable ones; the target is named so that build scripts do without them.
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
  "${CARGO:-cargo}" rustc --quiet --locked --lib --crate-type staticlib --manifest-path "$root/Cargo.toml" \
  --target "$host" --target-dir "$build/cargo"
library=$build/cargo/$host/debug/libcrtx.a

contended=$(nm "$library" 2>/dev/null | sed -n 's/.* U \(.*sync5mutex5futex.*lock_contended.*\)/\1/p' | sort -u)
if [ "$(wc -w <<<"$contended")" -ne 1 ]; then
  echo "the standard library's mutex has no single contended case any more: ${contended:-none found}" >&2
  exit 1
fi
"$cc" -c "$here/tsan_mutex.c" -o "$build/tsan_mutex.o" \
  -DLOCK_CONTENDED_REAL="__real_$contended" -DLOCK_CONTENDED_WRAP="__wrap_$contended"

compile() {
  "$cc" -std=c99 -D_GNU_SOURCE -g -O1 -fsanitize=thread -I"$include" \
    -DCRTX_FIXTURES="\"$root/tests/fixtures/cortex-0.1.2\"" -c "$here/$1.c" -o "$build/$1.o"
}
objects=("$build/tsan_mutex.o")
for name in "${support[@]}"; do
  compile "$name"
  objects+=("$build/$name.o")
done

passed=0 failed=0 skipped=0
for name in "${programs[@]}"; do
  compile "test_$name"
  "$cc" -Wl,--wrap="$contended" "$build/test_$name.o" "${objects[@]}" -Wl,--whole-archive "$runtime" \
    -Wl,--no-whole-archive "$library" -rdynamic -lstdc++ -lgcc_s -lpthread -ldl -lm -lrt -o "$build/test_$name"
  log=$build/test_$name.log
  status=0
  TSAN_OPTIONS="suppressions=$here/tsan.supp exitcode=66 die_after_fork=0" CRTX_TEST_SLOWNESS=4 \
    "$build/test_$name" >"$log" 2>&1 </dev/null || status=$?
  reports=$(grep -c '^WARNING: ThreadSanitizer' "$log" || true)
  read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 \4/p' "$log" | tail -n 1) || true
  p=${p:-0} f=${f:-1}
  # What ThreadSanitizer found fails a program whose own checks passed.
  [ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
  [ "$f" -eq 0 ] || grep -vE '^(ok |[0-9]+ passed, )' "$log" || true
  echo "  tsan test_$name: $p passed, $f failed, $reports reports"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
  unset p f s
done
closing="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || closing="$closing, $skipped skipped"
echo "$closing"
[ "$failed" -eq 0 ]
