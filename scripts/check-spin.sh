#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks docs/model/crtx.pml with Spin: the protocol must have no error, and every mutant must have
# one. Installs nothing; without spin it says so and succeeds. `--large` adds the large runs.
# Ends with "N passed, M failed".
set -euo pipefail
cd "$(dirname "$0")/.."

model=$PWD/docs/model/crtx.pml
compiler=${CC:-cc}

if ! command -v spin >/dev/null 2>&1; then
  echo "check-spin: spin is not installed (Debian's package: spin), so the Promela model is not checked"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
passed=0
failed=0

# explore OPTIMISATION FLAG...: the checker's report, for the model with these definitions.
explore() {
  local optimisation=$1
  shift
  if ! { spin -a "$@" "$model" >spin.log 2>&1 &&
    "$compiler" "$optimisation" -w -DSAFETY -DCOLLAPSE -o pan pan.c >cc.log 2>&1; }; then
    echo "the model did not build"
    cat spin.log cc.log 2>/dev/null
    return
  fi
  # -m: the longest path; -n: no list of statements that were not reached.
  ./pan -m20000 -w22 -n 2>&1 || true
}

# verdict NAME WANTED: whether the report on stdin shows an exhaustive search with that outcome.
verdict() {
  local name=$1 wanted=$2 report states outcome
  report=$(cat)
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$report")
  outcome=unfinished
  if grep -q '^pan:1: assertion violated' <<<"$report"; then
    outcome=broken
  elif grep -q 'errors: 0$' <<<"$report" && ! grep -qE 'max search depth|out of memory|Search not completed' <<<"$report"; then
    outcome=clean
  fi
  if [ "$outcome" = "$wanted" ]; then
    passed=$((passed + 1))
    printf '%-60s %-7s %s states\n' "$name" "$outcome" "$states"
  else
    failed=$((failed + 1))
    printf '%-60s %s, where %s was to be expected\n%s\n' "$name" "$outcome" "$wanted" "$report"
  fi
}

holds() {
  local name=$1
  shift
  explore -O2 "$@" >report
  verdict "$name" clean <report
}

breaks() {
  explore -O1 "$@" >report
  verdict "$*" broken <report
}

holds "crash, two operators" -DA2=0
holds "crash, inspector, two operators, one acquire" -DA1=0 -DA2=0 -DINSPECTIONS=1
holds "companion deleted, two operators" -DA2=0 -DCRASHES=0 -DDELETIONS=1
if [ "${1:-}" = --large ]; then
  holds "three contenders, companion deleted" -DCRASHES=0 -DDELETIONS=1
  holds "crash, inspector, two operators" -DA2=0 -DINSPECTIONS=1
fi

breaks -DM_NO_IDENTITY_CHECK -DCRASHES=0
breaks -DM_UNLOCK_FIRST -DCRASHES=0
breaks -DM_COMPANION_FIRST -DCRASHES=0
breaks -DM_CONTENTION_UNLINKS -DCRASHES=0
breaks -DM_QUARANTINE_WITHOUT_LOCKS -DCRASHES=0
breaks -DM_NO_REREAD -DA2=0 -DCRASHES=2
breaks -DM_NO_MARKER_CHECK -DA0=0 -DA1=2 -DA2=0 -DDELETIONS=1
breaks -DM_NO_MARKER_LOCK -DA2=0 -DCRASHES=0 -DDELETIONS=1
breaks -DM_OVERWRITE_EVIDENCE -DA2=0 -DCRASHES=2
breaks -DM_PUBLISH_OVERWRITES -DA2=0 -DCRASHES=0 -DDELETIONS=1
breaks -DM_IN_PLACE -DCRASHES=0
breaks -DM_LEFTOVER_KEPT -DA2=0
breaks -DM_LEFTOVER_UNLOCKED -DA2=0 -DCRASHES=0 -DDELETIONS=1
breaks -DM_FRESH_UNCHECKED -DA2=0 -DCRASHES=0 -DDELETIONS=1
breaks -DM_INSPECTOR_COMPANION_ONLY -DA1=0 -DA2=0 -DCRASHES=0 -DDELETIONS=1 -DINSPECTIONS=1

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
