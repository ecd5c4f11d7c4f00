#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the release files of HEAD twice, in two clean clones, at the same time and as differently as can be; compares
# the bytes; then unpacks what was built, looks at it, and builds programs with it. The release files are
# left in TARGET/dist. Usage: scripts/dist/test.sh TARGET
# Needs CRTX_BUILDDIR, where the first build's Python tools are; the second one makes its own.
set -euo pipefail
cd "$(dirname "$0")/../.."

root=$PWD
target=$1
: "${CRTX_BUILDDIR:?}"
. scripts/promise.sh
work=$target/dist-test
rm -rf "$work"
mkdir -p "$work"
elsewhere=$(mktemp -d)
trap 'rm -rf "$work" "$elsewhere" "$promise_log"' EXIT

# What the caller's make and cargo were told is not for the builds.
unset MAKEFLAGS MFLAGS MAKELEVEL CARGO_TARGET_DIR CARGO_BUILD_TARGET SOURCE_DATE_EPOCH DESTDIR PREFIX
cargo_home=${CARGO_HOME:-$HOME/.cargo}
cargo=${CARGO:-cargo}
commit=$(git rev-parse HEAD)
time=$(git log -1 --format=%ct)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=libcrtx-$version
host=$("$cargo" --version --verbose | sed -n 's/^host: //p')
platform=linux-${host%%-*}

# -- two builds --------------------------------------------------------------------------------

one=$work/one
other=$elsewhere/a-rather-longer-name-than/the-other

clone() {
  git clone --quiet "$root" "$1"
  [ "$(git -C "$1" rev-parse HEAD)" = "$commit" ]
}

build_usually() (
  umask 022
  export TZ=UTC LC_ALL=C
  clone "$one"
  make --no-print-directory -C "$one" dist PYTHONDIR="$CRTX_BUILDDIR"
)

# supported COMMAND...: prints the command if it can run another one.
supported() { if "$@" true 2>/dev/null; then echo "$@"; fi; }

build_otherwise() (
  umask 077
  clone "$other"
  find "$other" -name .git -prune -o -exec touch --no-dereference --date=2001-02-03 {} +
  # Crates are unpacked elsewhere. What was downloaded serves both; so does the user's configuration.
  export CARGO_HOME=$elsewhere/cargo
  mkdir -p "$CARGO_HOME/registry"
  ln -s "$cargo_home/registry/index" "$cargo_home/registry/cache" "$CARGO_HOME/registry/"
  for file in "$cargo_home"/config{,.toml}; do
    [ ! -e "$file" ] || ln -s "$file" "$CARGO_HOME/"
  done
  locale=$(locale -a | grep -viE '^(c|posix)(\..*)?$' | head -n 1) || true
  export TZ=Pacific/Kiritimati LC_ALL=${locale:-C.UTF-8} USER=somebody LOGNAME=somebody
  export SOURCE_DATE_EPOCH=1000000000 CFLAGS=-Os RUSTFLAGS=-Copt-level=1 TAR_OPTIONS=--owner=somebody:4321
  # Another user, as far as the build can tell.
  as_another=$(supported unshare --user --map-user=4321 --map-group=4321)
  $as_another make --no-print-directory -C "$other" dist
)

echo "dist: $name of commit $commit"
[ -z "$(git status --porcelain)" ] || echo "dist: the changes in this checkout are in no commit, and not in what is built"
"$cargo" fetch --locked --quiet
build_usually >"$work/one.log" 2>&1 &
usual_build=$!
build_otherwise >"$work/other.log" 2>&1 &
for build in "$usual_build one" "$! other"; do
  if ! wait "${build% *}"; then
    cat "$work/${build#* }.log" >&2
    wait
    exit 1
  fi
done
tail -n 8 "$work/one.log"
rm -rf "$target/dist"
cp -r "$one/target/dist" "$target/dist"
dist=$target/dist

wheel=crtx-$version-py3-none-manylinux_2_17_${host%%-*}.manylinux2014_${host%%-*}.whl
files=("$wheel" "crtx-$version.tar.gz" "$name-go-$platform.tar.gz" "$name-$platform.tar.gz" "$name-vendored.tar.gz"
  "$name.cdx.json" "$name.tar.gz")

these_files() { diff <(printf '%s\n' SHA256SUMS "${files[@]}") <(LC_ALL=C ls -A "$dist"); }

same_bytes() { cmp "$dist/$1" "$other/target/dist/$1"; }

checksums_hold() {
  cd "$dist"
  sha256sum --check --strict SHA256SUMS
  diff <(printf '%s\n' "${files[@]}") <(sed 's/^[0-9a-f]\{64\}  //' SHA256SUMS)
}

promise 'there are exactly these release files' these_files
for file in "${files[@]}" SHA256SUMS; do promise "two builds give the same bytes: $file" same_bytes "$file"; done
promise 'the checksums are those of all files' checksums_hold

# -- what is in them ---------------------------------------------------------------------------

unpacked=$elsewhere/unpacked
source=$unpacked/source/$name
vendored=$unpacked/vendored/$name
library=$unpacked/library/$name-$platform
module=$unpacked/go/$name-go
mkdir -p "$unpacked"/{source,vendored,library,go,wheel,sdist}
tar xzf "$dist/$name.tar.gz" -C "$unpacked/source"
tar xzf "$dist/$name-vendored.tar.gz" -C "$unpacked/vendored"
tar xzf "$dist/$name-$platform.tar.gz" -C "$unpacked/library"
tar xzf "$dist/$name-go-$platform.tar.gz" -C "$unpacked/go"
tar xzf "$dist/crtx-$version.tar.gz" -C "$unpacked/sdist"
python3 -m zipfile -e "$dist/$wheel" "$unpacked/wheel"

headers_tell_nothing() { scripts/dist/checks.py archive "$dist/$1.tar.gz" "$2" "$time"; }

# is_the_commit DIRECTORY PATHSPEC...: file by file, modes included, and with no file more.
is_the_commit() {
  local differences
  differences=$(git -C "$one" --work-tree="$1" status --porcelain --ignored -- . "${@:2}")
  [ -z "$differences" ] || {
    echo "$differences"
    return 1
  }
}

source_is_the_commit() {
  is_the_commit "$source"
  [ "$(gzip -dc "$dist/$name.tar.gz" | git get-tar-commit-id)" = "$commit" ]
}

vendored_is_the_commit_and_its_crates() {
  is_the_commit "$vendored" ':!vendor' ':!.cargo'
  [ "$(ls -A "$vendored/.cargo")" = config.toml ]
  scripts/dist/checks.py vendor "$vendored"
}

library_has_these_files() {
  diff <({
    PREFIX=/prefix scripts/install.sh list . | sed 's|^/prefix/||'
    printf 'share/doc/crtx/%s\n' LICENSE-APACHE LICENSE-MIT README.md THIRD-PARTY-rust-std.html THIRD-PARTY.txt
  } | LC_ALL=C sort) <(cd "$library" && find . ! -type d -printf '%P\n' | LC_ALL=C sort)
}

module_has_these_files() {
  diff <({
    git ls-tree -r --name-only HEAD:bindings/go
    printf '%s\n' libcrtx_linux_amd64.a libcrtx_linux_amd64.h THIRD-PARTY-rust-std.html THIRD-PARTY.txt
  } | LC_ALL=C sort) <(cd "$module" && find . ! -type d -printf '%P\n' | LC_ALL=C sort)
}

library_is_the_wheels() { cmp "$library/lib/libcrtx.so" "$unpacked/wheel/crtx/_native/libcrtx.so"; }

library_is_stripped() {
  readelf --wide --section-headers "$library/lib/libcrtx.so" >"$work/so"
  readelf --wide --section-headers "$library/lib/libcrtx.a" >"$work/a"
  grep -q '\.text' "$work/so"
  grep -q '\.text' "$work/a"
  not grep -E '\.debug_|\.symtab' "$work/so"
  not grep -E '\.debug_' "$work/a"
}

library_exports_the_abi() { scripts/check-symbols.sh "$library/lib/libcrtx.so"; }

# The directories that took part in the build, and where the tools keep theirs.
no_path_of_the_builder() {
  local -a paths=()
  for path in "$root" "$work" "$elsewhere" "$target" "$CRTX_BUILDDIR" "$cargo_home" \
    "$("${RUSTC:-rustc}" --print sysroot)" "${RUSTUP_HOME:-$HOME/.rustup}" "$HOME/.cache"; do
    paths+=(-e "$path/")
  done
  not grep --recursive --text --fixed-strings --only-matching "${paths[@]}" "$unpacked" "$dist"/{SHA256SUMS,*.json}
}

promise "the source archive's headers tell nothing of the builder" headers_tell_nothing "$name" "$name"
promise "the vendored archive's headers neither" headers_tell_nothing "$name-vendored" "$name"
promise "the library archive's headers neither" headers_tell_nothing "$name-$platform" "$name-$platform"
promise "the Go archive's headers neither" headers_tell_nothing "$name-go-$platform" "$name-go"
promise "the Python source distribution's headers neither" headers_tell_nothing "crtx-$version" "crtx-$version"
promise 'the source archive is the commit' source_is_the_commit
promise 'the vendored archive is the commit and the crates of Cargo.lock' vendored_is_the_commit_and_its_crates
promise 'the library archive has exactly the installed files, licences and notices' library_has_these_files
promise 'the Go archive has exactly the module, the static library and notices' module_has_these_files
promise "the shared library is the wheel's" library_is_the_wheels
promise 'neither library has debug information' library_is_stripped
promise 'the shared library exports what abi/symbols.txt lists' library_exports_the_abi
promise 'no release file names a directory of the builder' no_path_of_the_builder
promise "the notices have each crate's licence" scripts/dist/checks.py notices \
  "$library/share/doc/crtx/THIRD-PARTY.txt" "$dist/$name.cdx.json" "$vendored/vendor"

# -- what can be done with them ----------------------------------------------------------------

# In a directory of its own: the program leaves nothing there.
says_restored() (
  cd "$(mktemp -d -p "$unpacked")"
  [ "$("$@")" = restored ]
  [ -z "$(ls -A)" ]
)

# Offline for cargo everywhere, and without a network where such a namespace can be had.
vendored_builds_offline() {
  local alone
  alone=$(supported unshare --net)
  alone=${alone:-$(supported unshare --user --map-root-user --net)}
  mkdir "$unpacked/cargo-home"
  cd "$vendored"
  CARGO_HOME=$unpacked/cargo-home $alone "$cargo" build --release --offline --locked --target "$host" \
    --message-format=json-render-diagnostics >"$unpacked/messages"
  "${CC:-cc}" examples/hello.c -o "$unpacked/hello-vendored" -I include "target/$host/release/libcrtx.a" \
    -lutil -lrt -lpthread -lm -ldl
  says_restored "$unpacked/hello-vendored"
}

# By what the vendored build did, which had to build everything.
bill_is_what_is_linked() {
  scripts/dist/checks.py linked "$dist/$name.cdx.json" "$unpacked/messages" "$vendored/target/$host/release"
}

# That linker knows the symbols of each glibc, and refuses what 2.17 has not.
links_for_old_glibc() {
  local python=$CRTX_BUILDDIR/package/bin/python
  export ZIG_GLOBAL_CACHE_DIR=$CRTX_BUILDDIR/zig ZIG_LOCAL_CACHE_DIR=$CRTX_BUILDDIR/zig
  for linked in "$library/lib/libcrtx.a" "$library/lib/libcrtx.so"; do
    "$python" -m ziglang cc -target "${host%%-*}-linux-gnu.2.17" examples/hello.c -o "$unpacked/hello-old" \
      -I "$library/include" "$linked" -lutil -lrt -lpthread -lm -ldl -lunwind
    says_restored env LD_LIBRARY_PATH="$library/lib" "$unpacked/hello-old"
  done
}

go_links_the_module() {
  local program=$unpacked/go/program
  mkdir "$program"
  cp examples/hello.go "$program/main.go"
  cat >"$program/go.mod" <<MOD
module program

go 1.21

require github.com/libcrtx/libcrtx/bindings/go v0.0.0

replace github.com/libcrtx/libcrtx/bindings/go => ../$name-go
MOD
  cd "$program"
  CARGO_TARGET_DIR=$target GOFLAGS=-mod=mod GOPROXY=off "$root/scripts/with-go.sh" at-least 1.21 go build -o hello .
  says_restored "$program/hello"
}

promise 'the vendored archive builds without network and with an empty CARGO_HOME' vendored_builds_offline
promise 'the bill of materials has exactly the crates that are linked' bill_is_what_is_linked
promise 'both libraries link with what glibc 2.17 has' links_for_old_glibc
promise 'a Go program links the Go archive, without Rust' go_links_the_module
status=0
CRTX_BUILDDIR=$unpacked/programs ctests/install/tree.sh "$library" || status=1
all_promises_kept || status=1
exit "$status"
