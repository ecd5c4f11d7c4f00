#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prepares what is needed on Linux on x86_64 to build for one more platform, below DIRECTORY; what is there
# already is not made again. Then `. DIRECTORY/PLATFORM/environment` sets up cargo for `$triple`, or for each of
# `$triples`: `cargo build $flags --target $triple`. The standard library is built from source
# (scripts/rust-with-sources.sh).
#
#   macos    x86_64-apple-darwin and aarch64-apple-darwin: C by zig, linked by LLVM's linker for Mach-O against
#            the list of macOS's symbols that zig brings
#   musl     x86_64-unknown-linux-musl: C, C++, musl and the unwinder by zig
#   aarch64  aarch64-unknown-linux-gnu: by Debian's compilers, run by qemu-user
#   i686     i686-unknown-linux-gnu: by Debian's compilers, static, so that it runs without a 32-bit system
#
# zig is the package ziglang from PyPI, in the version that builds the Python wheel, too.
# Usage: scripts/platforms-toolchain.sh macos | musl | aarch64 | i686 DIRECTORY
set -euo pipefail

platform=$1
root=$(mkdir -p "$2" && cd "$2" && pwd)
directory=$root/$platform
mkdir -p "$directory"
cd "$(dirname "$0")/.."

present_rustc=${RUSTC:-rustc}
rustc=$(scripts/rust-with-sources.sh "$root/../rust")
rustc_version=$("$rustc" --version)

# write_command NAME: a shell script of that name, from standard input.
write_command() {
  { echo '#!/usr/bin/env bash' && cat; } >"$directory/$1.new"
  chmod +x "$directory/$1.new"
  # Only if it is another: cargo builds all anew if its compiler or linker is newer than what it made.
  cmp -s "$directory/$1.new" "$directory/$1" && rm "$directory/$1.new" || mv "$directory/$1.new" "$directory/$1"
}

get_zig() {
  local wanted
  wanted=$(grep -hx 'ziglang==.*' bindings/python/requirements/*.txt)
  zig=("$root"/zig/lib/python3*/site-packages/ziglang)
  if [ "$(cat "$root/zig/made-for" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$root/zig"
    python3 -I -m venv "$root/zig"
    "$root/zig/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: "$wanted"
    echo "$wanted" >"$root/zig/made-for"
    zig=("$root"/zig/lib/python3*/site-packages/ziglang)
  fi
}

# zig_compilers TARGET SUFFIX: zig's C and C++ compilers under the names cc-SUFFIX and c++-SUFFIX. rustc and the
# crate `cc` take them for clang and gcc; what zig is not to be asked is left out: the target in clang's words, and
# an option of the linker that zig does not know. libgcc's unwinder is LLVM's libunwind there.
zig_compilers() {
  local language
  for language in cc c++; do
    write_command "$language-$2" <<COMMAND
export ZIG_GLOBAL_CACHE_DIR='$root/zig-cache' ZIG_LOCAL_CACHE_DIR='$root/zig-cache'
arguments=()
for argument; do
  case \$argument in
    --target=* | -Wl,--no-undefined-version) ;;
    -lgcc_s | -lgcc_eh) arguments+=(-lunwind) ;;
    *) arguments+=("\$argument") ;;
  esac
done
exec '${zig[0]}/zig' $language -target $1 "\${arguments[@]}"
COMMAND
  done
}

# rustc calls clang to link for macOS; this calls the linker as clang does. zig's own linker for Mach-O knows no
# list of exported symbols. Nothing of libiconv is used, which rustc names in any case.
mach_o_linker() {
  local linker
  # Debian's rustc has none.
  linker=$("$present_rustc" --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld64.lld
  [ -x "$linker" ] || linker=$(command -v ld64.lld)
  mkdir -p "$directory/system/usr/lib"
  local library
  for library in System c m; do
    ln -sf "${zig[0]}/lib/libc/darwin/libSystem.tbd" "$directory/system/usr/lib/lib$library.tbd"
  done
  write_command link <<COMMAND
arguments=()
for argument; do
  case \$argument in
    -Wl,*)
      IFS=, read -ra parts <<<"\${argument#-Wl,}"
      arguments+=("\${parts[@]}")
      ;;
    -mmacosx-version-min=*) arguments+=(-platform_version macos "\${argument#*=}" "\${argument#*=}") ;;
    -dynamiclib) arguments+=(-dylib) ;;
    -nodefaultlibs | -liconv) ;;
    *) arguments+=("\$argument") ;;
  esac
done
exec '$linker' -syslibroot '$directory/system' "\${arguments[@]}"
COMMAND
}

# exports TRIPLE CC CXX LINKER [RUNNER]: what cargo and the crate `cc` read for this target. (CC without a
# target, which make exports, is the compiler of this machine.)
exports() {
  local small=${1//-/_} large
  large=${small^^}
  echo "export CC_$small='$2' CXX_$small='$3' CARGO_TARGET_${large}_LINKER='$4'"
  [ -z "${5:-}" ] || echo "export CARGO_TARGET_${large}_RUNNER='$5'"
}

{
  echo "export RUSTC='$rustc' RUSTC_BOOTSTRAP=1"
  # Gigabytes less; nobody debugs here, and each is built once.
  echo "export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only CARGO_PROFILE_TEST_DEBUG=line-tables-only"
  echo "flags='-Zbuild-std=std,panic_unwind --target-dir $root/cargo'"
  echo "compiled='$root/cargo'"
} >"$directory/environment"
case $platform in
  macos)
    get_zig
    mach_o_linker
    for architecture in x86_64 aarch64; do
      zig_compilers $architecture-macos $architecture
      exports $architecture-apple-darwin "$directory/cc-$architecture" "$directory/c++-$architecture" "$directory/link"
    done >>"$directory/environment"
    # For Mach-O rustc strips with rust-objcopy, which Debian's has not.
    echo "export CARGO_PROFILE_RELEASE_STRIP=none" >>"$directory/environment"
    # rustc asks xcrun for Apple's files otherwise.
    echo "export SDKROOT='$directory/system'" >>"$directory/environment"
    echo "triples='x86_64-apple-darwin aarch64-apple-darwin'" >>"$directory/environment"
    with="zig $("${zig[0]}/zig" version)"
    ;;
  musl)
    get_zig
    triple=x86_64-unknown-linux-musl
    zig_compilers x86_64-linux-musl x86_64
    exports $triple "$directory/cc-x86_64" "$directory/c++-x86_64" "$directory/cc-x86_64" >>"$directory/environment"
    # zig brings crt1.o and its like; rustc would take those that a downloaded standard library has.
    echo "export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS=-Clink-self-contained=no" >>"$directory/environment"
    with="zig $("${zig[0]}/zig" version)"
    ;;
  aarch64)
    triple=aarch64-unknown-linux-gnu
    # Debian's name for where the libraries are.
    exports $triple aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ aarch64-linux-gnu-gcc "$directory/run" >>"$directory/environment"
    write_command run <<COMMAND
exec qemu-aarch64 -L /usr/aarch64-linux-gnu "\$@"
COMMAND
    with="$(qemu-aarch64 --version | head -n 1), $(aarch64-linux-gnu-gcc --version | head -n 1)"
    ;;
  i686)
    triple=i686-unknown-linux-gnu
    exports $triple i686-linux-gnu-gcc i686-linux-gnu-g++ i686-linux-gnu-gcc >>"$directory/environment"
    echo "export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Ctarget-feature=+crt-static" >>"$directory/environment"
    with=$(i686-linux-gnu-gcc --version | head -n 1)
    ;;
  *)
    echo "usage: $0 macos | musl | aarch64 | i686 DIRECTORY" >&2
    exit 2
    ;;
esac
[ "$platform" = macos ] || echo "triple=$triple" >>"$directory/environment"
echo "platforms-toolchain: $platform with $rustc_version, $with"
