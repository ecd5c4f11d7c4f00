#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs `go test -v` with these arguments, shows what failed or was skipped, and ends with the closing line
# of the other runners: "N passed, M failed". Top-level tests, fuzz targets and examples count, each
# once; a package that does not build, or a program that dies, is a failure; no test at all, too.
# Usage: scripts/go-test.sh NAME LOG ARGUMENT...
set -euo pipefail

name=$1 log=$2
shift 2
status=0
go test -count=1 -v "$@" >"$log" 2>&1 </dev/null || status=$?

count() {
  grep -cE "^--- $1: " "$log" || true
}
passed=$(count PASS)
failed=$(count FAIL)
skipped=$(count SKIP)
if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$((passed + skipped))" -eq 0 ]; }; then
  failed=1
fi

[ "$failed" -eq 0 ] || grep -vE '^(=== |--- PASS| +--- PASS|fuzz: elapsed)' "$log" || true
grep -B 1 -E '^--- SKIP: ' "$log" || true
echo "  go $name:"
if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
