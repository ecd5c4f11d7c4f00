#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# include/crtx.h is generated: build.rs, with the feature `header`, writes it into cargo's OUT_DIR.
# Usage: scripts/header.sh --write | --check
set -euo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
committed=include/crtx.h
# A Go module has no way to a file outside of its directory.
copy=bindings/go/crtx.h

# This crate is the only one that cargo builds from a path; its build script reports its OUT_DIR.
messages=$("$cargo" check --quiet --locked --features header --message-format=json)
out_dir=$(printf '%s\n' "$messages" |
  sed -n '/"reason":"build-script-executed","package_id":"path+file:/s/.*"out_dir":"\([^"]*\)".*/\1/p' |
  tail -n 1)
generated=$out_dir/crtx.h
if [ ! -s "$generated" ]; then
  echo "build.rs wrote no crtx.h" >&2
  exit 1
fi

case ${1:-} in
  --write)
    for file in "$committed" "$copy"; do
      cmp -s "$generated" "$file" || cp "$generated" "$file"
    done
    ;;
  --check)
    for file in "$committed" "$copy"; do
      if ! diff -u "$file" "$generated"; then
        echo "$file is not what the Rust sources say; to mend it, run: make header" >&2
        exit 1
      fi
    done
    echo "header: $committed and $copy are what the Rust sources say"
    ;;
  *)
    echo "usage: $0 --write | --check" >&2
    exit 2
    ;;
esac
