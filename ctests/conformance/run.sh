#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the conformance cases in C, Rust, Python and Go, and holds their transcripts against each other. Each
# runner, and the comparison, ends with its closing line, "N passed, M failed". Usage: ctests/conformance/run.sh
#
# CRTX_LIBDIR, CRTX_INCLUDEDIR, CC  as for ctests/run.sh
# CRTX_BUILDDIR    everything that is made goes there (target/conformance): the runner in C, c.txt, rust.txt, …
# CRTX_GO_RUNNER   the runner in Go, built from bindings/go/internal/conformance
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
libdir=${CRTX_LIBDIR:-$root/target/release}
include=${CRTX_INCLUDEDIR:-$root/include}
build=${CRTX_BUILDDIR:-$root/target/conformance}
go_runner=${CRTX_GO_RUNNER:?is the runner in Go: make test-conformance builds it}
raw=$build/raw
mkdir -p "$raw"

# program NAME SOURCE...
program() {
  local name=$1
  shift
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
    -Wstrict-prototypes -Wmissing-prototypes -I"$include" -DCRTX_FIXTURES="\"$root/tests/fixtures/cortex-0.1.2\"" \
    "$@" -o "$build/$name" \
    -L"$libdir" -Wl,-rpath,"$libdir" -lcrtx
}

if [ "${1:-}" != here ]; then
  program runner "$here"/{runner,calls,neutral,process,table,text}.c
  program network "$here/network.c" "$here"/../{fuse_mount,harness,platform_posix}.c
  # With a network filesystem to refuse, where one can be mounted.
  exec "$build/network" "$0" here
fi

export CRTX_CONFORMANCE_FIXTURES=$root/tests/fixtures/cortex-0.1.2
tables=("$here"/cases/*.txt)
failed=0

# run LANGUAGE COMMAND...
run() {
  echo "conformance: $1"
  : >"$raw/$1"
  "${@:2}" 2>&1 | tee "$build/output" || failed=1
  grep -q '[0-9]* passed, [0-9]* failed' "$build/output" ||
    echo "FAIL $(grep '^case ' "$raw/$1" | tail -n 1): the runner died"$'\n'"0 passed, 1 failed"
}

run c "$build/runner" --transcript "$raw/c" "${tables[@]}"

# Its closing line was counted when `cargo test` ran it; here it is run for its transcript.
rust() {
  "${CARGO:-cargo}" test --locked --quiet --manifest-path "$root/Cargo.toml" --test conformance -- \
    --transcript "$raw/rust" | sed 's/^[0-9]* passed, /  again: &/'
}
run rust rust

python=$("$root/scripts/python/interpreters.sh" newest | cut -f 2)
run python env CRTX_LIBRARY="$libdir/libcrtx.so" PYTHONDONTWRITEBYTECODE=1 \
  PYTHONPATH="$root/bindings/python/src:$root/bindings/python/tests" \
  "$python" -W error -m conformance --transcript "$raw/python" "${tables[@]}"

run go "$go_runner" -transcript "$raw/go" "${tables[@]}"

run alike "$python" "$here/compare.py" "$here/cases" "$build" \
  c="$raw/c" rust="$raw/rust" python="$raw/python" go="$raw/go"
exit "$failed"
