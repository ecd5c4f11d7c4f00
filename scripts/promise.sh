# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by test runners in bash: promises are functions that run under `set -e`, and are counted.
# shellcheck shell=bash

passed=0
failed=0
promise_log=$(mktemp)

# promise NAME FUNCTION ARGUMENT...: its output is shown if it fails. (FUNCTION sees the variables here, so their
# names are not those of anybody else.)
promise() {
  local promise_name=$1 promise_status
  shift
  # Not as a condition: there `set -e` would have no effect.
  set +e
  (set -e && "$@") >"$promise_log" 2>&1
  promise_status=$?
  set -e
  if [ "$promise_status" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $promise_name:" >&2
    cat "$promise_log" >&2
  fi
}

# `! command` does not trip `set -e`.
not() { if "$@"; then return 1; fi; }

# The closing line, for scripts/tally.sh, and the exit code.
all_promises_kept() {
  rm -f "$promise_log"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
