#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes a venv with the pinned packages of the given lists, unless it is there already.
# Usage: scripts/python/venv.sh DIRECTORY INTERPRETER LIST... (lists of bindings/python/requirements)
set -euo pipefail

venv=$1
interpreter=$2
shift 2
cd "$(dirname "$0")/../../bindings/python/requirements"

# A venv fits the interpreter and the lists that it was made for, and no others.
wanted=$(
  "$interpreter" -I -c 'import sys; print(sys.executable, sys.version)'
  printf '%s\n' "$@"
  cat ./*.txt
)
if "$venv/bin/python" -I -c '' 2>/dev/null && cmp -s "$venv/made-for" - <<<"$wanted"; then
  exit 0
fi

echo "python: making $venv"
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
"$interpreter" -I -m venv "$venv"
lists=()
for list in "$@"; do lists+=(--requirement "$list.txt"); done
# Wheels only, so that nothing of the tools is compiled here.
"$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input \
  --only-binary :all: --constraint constraints.txt "${lists[@]}"
printf '%s\n' "$wanted" >"$venv/made-for"
