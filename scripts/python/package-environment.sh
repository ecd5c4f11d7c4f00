# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by wheel.sh and test-packaging.sh, which have set `scripts` and CRTX_BUILDDIR: the environment
# in which the package is built for others. Sets `venv`, with the tools, and what makes the bytes the
# same wherever and whenever they are built with the same tools.
# shellcheck shell=bash

# The oldest glibc that Rust's standard library knows.
glibc=2.17

interpreter=$("$scripts/interpreters.sh" newest | cut -f 2)
venv=$CRTX_BUILDDIR/package
"$scripts/venv.sh" "$venv" "$interpreter" test package

# cargo finds cargo-zigbuild by PATH, and that finds zig by the venv's python.
export PATH=$venv/bin:$PATH
# By default they would be in the home directory.
export CARGO_ZIGBUILD_CACHE_DIR=$CRTX_BUILDDIR/zig
export ZIG_GLOBAL_CACHE_DIR=$CRTX_BUILDDIR/zig ZIG_LOCAL_CACHE_DIR=$CRTX_BUILDDIR/zig
export PYTHONPYCACHEPREFIX=$CRTX_BUILDDIR/pycache

# They would reach what is compiled of C and assembly.
unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS

# The commit's time. Outside git hatchling has a fixed one of its own.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && time=$(git -C "$scripts" log -1 --format=%ct 2>/dev/null); then
  export SOURCE_DATE_EPOCH=$time
fi

host=$("${CARGO:-cargo}" --version --verbose | sed -n 's/^host: //p')
case $host in
  *-linux-gnu*)
    export CRTX_BUILD_TARGET=$host.$glibc
    # Panic messages name source files, but the builder's directories are nobody's business. The second
    # one is where the standard library's sources are if they are installed, and what its messages say
    # if they are not.
    rustc=${RUSTC:-rustc}
    registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
    std=$("$rustc" --print sysroot)/lib/rustlib/src/rust
    commit=$("$rustc" --version --verbose | sed -n 's/^commit-hash: //p')
    # Unlike RUSTFLAGS it allows spaces: the separator is U+001F.
    CARGO_ENCODED_RUSTFLAGS=--remap-path-prefix=$registry=/cargo
    CARGO_ENCODED_RUSTFLAGS+=$'\x1f'--remap-path-prefix=$std=/rustc/$commit
    export CARGO_ENCODED_RUSTFLAGS
    ;;
esac
