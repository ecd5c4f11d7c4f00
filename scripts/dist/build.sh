#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Writes the release files of the commit that is checked out. The same commit and tools give the same bytes, in
# whatever directory, by whomever and whenever they are built.
# Usage: scripts/dist/build.sh OUTPUT-DIRECTORY SBOM (the latter by `make sbom`)
# Needs CRTX_BUILDDIR and CARGO_TARGET_DIR, as scripts/python/wheel.sh does.
set -euo pipefail
cd "$(dirname "$0")/../.."

dist=$1
sbom=$2
: "${CRTX_BUILDDIR:?}" "${CARGO_TARGET_DIR:?}"
umask 022
unset TAR_OPTIONS GZIP
export LC_ALL=C TZ=UTC

die() {
  echo "dist: $*" >&2
  exit 1
}

[ "$(uname -sm)" = 'Linux x86_64' ] || die "the release files are built on Linux on x86_64"
changes=$(git status --porcelain) || die "the release files are those of a commit, and this is no git checkout"
[ -z "$changes" ] || die "the release files are those of a commit, and these changes are in none:"$'\n'"$changes"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

scripts=$PWD/scripts/python
. "$scripts/package-environment.sh"
[ -n "${CRTX_BUILD_TARGET:-}" ] || die "the portable library is built on Linux with glibc"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=libcrtx-$version
platform=linux-${host%%-*}

work=$dist.work
rm -rf "$dist" "$work"
mkdir -p "$dist" "$work"
trap 'rm -rf "$work"' EXIT

# pack NAME DIRECTORY: the directory, which is below $work, as NAME.tar.gz.
pack() {
  tar --create --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --hard-dereference --directory="$work" "$2" | gzip -9 -n >"$dist/$1.tar.gz"
}

# source_of TREE-ISH: whose archive. git's own setting for modes is the user's.
source_of() { git -c tar.umask=0022 archive --format=tar --prefix="$name/" "$1"; }

source_archive() { source_of HEAD | gzip -9 -n >"$dist/$name.tar.gz"; }

# All that cargo could ask a registry for, tests and Windows included.
vendored_archive() {
  mkdir "$work/vendored"
  source_of HEAD | tar --extract --directory="$work/vendored"
  "${CARGO:-cargo}" vendor --quiet --locked "$work/vendored/$name/vendor" >/dev/null
  mkdir -p "$work/vendored/$name/.cargo"
  cat >"$work/vendored/$name/.cargo/config.toml" <<'TOML'
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
TOML
  mv "$work/vendored/$name" "$work/$name"
  pack "$name-vendored" "$name"
}

# What of others is in the libraries, and under which terms.
notices() {
  local zig rust
  zig=$("$venv/bin/python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')
  rust=$("${RUSTC:-rustc}" --print sysroot)/share/doc/rust/COPYRIGHT-library.html
  [ -f "$rust" ] || die "$rust is missing: build with a toolchain that tells the standard library's terms (rustup's do)"
  mkdir "$work/notices"
  scripts/dist/notices.py "$sbom" "$zig" >"$work/notices/THIRD-PARTY.txt"
  install -m 644 "$rust" "$work/notices/THIRD-PARTY-rust-std.html"
}

library_archive() {
  local top=$name-$platform doc
  # The static library's only debug information is the standard library's, and names of directories.
  "${STRIP:-strip}" --strip-debug --enable-deterministic-archives "$work/library/libcrtx.a"
  env DESTDIR="$work/$top" PREFIX=/usr LIBDIR=/usr/lib INCLUDEDIR=/usr/include MANDIR=/usr/share/man \
    PC_PREFIX='${pcfiledir}/../..' scripts/install.sh install "$work/library" >/dev/null
  mv "$work/$top/usr" "$work/usr" && rmdir "$work/$top" && mv "$work/usr" "$work/$top"
  doc=$work/$top/share/doc/crtx
  mkdir -p "$doc"
  install -m 644 LICENSE-APACHE LICENSE-MIT "$work"/notices/* "$doc/"
  sed "s|@version@|$version|g" packaging/README.md.in >"$doc/README.md"
  pack "$top" "$top"
}

# The module with the archive that it links, which a module from git lacks.
go_archive() {
  local top=$name-go
  mkdir "$work/$top"
  git archive --format=tar HEAD:bindings/go | tar --extract --directory="$work/$top"
  scripts/go-archive.sh "$work/library/libcrtx.a" 'Linux x86_64' "$work/$top"
  install -m 644 "$work"/notices/* "$work/$top/"
  pack "$top-$platform" "$top"
}

echo "dist: $name of commit $(git rev-parse HEAD)"
source_archive
vendored_archive
scripts/python/wheel.sh sdist "$dist"
scripts/python/wheel.sh wheel "$dist"
scripts/python/wheel.sh library "$work/library"
notices
library_archive
go_archive
install -m 644 "$sbom" "$dist/$name.cdx.json"
(cd "$dist" && sha256sum -- * >"$work/SHA256SUMS")
install -m 644 "$work/SHA256SUMS" "$dist/"
ls -l "$dist" | awk 'NR > 1 { printf "dist: %9d  %s\n", $5, $NF }'
