# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced: what is installed below a root is used as a C or C++ project would use it, by nothing but that.
# Needs $build, a directory for the programs, which is emptied. `summary` ends the run.

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

files_of() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }

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

summary() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
