#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds and runs the C tests: ctests/run.sh [shared|static|valgrind|asan|headers|all]...
#
#   shared    linked with libcrtx.so; then the one case that needs a library with the feature test-panic
#   static    linked with libcrtx.a
#   valgrind  the shared programs under memcheck
#   asan      linked with libcrtx.a, the tests instrumented by AddressSanitizer and UBSan
#   headers   the header alone and twice, and the layout, in every C and C++ standard of every compiler here
#
# CC, CXX             compilers (cc, c++)
# CRTX_LIBDIR         has libcrtx.so, libcrtx.so.1, libcrtx.a (built with cargo if unset)
# CRTX_PANIC_LIBDIR   the same with the feature test-panic (built with cargo if unset), or "none"
# CRTX_INCLUDEDIR     has crtx.h (../include)
# CRTX_BUILDDIR       everything that is made goes there (../target/ctests)
# CRTX_LINK_STATIC    what a static link needs beside libcrtx.a, for another platform
# CRTX_32_BITS        if set, pointers are not those of test_layout.c
# CRTX_RUNNER         runs programs of another platform (a command)
#
# Each mode ends with its closing line, "N passed, M failed". The exit status is 1 if anything failed.
# Run it as root if you can: the cases about owners and mounts are skipped otherwise.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
build=${CRTX_BUILDDIR:-$root/target/ctests}
include=${CRTX_INCLUDEDIR:-$root/include}
cc=${CC:-cc}
cxx=${CXX:-c++}
libdir=${CRTX_LIBDIR:-}
panic_libdir=${CRTX_PANIC_LIBDIR:-}

programs="lock marker stale documents verification statuses library misuse structs threads fork exec
paths filesystem permissions faults races"
# The layout is written down for 64-bit systems.
[ -n "${CRTX_32_BITS:-}" ] || programs="$programs layout"
support="harness platform_posix files documents peer peer_posix fuse_mount"
warnings="-Wall -Wextra -Wpedantic -Werror"
rust_libraries=${CRTX_LINK_STATIC:--lutil -lrt -lpthread -lm -ldl}
runner=${CRTX_RUNNER:-env}
exit_status=0
# The tests have a watchdog of their own; this one is for what blocks even that.
command -v timeout >/dev/null 2>&1 && limit="timeout -k 10 600" || limit=

# cargo_library DIRECTORY CARGO-ARGUMENT...: builds the library there, and makes it linkable.
cargo_library() {
    directory=$1
    shift
    cargo build --quiet --lib --manifest-path "$root/Cargo.toml" --target-dir "$directory" --release "$@"
    ln -sf libcrtx.so "$directory/release/libcrtx.so.1"
}

need_library() {
    if [ -z "$libdir" ]; then
        cargo_library "$build/cargo"
        libdir=$build/cargo/release
    fi
}

need_panic_library() {
    if [ -z "$panic_libdir" ]; then
        cargo_library "$build/cargo-panic" --features test-panic
        panic_libdir=$build/cargo-panic/release
    fi
}

# compile MODE "COMPILER-FLAGS" LINKER-ARGUMENT...: every program, into the mode's directory.
compile() {
    mode=$1
    sanitize=$2
    flags="-std=c99 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -g -O1 $warnings $sanitize"
    shift 2
    mkdir -p "$build/$mode"
    objects=
    for name in $support; do
        # shellcheck disable=SC2086 # the flags are lists
        $cc $flags -I"$include" -DCRTX_FIXTURES="\"$root/tests/fixtures/cortex-0.1.2\"" \
            -c "$here/$name.c" -o "$build/$mode/$name.o"
        objects="$objects $build/$mode/$name.o"
    done
    for name in $programs; do
        # shellcheck disable=SC2086
        $cc $flags -I"$include" "$here/test_$name.c" $objects "$@" -o "$build/$mode/test_$name"
    done
    # shellcheck disable=SC2086
    $cxx -std=c++17 -g -O1 $warnings $sanitize -I"$include" "$here/test_cpp.cpp" "$@" -o "$build/$mode/test_cpp"
}

compile_shared() {
    need_library
    compile shared "" -L"$libdir" -Wl,-rpath,"$libdir" -lcrtx -lpthread -ldl
}

start_counting() {
    mode=$1
    passed=0
    failed=0
    skipped=0
    echo "== $mode"
}

# count_run NAME LOG STATUS: adds the closing line in the log to the mode's count.
count_run() {
    closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$2" | tail -n 1) || true
    [ -n "$closing" ] || closing="0 passed, 1 failed" # it crashed
    # shellcheck disable=SC2086 # split into words: N passed, M failed, K skipped
    set -- "$1" "$2" "$3" $closing
    # Failed after the closing line: a leak, or an error that only the tool saw.
    [ "$3" -eq 0 ] || [ "$6" -gt 0 ] || set -- "$1" "$2" "$3" "$4" passed, 1 failed, "${8:-0}" skipped
    passed=$((passed + $4))
    failed=$((failed + $6))
    skipped=$((skipped + ${8:-0}))
    [ "$3" -eq 0 ] && [ "$6" -eq 0 ] || { grep -vE '^(ok |[0-9]+ passed,)' "$2" || true; }
    grep '^skip ' "$2" || true
    echo "  $mode $1: $4 passed, $6 failed"
}

closing_line() {
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ] || exit_status=1
}

# run_programs MODE COMMAND...: each program of the directory MODE, after the command (env, valgrind).
run_programs() {
    directory=$1
    shift
    for name in $programs cpp; do
        log=$build/$mode/test_$name.log
        result=0
        # shellcheck disable=SC2086
        $limit "$@" "$build/$directory/test_$name" >"$log" 2>&1 </dev/null || result=$?
        count_run "test_$name" "$log" "$result"
    done
}

# run_panic_case COMMAND...: the one case that needs another library, after the command.
run_panic_case() {
    need_panic_library
    log=$build/$mode/test_panic.log
    result=0
    LD_LIBRARY_PATH=$panic_libdir $limit "$@" "$build/shared/test_library" panic >"$log" 2>&1 </dev/null || result=$?
    count_run "test_library with test-panic" "$log" "$result"
}

run_shared() {
    compile_shared
    start_counting shared
    # shellcheck disable=SC2086 # a command
    run_programs shared $runner
    # shellcheck disable=SC2086
    [ "${CRTX_PANIC_LIBDIR:-}" = none ] || run_panic_case $runner
    closing_line
}

run_static() {
    need_library
    # shellcheck disable=SC2086
    compile static "" "$libdir/libcrtx.a" $rust_libraries
    start_counting static
    # shellcheck disable=SC2086
    run_programs static $runner
    closing_line
}

run_asan() {
    need_library
    # shellcheck disable=SC2086
    compile asan "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" \
        "$libdir/libcrtx.a" $rust_libraries
    start_counting asan
    run_programs asan env ASAN_OPTIONS=detect_leaks=1:exitcode=8 UBSAN_OPTIONS=print_stacktrace=1 CRTX_TEST_SLOWNESS=3
    closing_line
}

run_valgrind() {
    compile_shared
    mkdir -p "$build/valgrind"
    start_counting valgrind
    run_programs shared env CRTX_TEST_SLOWNESS=10 "$here/under_valgrind.sh" "$build/valgrind"
    run_panic_case env CRTX_TEST_SLOWNESS=10 "$here/under_valgrind.sh" "$build/valgrind"
    closing_line
}

# try_header LANGUAGE COMPILER STANDARD SOURCE FLAG...
try_header() {
    language=$1 compiler=$2 standard=$3 source=$4
    shift 4
    if "$compiler" -x "$language" "-std=$standard" -pedantic-errors -Wall -Wextra -Werror -I"$include" "$@" \
        -c "$here/$source" -o "$build/headers/object.o" >"$build/headers/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $source $* with $compiler -std=$standard"
        cat "$build/headers/log"
    fi
}

# try_standards LANGUAGE COMPILER STANDARD...: those that the compiler knows.
try_standards() {
    language=$1 compiler=$2 known=
    command -v "$compiler" >/dev/null 2>&1 || return 0
    shift 2
    for standard in "$@"; do
        "$compiler" -x "$language" "-std=$standard" -fsyntax-only - </dev/null >/dev/null 2>&1 || continue
        known="$known $standard"
        try_header "$language" "$compiler" "$standard" header_alone.c
        try_header "$language" "$compiler" "$standard" header_alone.c -DCRTX_TWICE
        try_header "$language" "$compiler" "$standard" test_layout.c
    done
    echo "  $compiler:$known"
}

run_headers() {
    mkdir -p "$build/headers"
    start_counting headers
    for compiler in $(printf '%s\n' "$cc" gcc clang | sort -u); do
        try_standards c "$compiler" c89 c90 iso9899:199409 c99 c11 c17 c18 c2x c23 c2y \
            gnu89 gnu90 gnu99 gnu11 gnu17 gnu18 gnu2x gnu23 gnu2y
    done
    for compiler in $(printf '%s\n' "$cxx" g++ clang++ | sort -u); do
        try_standards c++ "$compiler" c++98 c++03 c++11 c++14 c++17 c++20 c++2b c++23 c++2c c++26 \
            gnu++98 gnu++03 gnu++11 gnu++14 gnu++17 gnu++20 gnu++2b gnu++23 gnu++2c gnu++26
    done
    closing_line
}

[ $# -gt 0 ] || set -- all
for argument in "$@"; do
    case $argument in
    shared | static | valgrind | asan | headers) "run_$argument" ;;
    all)
        run_headers
        run_shared
        run_static
        run_asan
        run_valgrind
        ;;
    *)
        echo "usage: $0 [shared|static|valgrind|asan|headers|all]..." >&2
        exit 2
        ;;
    esac
done
exit "$exit_status"
