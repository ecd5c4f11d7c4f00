#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints the Python interpreters to use, the newest first, one a line: version, tab, path. Each is one
# that bindings/python supports and that can make a venv. What is found on PATH and among pyenv's
# versions is one interpreter for each minor version; CRTX_PYTHONS selects among them:
#   (empty)       the newest and the oldest
#   all           all
#   3.9 /opt/…    these: versions among those found, or paths
# Usage: scripts/python/interpreters.sh [newest]
set -euo pipefail

oldest_minor=9
newest_minor=14

# "3.11<tab>/usr/bin/python3.11" if it runs and will do. (A pyenv shim may name a version that is off.)
describe() {
  "$1" -I -c '
import os, sys, sysconfig, ensurepip, venv
if sys.version_info < (3, '"$oldest_minor"') or sys.implementation.name != "cpython":
    sys.exit(1)
# The pinned tools have no wheels for it.
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
# The same name however it was found: by a link, a shim, or a venv that is active.
base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
print("%d.%d\t%s" % (*sys.version_info[:2], base))' 2>/dev/null </dev/null
}

candidates() {
  local minor
  for minor in $(seq "$newest_minor" -1 "$oldest_minor"); do
    type -ap "python3.$minor" || true
    # The newest patch version first.
    ls -dv "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python3 2>/dev/null | tac || true
  done
  type -ap python3 || true
}

found() {
  local candidate
  candidates | while IFS= read -r candidate; do
    describe "$candidate" || true
  done | sort -t $'\t' -k 1,1Vr -s -u
}

all=$(found)
if [ -z "$all" ]; then
  echo "no Python 3.$oldest_minor or later that can make a venv was found (Debian's package: python3-venv)" >&2
  exit 1
fi

wanted=${CRTX_PYTHONS:-}
[ "${1:-}" != newest ] || wanted=newest
case $wanted in
  newest) head -n 1 <<<"$all" ;;
  '') sed -n '1p;$p' <<<"$all" | uniq ;;
  all) printf '%s\n' "$all" ;;
  *)
    for one in $wanted; do
      if [ "${one#*/}" != "$one" ]; then
        describe "$one"
      else
        grep "^$one"$'\t' <<<"$all"
      fi || {
        echo "CRTX_PYTHONS: $one was not found, or cannot make a venv" >&2
        exit 1
      }
    done
    ;;
esac
