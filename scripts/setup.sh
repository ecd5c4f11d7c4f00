#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes sure that what `make test` and `make demo` need is here. With everything in place it only
# looks. As root on a Debian-like system it installs what is missing; otherwise it names it.
# (No clang: it would add some 250 MB, and gcc and g++ suffice. `make test CC=clang` works too.)
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

missing=()
have "${CC:-cc}" || missing+=(gcc)
have "${CXX:-c++}" || missing+=(g++)
have pkg-config || missing+=(pkg-config)
have valgrind || missing+=(valgrind)
have nm || missing+=(binutils)
{ have pkg-config && pkg-config --exists sqlite3; } || missing+=(libsqlite3-dev)
[ -e /usr/include/stdlib.h ] || have xcrun || missing+=(libc6-dev)

# Debian's own cargo may be older than the crate wants: that one is not ours to install.
if ! have "${CARGO:-cargo}"; then
  echo "setup: missing: cargo (Rust 1.85 or later, https://rustup.rs) ${missing[*]}" >&2
  exit 1
fi

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
  echo "setup: missing packages (Debian's names): ${missing[*]}" >&2
  exit 1
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
