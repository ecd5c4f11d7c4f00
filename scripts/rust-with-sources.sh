#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prints the path of a rustc that can build its own standard library (-Zbuild-std), for which rustc and
# those sources must be of one version. It is the present one if it has them (`rustup component add
# rust-src`); otherwise Debian's rustc-web with rust-web-src, unpacked once into DIRECTORY, because they
# cannot be installed beside rustup. CRTX_DEBIANS_RUST=1 asks for the latter in any case.
# Usage: scripts/rust-with-sources.sh DIRECTORY
set -euo pipefail

rustc=$(command -v "${RUSTC:-rustc}")
if [ -e "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ] && [ -z "${CRTX_DEBIANS_RUST:-}" ]; then
  echo "$rustc"
  exit 0
fi
directory=$(mkdir -p "$1" && cd "$1" && pwd)
if [ -x "$directory/rustc" ] && "$directory/rustc" --version >/dev/null; then
  echo "$directory/rustc"
  exit 0
fi
command -v apt-get >/dev/null 2>&1 || {
  echo "rust-with-sources: this Rust has no sources of its standard library (rustup component add rust-src)" >&2
  exit 1
}

# dependency PACKAGE=VERSION PATTERN: the first package in its Depends that fits.
dependency() {
  apt-cache show "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/^ *//; s/ .*//' | grep -E -m 1 "^$2\$"
}

candidate() { apt-cache policy rustc-web | awk '/Candidate:/ { print $2 }'; }
version=$(candidate)
# The lists of packages may not be there yet.
[ -n "$version" ] || { apt-get update -qq >&2 && version=$(candidate); }
std=$(dependency "libstd-rust-web-dev=$version" 'libstd-rust-web-[0-9.]+')
llvm=$(dependency "$std=$version" 'libllvm[0-9.]+')
packages=("rustc-web=$version" "libstd-rust-web-dev=$version" "$std=$version" "rust-web-src=$version" "$llvm")
echo "rust-with-sources: unpacking Debian's ${packages[*]}" >&2
rm -rf "$directory/debian" "$directory/archives"
mkdir -p "$directory/debian" "$directory/archives"
(cd "$directory/archives" && apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}" >&2)
for archive in "$directory"/archives/*.deb; do
  case $archive in
    */rust-web-src_*) dpkg-deb --fsys-tarfile "$archive" | tar -x -C "$directory/debian" --wildcards './usr/src/*/library' './usr/lib/*' ;;
    *) dpkg -x "$archive" "$directory/debian" ;;
  esac
done
rm -r "$directory/archives"
sources=("$directory"/debian/usr/src/rustc-*)
mkdir -p "$directory/debian/usr/lib/rustlib/src"
ln -sfn "${sources[0]}" "$directory/debian/usr/lib/rustlib/src/rust"
libraries=("$directory"/debian/usr/lib/x86_64-linux-gnu "$directory"/debian/usr/lib/llvm-*/lib)
{
  echo '#!/bin/sh'
  echo "export LD_LIBRARY_PATH='$(IFS=:; echo "${libraries[*]}")'"
  echo "exec '$directory/debian/usr/bin/rustc' \"\$@\""
} >"$directory/rustc"
chmod +x "$directory/rustc"
echo "$directory/rustc"
