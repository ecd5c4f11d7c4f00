#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the driver and the worker in C, and runs the race: ctests/race/run.sh [OTHER-WORKER-COMMAND]...
#
# CRTX_RACE_ROUNDS  turns of workers in all phases together (3000, about half a minute)
# CRTX_RACE_SEED    to repeat a race as far as the scheduler allows; printed
# CRTX_RACE_CREWS   how many workers each phase has (2,3,8,16,32)
# CRTX_LIBDIR, CRTX_INCLUDEDIR, CRTX_BUILDDIR, CC: as for ctests/run.sh
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
libdir=${CRTX_LIBDIR:-$root/target/release}
build=${CRTX_BUILDDIR:-$root/target/race}
cc=${CC:-cc}
flags="-std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
-Wstrict-prototypes -Wmissing-prototypes -I${CRTX_INCLUDEDIR:-$root/include}"

mkdir -p "$build"
# shellcheck disable=SC2086 # the flags are a list
program() {
    name=$1
    shift
    (cd "$here" && $cc $flags "$@" -o "$build/$name" -L"$libdir" -Wl,-rpath,"$libdir" -lcrtx)
}
program driver driver.c crew.c operator.c board.c
program worker worker.c board.c

exec "$build/driver" "${CRTX_RACE_SEED:-$(date +%s)}" "${CRTX_RACE_ROUNDS:-3000}" \
    "${CRTX_RACE_CREWS:-2,3,8,16,32}" "$build/worker" "$@"
