#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The race between workers in C, Rust, Python and Go: ctests/race/polyglot.sh RUST-WORKER GO-WORKER
# The variables are those of run.sh; 2,000 rounds, in crews of 4, 8 and 16.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$("$root/scripts/python/interpreters.sh" newest | cut -f 2)
export CRTX_LIBRARY=${CRTX_LIBDIR:-$root/target/release}/libcrtx.so
export PYTHONPATH=$root/bindings/python/src PYTHONDONTWRITEBYTECODE=1
# The first crew has one worker of each language.
export CRTX_RACE_CREWS=${CRTX_RACE_CREWS:-4,8,16} CRTX_RACE_ROUNDS=${CRTX_RACE_ROUNDS:-2000}
exec "$here/run.sh" "$1" "'$python' -W error '$root/bindings/python/tests/race_worker.py'" "$2"
