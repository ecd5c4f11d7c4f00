# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by run.sh, tree.sh and cinstall.sh: ways to build programs against an installed library, and to run them. ROOT is a
# directory with one such library below it. Sets `build`, for what is built, from CRTX_BUILDDIR.
# shellcheck shell=bash

cc=${CC:-cc}
cxx=${CXX:-c++}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

rm -rf "$CRTX_BUILDDIR"
mkdir -p "$CRTX_BUILDDIR"
build=$(cd "$CRTX_BUILDDIR" && pwd)
# The programs acquire a lock, and the checkout may be on a network filesystem.
ground=$(mktemp -d)
trap 'rm -rf "$ground"' EXIT

needs() { readelf -d "$1" | grep -q "NEEDED.*\[$2"; }

runs() { (cd "$ground" && "$@" | grep -qx restored && [ -z "$(ls -A)" ]); }

libdir_of() { dirname "$(find "$1" -name libcrtx.a)"; }

man_page_of() { find "$1" -name crtx.3; }

# -- with pkg-config ---------------------------------------------------------------------------

# pc ROOT PKG-CONFIG-ARGUMENT...
pc() (
  root=$1
  shift
  PKG_CONFIG_LIBDIR=$(dirname "$(find "$root" -name crtx.pc)")
  export PKG_CONFIG_LIBDIR
  # This puts ROOT before the paths, which one that begins at crtx.pc's own place has already.
  if grep -q '^prefix=/' "$PKG_CONFIG_LIBDIR/crtx.pc"; then export PKG_CONFIG_SYSROOT_DIR=$root; fi
  pkg-config "$@" crtx
)

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
  local root=$1 lib=$build/only-static
  mkdir -p "$lib" && cp "$(libdir_of "$root")/libcrtx.a" "$lib/"
  # Without the shared library beside it, -lcrtx is the static one.
  "$cc" examples/hello.c -o "$build/c-static" -L"$lib" $(pc "$root" --cflags) \
    $(pc "$root" --static --libs-only-l)
  "$cxx" -std=c++17 examples/hello.cpp -o "$build/cpp-static" -L"$lib" $(pc "$root" --cflags) \
    $(pc "$root" --static --libs-only-l)
  not needs "$build/c-static" libcrtx
  runs "$build/c-static"
  runs "$build/cpp-static"
}

# shellcheck disable=SC2046
fully_statically() {
  local root=$1
  "$cc" -static examples/hello.c -o "$build/c-full" $(pc "$root" --cflags --static --libs)
  "$cxx" -static -std=c++17 examples/hello.cpp -o "$build/cpp-full" $(pc "$root" --cflags --static --libs)
  not needs "$build/c-full" ""
  runs "$build/c-full"
  runs "$build/cpp-full"
}

# A prefix that was moved as a whole: pkg-config finds it by the place of crtx.pc.
# shellcheck disable=SC2046
moved() {
  local prefix=$1 place=$build/moved
  mkdir -p "$place" && cp -a "$prefix/." "$place/"
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

# -- the man page ------------------------------------------------------------------------------

# shellcheck disable=SC2046
man_page_example_compiles() {
  local root=$1
  sed -n '/^\.Bd -literal$/,/^\.Ed$/{//!p}' "$(man_page_of "$root")" >"$build/man.c"
  grep -q crtx_lock_acquire "$build/man.c"
  "$cc" "$build/man.c" -o "$build/man" $(pc "$root" --cflags --libs)
  (cd "$ground" && LD_LIBRARY_PATH="$(libdir_of "$root")" "$build/man" && [ -z "$(ls -A)" ])
}
