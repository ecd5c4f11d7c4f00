#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the wheel and the source distribution in CRTX_DIST, and what pip makes of the checkout, in fresh
# venvs outside the repository; then runs the C tests with the wheel's library, which another linker has
# made than the usual one. Arguments go to pytest.
# Needs CRTX_BUILDDIR (wheel.sh), and of the usual build CRTX_LIBRARY and CARGO_TARGET_DIR.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$scripts/../.." && pwd)
: "${CRTX_BUILDDIR:?}" "${CRTX_DIST:?}" "${CRTX_LIBRARY:?}" "${CARGO_TARGET_DIR:?}"
. "$scripts/package-environment.sh"
CRTX_INTERPRETERS=$("$scripts/interpreters.sh")
export CRTX_INTERPRETERS

status=0
(cd "$root/bindings/python" && "$venv/bin/python" -m pytest --color=no \
  -o cache_dir="$CRTX_BUILDDIR/pytest-packaging" packaging_tests "$@" </dev/null) || status=1

if [ -n "${CRTX_BUILD_TARGET:-}" ]; then
  library=$CRTX_BUILDDIR/wheel-library
  panic=$CARGO_TARGET_DIR/panic
  rm -rf "$library"
  mkdir -p "$library"
  "$venv/bin/python" -I -m zipfile -e "$CRTX_DIST"/crtx-*.whl "$library"
  # The unwinder is another one than libgcc_s, so that the panic case is worth a build of its own.
  (cd "$root" && "${CARGO:-cargo}" zigbuild --quiet --release --locked --features test-panic \
    --target "$CRTX_BUILD_TARGET" --target-dir "$panic")
  panic=$panic/$host/release
  ln -sf libcrtx.so "$panic/libcrtx.so.1"
  ln -sf libcrtx.so "$library/crtx/_native/libcrtx.so.1"
  CRTX_LIBDIR=$library/crtx/_native CRTX_PANIC_LIBDIR=$panic CRTX_INCLUDEDIR=$root/include \
    CRTX_BUILDDIR=$CRTX_BUILDDIR/ctests "$root/ctests/run.sh" shared || status=1
fi
exit "$status"
