#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the targets of fuzz/ as cargo-fuzz does, with AddressSanitizer and debug assertions, and runs
# them. A stable Rust toolchain from rustup and a C++ compiler (for libFuzzer) are enough.
#
#   scripts/fuzz.sh check [TARGET]...         a bounded number of runs, the committed corpus first
#   scripts/fuzz.sh long SECONDS [TARGET]...  so long for each; what it finds stays in CRTX_BUILDDIR
#
# FUZZ_SEED (1) is libFuzzer's seed, FUZZ_FACTOR (1) multiplies the runs of `check`.
# A crash leaves its input in CRTX_BUILDDIR/artifacts. Copy it to fuzz/corpus/TARGET under a name that
# tells what was wrong: from then on every check runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

build=${CRTX_BUILDDIR:-$PWD/target/fuzz}
rustc=${RUSTC:-rustc}
mode=${1:-check}
shift || true
seconds=0
if [ "$mode" = long ]; then
  seconds=${1:?seconds}
  shift
fi

# Runs of a check, and the longest input: together about a minute.
declare -A runs=([marker]=60000 [times]=150000 [attestation]=4000 [intent]=4000 [abi]=3000 [sequence]=400)
declare -A longest=([marker]=1024 [times]=80 [attestation]=2048 [intent]=2048 [abi]=512 [sequence]=96)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(marker times attestation intent abi sequence)

host=$("$rustc" -vV | sed -n 's/^host: //p')
if [ -z "$(find "$("$rustc" --print sysroot)/lib/rustlib/$host/lib" -name 'librustc*_rt.asan.a' 2>/dev/null)" ]; then
  echo "skip: this Rust toolchain has no runtime for AddressSanitizer"
  echo "0 passed, 0 failed, ${#targets[@]} skipped"
  exit 0
fi

flags="--cfg fuzzing -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer
-Cdebug-assertions -Coverflow-checks -Ccodegen-units=1 -Cpasses=sancov-module
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
-Cllvm-args=-simplifycfg-branch-fold-threshold=0"
# Unstable flags; the target is named so that build scripts do without them.
RUSTC_BOOTSTRAP=1 RUSTFLAGS=${flags//$'\n'/ } "${CARGO:-cargo}" build --quiet --locked --release \
  --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$build/cargo"

# The targets work in memory where the system has such a place: they sync a great deal.
memory=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || memory=/dev/shm
TMPDIR=$(mktemp -d "$memory/crtx-fuzz-XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

mkdir -p "$build/artifacts"
passed=0 failed=0
for target in "${targets[@]}"; do
  found=$build/corpus/$target
  log=$build/$target.log
  bounds=(-max_total_time="$seconds")
  if [ "$mode" = check ]; then
    # What an earlier run found would make this one another.
    rm -rf "$found"
    bounds=(-runs=$((runs[$target] * ${FUZZ_FACTOR:-1})))
  fi
  mkdir -p "$found"
  if "$build/cargo/$host/release/$target" "${bounds[@]}" -seed="${FUZZ_SEED:-1}" -max_len="${longest[$target]}" \
    -len_control=0 -timeout=60 -rss_limit_mb=4096 -dict="$PWD/fuzz/documents.dict" \
    -artifact_prefix="$build/artifacts/$target-" "$found" "$PWD/fuzz/corpus/$target" >"$log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    echo "  $target: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\).*/\1 runs in \2 s/p' "$log"), $(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
  else
    failed=$((failed + 1))
    echo "FAIL $target (seed ${FUZZ_SEED:-1})"
    tail -n 60 "$log"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
