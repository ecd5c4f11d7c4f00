#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds and runs the fault tests: ctests/faults/run.sh [TEXT]
#
# TEXT                only the jobs whose description contains it ("takeover", "kill after", "foreign")
# CC                  compiler (cc)
# CRTX_LIBDIR         has libcrtx.so and libcrtx.so.1 (../../target/release)
# CRTX_INCLUDEDIR     has crtx.h (../../include)
# CRTX_BUILDDIR       the program goes there (../../target/faults)
# CRTX_KILLS          kill runs wanted (5000); more of them do more combinations of variants
# CRTX_FAULTS_WORKERS processes at work (one for each processor)
# CRTX_FAULTS_DIR     where the scratch directories go (/dev/shm, or /tmp)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
libdir=${CRTX_LIBDIR:-$root/target/release}
include=${CRTX_INCLUDEDIR:-$root/include}
build=${CRTX_BUILDDIR:-$root/target/faults}

case $(uname -s)-$(uname -m) in
Linux-x86_64 | Linux-aarch64) ;;
*)
    echo "skip: the fault tests know Linux on x86_64 and aarch64 only"
    echo "0 passed, 0 failed"
    exit 0
    ;;
esac

mkdir -p "$build"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -O2 -g -I"$include" "$here"/*.c \
    -o "$build/faults" -L"$libdir" -lcrtx -Wl,-rpath,"$libdir"
exec "$build/faults" "$@"
