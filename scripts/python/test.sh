#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the tests of bindings/python, from the checkout, on each interpreter that CRTX_PYTHONS selects
# (interpreters.sh), and names them. Arguments go to pytest.
# Needs CRTX_LIBRARY, the library to test, and CRTX_BUILDDIR, where the venvs and caches go.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../../bindings/python"

: "${CRTX_LIBRARY:?}" "${CRTX_BUILDDIR:?}"
export CRTX_LIBRARY PYTHONPATH=$PWD/src PYTHONPYCACHEPREFIX=$CRTX_BUILDDIR/pycache
interpreters=$("$scripts/interpreters.sh")

status=0
while IFS=$'\t' read -r version interpreter; do
  venv=$CRTX_BUILDDIR/$version
  "$scripts/venv.sh" "$venv" "$interpreter" test
  echo "python: $("$venv/bin/python" --version) ($interpreter)"
  "$venv/bin/python" -m pytest --color=no -o cache_dir="$CRTX_BUILDDIR/pytest-$version" "$@" \
    </dev/null || status=1
done <<<"$interpreters"
echo "python: tested with $(cut -f 1 <<<"$interpreters" | paste -sd ' ')"
exit "$status"
