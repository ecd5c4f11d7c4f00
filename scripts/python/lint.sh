#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# ruff and mypy over bindings/python, and over what is in Python in benches/. Usage: scripts/python/lint.sh [--fix]
# Needs CRTX_BUILDDIR, where the venv and the caches go.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../../bindings/python"

: "${CRTX_BUILDDIR:?}"
export RUFF_CACHE_DIR=$CRTX_BUILDDIR/ruff MYPY_CACHE_DIR=$CRTX_BUILDDIR/mypy
interpreter=$("$scripts/interpreters.sh" newest | cut -f 2)
venv=$CRTX_BUILDDIR/lint
"$scripts/venv.sh" "$venv" "$interpreter" test lint

benches=(--config pyproject.toml ../../benches)
if [ "${1:-}" = --fix ]; then
  "$venv/bin/ruff" format --quiet . "${benches[@]}"
  exec "$venv/bin/ruff" check --quiet --fix . "${benches[@]}"
fi
"$venv/bin/ruff" format --check --diff --quiet . "${benches[@]}"
"$venv/bin/ruff" check --quiet . "${benches[@]}"
export MYPYPATH=src
# Apart, because each has a conftest.py.
"$venv/bin/mypy" --no-error-summary hatch_build.py src tests
"$venv/bin/mypy" --no-error-summary packaging_tests
"$venv/bin/mypy" --no-error-summary ../../benches/report*.py
