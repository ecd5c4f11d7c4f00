#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs the release library for C and C++, or removes just that. `make install` calls it.
# Usage: scripts/install.sh install|uninstall|list RELEASE-DIRECTORY
# Environment, all but DESTDIR absolute: PREFIX, LIBDIR, INCLUDEDIR, MANDIR, DESTDIR (a scratch root).
# PC_PREFIX is what crtx.pc calls the prefix, if that is not PREFIX.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022 # what is installed is for everybody, directories included

action=$1
release=$2
: "${PREFIX:=/usr/local}"
: "${LIBDIR:=$PREFIX/lib}"
: "${INCLUDEDIR:=$PREFIX/include}"
: "${MANDIR:=$PREFIX/share/man}"
: "${DESTDIR:=}"
: "${PC_PREFIX:=$PREFIX}"

for directory in "$PREFIX" "$LIBDIR" "$INCLUDEDIR" "$MANDIR"; do
  case $directory in
    /*) ;;
    *)
      echo "install: \"$directory\" is not absolute (only DESTDIR may be relative)" >&2
      exit 2
      ;;
  esac
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
library_version=$(sed -n '/^\[package.metadata.capi.library\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
soname=libcrtx.so.${library_version%%.*}
shared=libcrtx.so.$library_version
# As the fields of one file, "mode source destination"; a source "-> target" is a symlink.
files() {
  cat <<LIST
755 $release/libcrtx.so $LIBDIR/$shared
- $shared $LIBDIR/$soname
- $soname $LIBDIR/libcrtx.so
644 $release/libcrtx.a $LIBDIR/libcrtx.a
644 include/crtx.h $INCLUDEDIR/crtx.h
644 include/crtx.hpp $INCLUDEDIR/crtx.hpp
644 $made/crtx.pc $LIBDIR/pkgconfig/crtx.pc
644 $made/crtx-config.cmake $PREFIX/share/cmake/crtx/crtx-config.cmake
644 packaging/crtx-config-version.cmake $PREFIX/share/cmake/crtx/crtx-config-version.cmake
644 man/crtx.1 $MANDIR/man1/crtx.1
644 man/crtx.3 $MANDIR/man3/crtx.3
LIST
}

# below_prefix DIRECTORY: as crtx.pc writes it, so that pkg-config --define-prefix can move it.
below_prefix() {
  case $1 in
    "$PREFIX"/*) echo "\${prefix}/${1#"$PREFIX"/}" ;;
    *) echo "$1" ;;
  esac
}

# The paths in the CMake file are relative to the prefix; an absolute one stays as it is.
below_prefix_for_cmake() { below_prefix "$1" | sed 's|^\${prefix}/||'; }

# Empty where the CMake file looks anyway: below share it is then the same on every architecture.
libdir_for_cmake() {
  local directory multiarch
  directory=$(below_prefix_for_cmake "$LIBDIR")
  multiarch=$(${CC:-cc} -print-multiarch 2>/dev/null) || multiarch=
  case $directory in
    lib | lib64 | "lib/$multiarch") ;;
    *) echo "$directory" ;;
  esac
}

fill_templates() {
  sed -e "s|@version@|$version|" \
    -e "s|@prefix@|$PC_PREFIX|" \
    -e "s|@libdir@|$(below_prefix "$LIBDIR")|" \
    -e "s|@includedir@|$(below_prefix "$INCLUDEDIR")|" \
    packaging/crtx.pc.in >"$made/crtx.pc"
  sed -e "s|^set(_crtx_libdirs .*|set(_crtx_libdirs \"$(libdir_for_cmake)\")|" \
    -e "s|^set(_crtx_includedir .*|set(_crtx_includedir \"$(below_prefix_for_cmake "$INCLUDEDIR")\")|" \
    packaging/crtx-config.cmake >"$made/crtx-config.cmake"
}

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

case $action in
  list)
    files | awk '{ print $3 }'
    ;;
  install)
    for needed in libcrtx.so libcrtx.a; do
      if [ ! -f "$release/$needed" ]; then
        echo "install: $release/$needed is missing: run make build first" >&2
        exit 1
      fi
    done
    fill_templates
    files | while read -r mode source destination; do
      mkdir -p "$DESTDIR$(dirname "$destination")"
      if [ "$mode" = - ]; then
        ln -sfn "$source" "$DESTDIR$destination"
      else
        install -m "$mode" "$source" "$DESTDIR$destination"
      fi
    done
    echo "install: crtx $version is in $DESTDIR$PREFIX"
    ;;
  uninstall)
    files | while read -r _ _ destination; do
      rm -f "$DESTDIR$destination"
    done
    # Only our own directory; the others belong to everybody.
    rmdir "$DESTDIR$PREFIX/share/cmake/crtx" 2>/dev/null || true
    echo "uninstall: crtx is gone from $DESTDIR$PREFIX"
    ;;
  *)
    echo "usage: $0 install|uninstall|list RELEASE-DIRECTORY" >&2
    exit 2
    ;;
esac
