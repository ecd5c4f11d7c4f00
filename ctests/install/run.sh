#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs into scratch roots, as a packager and as an administrator would, and builds programs against
# only what is installed: with pkg-config, with CMake, shared, static, and fully static.
# Usage: ctests/install/run.sh RELEASE-DIRECTORY; everything goes below CRTX_BUILDDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

release=$(cd "$1" && pwd)
: "${CRTX_BUILDDIR:=target/install}"
. scripts/promise.sh
. ctests/install/consume.sh

# put ROOT VARIABLE=VALUE...: installs, as the Makefile does.
put() {
  local root=$1
  shift
  env DESTDIR="$root" "$@" scripts/install.sh install "$release"
}

files_of() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }

# -- what is installed -------------------------------------------------------------------------

usual=$build/usual
multiarch=$build/multiarch
own=$build/own

exactly_these_files() {
  put "$usual"
  diff - <(files_of "$usual") <<LIST
./usr/local/include/crtx.h
./usr/local/include/crtx.hpp
./usr/local/lib/libcrtx.a
./usr/local/lib/libcrtx.so
./usr/local/lib/libcrtx.so.1
./usr/local/lib/libcrtx.so.1.0.0
./usr/local/lib/pkgconfig/crtx.pc
./usr/local/share/cmake/crtx/crtx-config-version.cmake
./usr/local/share/cmake/crtx/crtx-config.cmake
./usr/local/share/man/man1/crtx.1
./usr/local/share/man/man3/crtx.3
LIST
}

links_and_modes() {
  local lib=$usual/usr/local/lib
  [ "$(readlink "$lib/libcrtx.so")" = libcrtx.so.1 ]
  [ "$(readlink "$lib/libcrtx.so.1")" = libcrtx.so.1.0.0 ]
  readelf -d "$lib/libcrtx.so.1.0.0" | grep -q 'SONAME.*\[libcrtx.so.1\]'
  [ "$(stat -c %a "$lib/libcrtx.so.1.0.0")" = 755 ]
  [ "$(stat -c %a "$lib/libcrtx.a" "$lib/pkgconfig/crtx.pc" | sort -u)" = 644 ]
}

readable_whatever_the_umask() {
  local root=$build/umask
  (umask 077 && put "$root")
  [ -d "$root/usr/local/lib/pkgconfig" ]
  [ -z "$(find "$root" ! -type l ! -perm -444 -o -type d ! -perm 755)" ]
}

no_path_of_the_build() {
  not grep -rlF -e "$PWD" -e "$usual" "$usual" --include=*.pc --include=*.cmake
}

packagers_directories() {
  put "$multiarch" PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu INCLUDEDIR=/usr/include/crtx-1
  [ -e "$multiarch/usr/lib/x86_64-linux-gnu/pkgconfig/crtx.pc" ]
  [ -e "$multiarch/usr/include/crtx-1/crtx.h" ]
  put "$own" PREFIX=/usr LIBDIR=/usr/lib/crtx-1
}

# One package of headers and CMake files may serve libraries for several architectures.
same_cmake_file() {
  local libdir root=$build/architectures
  for libdir in lib lib64 "lib/$("$cc" -print-multiarch)"; do
    put "$root" PREFIX=/usr LIBDIR="/usr/$libdir"
    cmp "$root/usr/share/cmake/crtx/crtx-config.cmake" "$usual/usr/local/share/cmake/crtx/crtx-config.cmake"
  done
}

uninstall_leaves_nothing() {
  local root=$build/gone
  put "$root" PREFIX=/opt/crtx
  : >"$root/opt/crtx/lib/other.so"
  env DESTDIR="$root" PREFIX=/opt/crtx scripts/install.sh uninstall "$release"
  [ "$(files_of "$root")" = ./opt/crtx/lib/other.so ]
  [ ! -d "$root/opt/crtx/share/cmake/crtx" ]
}

relative_prefix_is_refused() {
  not env PREFIX=here scripts/install.sh install "$release"
  [ ! -e here ]
}

# -- what is refused ---------------------------------------------------------------------------

cmake_refuses() {
  local place=$build/cmake-refused
  project "$place"
  not cmake -S "$place" -B "$place/out" -DCMAKE_PREFIX_PATH="$usual/usr/local" -DWANTED="$1"
}

# Since 3.19.
cmake_knows_ranges() {
  local found
  found=$(cmake --version | sed -n 's/^cmake version //p')
  [ "$(printf '%s\n3.19\n' "$found" | sort -V | head -n 1)" = 3.19 ]
}

cmake_refuses_ranges_without_it() {
  cmake_refuses "0.0.1...<$version"
  cmake_refuses 0.0.1...0.0.9
}

cmake_without_static() {
  local place=$build/no-static
  mkdir -p "$place" && cp -a "$usual/usr/local/." "$place/"
  rm "$place/lib/libcrtx.a"
  project "$build/cmake-no-static"
  not cmake -S "$build/cmake-no-static" -B "$build/cmake-no-static/out" -DCMAKE_PREFIX_PATH="$place"
}

man_pages_have_no_warnings() {
  [ -z "$(groff -mdoc -Tutf8 -ww -z "$usual"/usr/local/share/man/man*/crtx.* 2>&1)" ]
}

promise 'exactly these files are installed' exactly_these_files
promise 'links, SONAME and modes are right' links_and_modes
promise 'directories and files are readable, whatever the umask' readable_whatever_the_umask
promise 'crtx.pc and the CMake files name no place of the build' no_path_of_the_build
promise 'a packager chooses the directories' packagers_directories
promise 'the CMake file is the same for every usual LIBDIR' same_cmake_file
promise 'uninstall leaves what is not ours' uninstall_leaves_nothing
promise 'a relative prefix is refused' relative_prefix_is_refused
promise 'pkg-config links C and C++' with_pkg_config "$usual"
promise 'pkg-config links with other directories' with_pkg_config "$multiarch"
promise 'pkg-config links statically' statically "$usual"
promise 'pkg-config links without any shared library' fully_statically "$usual"
promise 'a moved prefix links' moved "$usual/usr/local"
promise 'CMake links C and C++, shared and static' cmake_with "$usual/usr/local" usual
promise 'CMake links with other directories' cmake_with "$multiarch/usr" multiarch
promise 'CMake links with a library directory of its own' cmake_with "$own/usr" own
promise 'CMake accepts the version that is there' cmake_with "$usual/usr/local" version -DWANTED="$version"
promise 'CMake refuses a later version' cmake_refuses 99.0
if cmake_knows_ranges; then
  promise 'CMake accepts a range with that version' cmake_with "$usual/usr/local" range -DWANTED="0.0.1...$version"
  promise 'CMake refuses ranges without it' cmake_refuses_ranges_without_it
fi
promise 'CMake tells that a component is missing' cmake_without_static
promise "the man page's example compiles and runs" man_page_example_compiles "$usual"
promise 'the man pages are well-formed' man_pages_have_no_warnings

all_promises_kept
