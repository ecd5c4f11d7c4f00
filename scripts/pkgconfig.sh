#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints crtx.pc for these directories. Those below the prefix are written relative to it, so that a tree
# that moves needs one line changed. Usage: scripts/pkgconfig.sh PREFIX LIBDIR INCLUDEDIR
# (Libs.private has no -lgcc_s: the compiler adds it where it is needed, and with -static there is none.)
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$1 libdir=$2 includedir=$3
below_prefix() {
  # shellcheck disable=SC2016 # pkg-config expands it
  case $1 in
    "$prefix"/*) printf '${prefix}%s' "${1#"$prefix"}" ;;
    *) printf '%s' "$1" ;;
  esac
}

# For the right side of sed's s|||.
quoted() {
  printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
sed -e "s|@prefix@|$(quoted "$prefix")|" \
  -e "s|@libdir@|$(quoted "$(below_prefix "$libdir")")|" \
  -e "s|@includedir@|$(quoted "$(below_prefix "$includedir")")|" \
  -e "s|@version@|$version|" packaging/crtx.pc.in
