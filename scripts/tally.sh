#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Adds up what the test runners themselves reported in a log, and prints "N passed, M failed".
# (Skipped and ignored cases count as neither.)
# Cargo writes "test result: ok. 3 passed; 0 failed; ..."; the C and C++ runners "3 passed, 0 failed";
# pytest "=== 1 failed, 3 passed, 1 error in 0.50s ===", with what there is.
# Usage: scripts/tally.sh LOG
set -euo pipefail

awk '
  /^test result: / {
    for (i = 2; i <= NF; i++) {
      if ($i == "passed;") passed += $(i - 1)
      if ($i == "failed;") failed += $(i - 1)
    }
  }
  /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { passed += $1; failed += $3 }
  /^=+ .* in [0-9.]+s( \([0-9:]+\))? =+$/ {
    for (i = 3; i <= NF; i++) {
      if ($i ~ /^passed,?$/) passed += $(i - 1)
      if ($i ~ /^(failed|errors?),?$/) failed += $(i - 1)
    }
  }
  END { printf "%d passed, %d failed\n", passed, failed }
' "$1"
