#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs into scratch roots, as a packager and as an administrator would, and builds programs against
# only what is installed: with pkg-config, with CMake, shared, static, and fully static.
# Usage: ctests/install/run.sh RELEASE-DIRECTORY; everything goes below CRTX_BUILDDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."

release=$(cd "$1" && pwd)
build=${CRTX_BUILDDIR:-target/install}
cc=${CC:-cc}
cxx=${CXX:-c++}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
passed=0
failed=0

rm -rf "$build"
mkdir -p "$build"
build=$(cd "$build" && pwd)
# The programs acquire a lock, and the checkout may be on a network filesystem.
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT

# promise NAME FUNCTION ARGUMENT...: runs it, and counts.
promise() {
  local name=$1 status
  shift
  # Not as a condition: there `set -e` would have no effect.
  set +e
  (set -e && "$@") >"$build/log" 2>&1
  status=$?
  set -e
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name:" >&2
    cat "$build/log" >&2
  fi
}

# `! command` does not trip `set -e`.
not() { if "$@"; then return 1; fi; }

needs() { readelf -d "$1" | grep -q "NEEDED.*\[$2"; }

runs() { (cd "$ground" && "$@" | grep -qx restored && [ -z "$(ls -A)" ]); }

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

no_path_of_the_build() {
  not grep -rlF -e "$PWD" -e "$usual" "$usual" --include=*.pc --include=*.cmake
}

packagers_directories() {
  put "$multiarch" PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu INCLUDEDIR=/usr/include/crtx-1
  [ -e "$multiarch/usr/lib/x86_64-linux-gnu/pkgconfig/crtx.pc" ]
  [ -e "$multiarch/usr/include/crtx-1/crtx.h" ]
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

# -- with pkg-config ---------------------------------------------------------------------------

# pc ROOT PKG-CONFIG-ARGUMENT...: PKG_CONFIG_SYSROOT_DIR puts ROOT before the paths.
pc() {
  local root=$1 directory
  shift
  directory=$(dirname "$(find "$root" -name crtx.pc)")
  PKG_CONFIG_LIBDIR=$directory PKG_CONFIG_SYSROOT_DIR=$root pkg-config "$@" crtx
}

libdir_of() { dirname "$(find "$1" -name libcrtx.a)"; }

# shellcheck disable=SC2046 # pkg-config's answers are lists
with_pkg_config() {
  local root=$1
  [ "$(pc "$root" --modversion)" = "$version" ]
  "$cc" examples/hello.c -o "$build/c" $(pc "$root" --cflags --libs)
  "$cxx" -std=c++17 examples/hello.cpp -o "$build/cpp" $(pc "$root" --cflags --libs)
  needs "$build/c" libcrtx.so.1
  runs env LD_LIBRARY_PATH="$(libdir_of "$root")" "$build/c"
  runs env LD_LIBRARY_PATH="$(libdir_of "$root")" "$build/cpp"
}

# shellcheck disable=SC2046
statically() {
  local lib=$build/only-static
  mkdir -p "$lib" && cp "$usual/usr/local/lib/libcrtx.a" "$lib/"
  # Without the shared library beside it, -lcrtx is the static one.
  "$cc" examples/hello.c -o "$build/c-static" -L"$lib" $(pc "$usual" --cflags) \
    $(pc "$usual" --static --libs-only-l)
  "$cxx" -std=c++17 examples/hello.cpp -o "$build/cpp-static" -L"$lib" $(pc "$usual" --cflags) \
    $(pc "$usual" --static --libs-only-l)
  not needs "$build/c-static" libcrtx
  runs "$build/c-static"
  runs "$build/cpp-static"
}

# shellcheck disable=SC2046
fully_statically() {
  "$cc" -static examples/hello.c -o "$build/c-full" $(pc "$usual" --cflags --static --libs)
  "$cxx" -static -std=c++17 examples/hello.cpp -o "$build/cpp-full" $(pc "$usual" --cflags --static --libs)
  not needs "$build/c-full" ""
  runs "$build/c-full"
  runs "$build/cpp-full"
}

# A prefix that was moved as a whole: pkg-config finds it by the place of crtx.pc.
# shellcheck disable=SC2046
moved() {
  local place=$build/moved
  mkdir -p "$place" && cp -a "$usual/usr/local/." "$place/"
  export PKG_CONFIG_LIBDIR=$place/lib/pkgconfig
  "$cc" examples/hello.c -o "$build/c-moved" $(pkg-config --define-prefix --cflags --libs crtx)
  runs env LD_LIBRARY_PATH="$place/lib" "$build/c-moved"
}

# -- with CMake --------------------------------------------------------------------------------

project() {
  mkdir -p "$1"
  cp examples/hello.c examples/hello.cpp "$1/"
  cat >"$1/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.13)
project(consumer C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(crtx ${WANTED} REQUIRED COMPONENTS shared static)
foreach(kind shared static)
  add_executable(c-${kind} hello.c)
  add_executable(cpp-${kind} hello.cpp)
  target_link_libraries(c-${kind} crtx::${kind})
  target_link_libraries(cpp-${kind} crtx::${kind})
endforeach()
CMAKE
}

# cmake_with PREFIX-DIRECTORY NAME CMAKE-ARGUMENT...
cmake_with() {
  local prefix=$1 place=$build/cmake-$2
  shift 2
  project "$place"
  cmake -S "$place" -B "$place/out" -DCMAKE_PREFIX_PATH="$prefix" "$@"
  cmake --build "$place/out"
  for program in c-shared cpp-shared c-static cpp-static; do runs "$place/out/$program"; done
  needs "$place/out/c-shared" libcrtx.so.1
  not needs "$place/out/c-static" libcrtx
}

cmake_refuses() {
  local place=$build/cmake-refused
  project "$place"
  not cmake -S "$place" -B "$place/out" -DCMAKE_PREFIX_PATH="$usual/usr/local" -DWANTED="$1"
}

cmake_without_static() {
  local place=$build/no-static
  mkdir -p "$place" && cp -a "$usual/usr/local/." "$place/"
  rm "$place/lib/libcrtx.a"
  project "$build/cmake-no-static"
  not cmake -S "$build/cmake-no-static" -B "$build/cmake-no-static/out" -DCMAKE_PREFIX_PATH="$place"
}

# -- the man pages -----------------------------------------------------------------------------

# shellcheck disable=SC2046
man_page_example_compiles() {
  sed -n '/^\.Bd -literal$/,/^\.Ed$/{//!p}' "$usual/usr/local/share/man/man3/crtx.3" >"$build/man.c"
  grep -q crtx_lock_acquire "$build/man.c"
  "$cc" "$build/man.c" -o "$build/man" $(pc "$usual" --cflags --libs)
  (cd "$ground" && LD_LIBRARY_PATH="$(libdir_of "$usual")" "$build/man" && [ -z "$(ls -A)" ])
}

man_pages_have_no_warnings() {
  [ -z "$(groff -mdoc -Tutf8 -ww -z "$usual"/usr/local/share/man/man*/crtx.* 2>&1)" ]
}

promise 'exactly these files are installed' exactly_these_files
promise 'links, SONAME and modes are right' links_and_modes
promise 'nothing installed names the place of the build' no_path_of_the_build
promise 'a packager chooses the directories' packagers_directories
promise 'uninstall leaves what is not ours' uninstall_leaves_nothing
promise 'a relative prefix is refused' relative_prefix_is_refused
promise 'pkg-config links C and C++' with_pkg_config "$usual"
promise 'pkg-config links with other directories' with_pkg_config "$multiarch"
promise 'pkg-config links statically' statically
promise 'pkg-config links without any shared library' fully_statically
promise 'a moved prefix links' moved
promise 'CMake links C and C++, shared and static' cmake_with "$usual/usr/local" usual
promise 'CMake links with other directories' cmake_with "$multiarch/usr" multiarch
promise 'CMake accepts the version that is there' cmake_with "$usual/usr/local" version -DWANTED="$version"
promise 'CMake refuses a later version' cmake_refuses 99.0
promise 'CMake tells that a component is missing' cmake_without_static
promise "the man page's example compiles and runs" man_page_example_compiles
promise 'the man pages are well-formed' man_pages_have_no_warnings

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
