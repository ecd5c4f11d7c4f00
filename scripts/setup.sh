#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes sure that what a target needs is here. With everything in place it only looks. As root on a
# Debian-like system it installs what is missing; otherwise it names it in one line.
# (No clang: it would add some 250 MB, and gcc and g++ suffice. `make test CC=clang` works too.)
# Usage: scripts/setup.sh build | demo | engines | bench | test | windows | macos | musl | aarch64 | i686
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

missing=()
# need COMMAND PACKAGE
need() { have "$1" || missing+=("$2"); }
# need_library PKG-CONFIG-NAME PACKAGE
need_library() { { have pkg-config && pkg-config --exists "$1"; } || missing+=("$2"); }

needs_of_build() {
  need "${CC:-cc}" gcc
  [ -e /usr/include/stdlib.h ] || have xcrun || missing+=(libc6-dev)
}

needs_of_demo() {
  needs_of_build
  need python3 python3
  need pkg-config pkg-config
  need_library sqlite3 libsqlite3-dev
}

needs_of_engines() {
  needs_of_demo
  need "${CXX:-c++}" g++
  need_library rocksdb librocksdb-dev
  need_library lmdb liblmdb-dev
  # Debian keeps the server's programs out of PATH.
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
}

needs_of_a_venv() {
  need python3 python3
  # Debian's python3 has no ensurepip: a venv then has no pip.
  { have python3 && python3 -I -c 'import ensurepip, venv' 2>/dev/null; } || missing+=(python3-venv)
}

# To make filesystems and mount them.
needs_of_filesystems() {
  PATH=$PATH:/usr/sbin:/sbin
  need mkfs.ext4 e2fsprogs
  need mkfs.xfs xfsprogs
  need mkfs.btrfs btrfs-progs
}

# The peers of the benchmark, and a venv for those in Python.
needs_of_bench() {
  needs_of_demo
  need "${CXX:-c++}" g++
  need_library rocksdb librocksdb-dev
  need_library lmdb liblmdb-dev
  needs_of_a_venv
  if [ "$(id -u)" -eq 0 ] && [ -c /dev/loop-control ]; then needs_of_filesystems; fi
}

needs_of_test() {
  needs_of_demo
  need "${CXX:-c++}" g++
  need valgrind valgrind
  need nm binutils
  need abidiff abigail-tools
  needs_of_a_venv
  need cmake cmake
  need groff groff-base
  # One of the models, and the crtx command's completions, are tried out with these where they can be had.
  if [ "$(id -u)" -eq 0 ] && have apt-get; then
    need spin spin
    need zsh zsh
    need fish fish
  fi
  # The power cut test runs as root only, and only where it can mount.
  if [ "$(id -u)" -eq 0 ] && [ -c /dev/fuse ]; then needs_of_filesystems; fi
}

# The compilers for Windows, and Wine to run what they make. (Wine's command is in no directory of PATH.)
needs_of_windows() {
  needs_of_build
  need x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
  need x86_64-w64-mingw32-g++ g++-mingw-w64-x86-64-win32
  have wine64 || [ -x /usr/lib/wine/wine64 ] || missing+=(wine64)
}

# zig is fetched from PyPI. Rust's own linker for Mach-O comes with rustup's toolchains, not with Debian's.
needs_of_macos() {
  needs_of_build
  needs_of_a_venv
  [ -x "$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld64.lld" ] ||
    need ld64.lld lld
}

# musl's loader runs what is linked with the shared library.
needs_of_musl() {
  needs_of_build
  needs_of_a_venv
  need nm binutils
  [ -e /lib/ld-musl-x86_64.so.1 ] || missing+=(musl)
}

needs_of_aarch64() {
  needs_of_build
  need nm binutils
  need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
  need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
  [ -e /usr/aarch64-linux-gnu/lib/libc.a ] || missing+=(libc6-dev-arm64-cross)
  need qemu-aarch64 qemu-user
}

needs_of_i686() {
  needs_of_build
  need i686-linux-gnu-gcc gcc-i686-linux-gnu
  need i686-linux-gnu-g++ g++-i686-linux-gnu
  [ -e /usr/i686-linux-gnu/lib/libc.a ] || missing+=(libc6-dev-i386-cross)
}

# Debian's own cargo may be older than the crate wants: that one is not ours to install.
need_cargo() {
  local wanted version
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
  if ! have "${CARGO:-cargo}"; then
    echo "setup: missing: cargo (Rust $wanted or later, https://rustup.rs) ${missing[*]}" >&2
    exit 1
  fi
  version=$("${CARGO:-cargo}" --version | awk '{ print $2 }')
  if [ "$(printf '%s\n%s\n' "$wanted" "$version" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "setup: cargo is $version, and Rust $wanted or later is needed (https://rustup.rs)" >&2
    exit 1
  fi
}

case ${1:-} in
  build | demo | engines | bench | test | windows | macos | musl | aarch64 | i686) "needs_of_$1" ;;
  *)
    echo "usage: $0 build | demo | engines | bench | test | windows | macos | musl | aarch64 | i686" >&2
    exit 2
    ;;
esac
need_cargo
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
  echo "setup: missing packages (Debian's names): ${missing[*]}" >&2
  exit 1
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  # The package would make a cluster of its own, and start a server.
  no_cluster=/etc/postgresql-common/createcluster.d/libcrtx-setup.conf
  mkdir -p "${no_cluster%/*}"
  trap 'rm -f "$no_cluster"; rmdir --ignore-fail-on-non-empty "${no_cluster%/*}"' EXIT
  echo 'create_main_cluster = false' >"$no_cluster"
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
