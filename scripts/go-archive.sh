#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Puts the static library where the Go package links it from: its own directory, because that is all
# of a module that `go mod vendor` takes along. The stamp beside it makes Go relink a new archive.
# Usage: scripts/go-archive.sh LIBCRTX.A [DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."

case $(uname -s)-$(uname -m) in
  Linux-x86_64) name=libcrtx_linux_amd64 ;;
  Linux-aarch64) name=libcrtx_linux_arm64 ;;
  *)
    echo "go: no static archive for $(uname -s) on $(uname -m); build with -tags crtx_dynamic" >&2
    exit 1
    ;;
esac

place=${2:-bindings/go}
cp "$1" "$place/$name.a.new"
"${STRIP:-strip}" --strip-debug --enable-deterministic-archives "$place/$name.a.new"
mv "$place/$name.a.new" "$place/$name.a"
digest=$(sha256sum "$place/$name.a" | cut -d ' ' -f 1)
printf '/* Written with %s.a by "make go". */\n#define CRTX_ARCHIVE_STAMP "libcrtx archive %s"\n' \
  "$name" "$digest" >"$place/$name.h"
