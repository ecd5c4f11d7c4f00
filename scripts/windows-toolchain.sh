#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Prepares what is needed to build for Windows (x86_64-pc-windows-gnu) and to run the result, on Linux on
# x86_64, below DIRECTORY; what is there already is not made again. Then `. DIRECTORY/environment`
# sets up cargo: `cargo build $windows_flags`, and `DIRECTORY/run PROGRAM` runs one under Wine.
#
# The target's standard library is built from source: scripts/rust-with-sources.sh.
# Usage: scripts/windows-toolchain.sh DIRECTORY
set -euo pipefail

directory=$(mkdir -p "$1" && cd "$1" && pwd)

# Wine before 9 lacks this DLL, which Rust's standard library takes its random numbers from. Its one
# function has an older twin with the same contract (RtlGenRandom, documented under that name).
make_bcryptprimitives() {
  mkdir -p "$directory/dlls"
  cat >"$directory/bcryptprimitives.c" <<'SOURCE'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *buffer, SIZE_T length)
{
  return SystemFunction036(buffer, (ULONG)length);
}
SOURCE
  x86_64-w64-mingw32-gcc -O2 -shared "$directory/bcryptprimitives.c" -o "$directory/dlls/bcryptprimitives.dll" -ladvapi32
}

find_wine() {
  local candidate
  for candidate in wine64 /usr/lib/wine/wine64 /usr/lib/x86_64-linux-gnu/wine/wine64 wine; do
    if command -v "$candidate"; then
      return
    fi
  done
  echo "windows-toolchain: no wine64" >&2
  exit 1
}

# Programs find DLLs beside themselves, then in WINEPATH. No menus, no .NET, no browser: they would ask
# for downloads. CRTX_DLLS is one more directory with DLLs.
write_runner() {
  cat >"$directory/run" <<RUNNER
#!/bin/sh
export WINEPREFIX='$directory/prefix' WINEDEBUG=-all
export WINEDLLOVERRIDES='bcryptprimitives=n;winemenubuilder.exe=d;mscoree=d;mshtml=d'
export WINEPATH="Z:$directory/dlls\${CRTX_DLLS:+;Z:\$CRTX_DLLS}"
exec timeout -k 10 600 '$(find_wine)' "\$@"
RUNNER
  chmod +x "$directory/run"
}

rustc=$("$(dirname "$0")/rust-with-sources.sh" "$directory/../rust")
[ -e "$directory/dlls/bcryptprimitives.dll" ] || make_bcryptprimitives
write_runner
[ -e "$directory/prefix/system.reg" ] || "$directory/run" wineboot -i >/dev/null 2>&1 || {
  echo "windows-toolchain: Wine does not start" >&2
  exit 1
}
# (CC without a target, which make exports, is the compiler of this machine.)
cat >"$directory/environment" <<ENVIRONMENT
export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc CXX_x86_64_pc_windows_gnu=x86_64-w64-mingw32-g++
export RUSTC='$rustc' RUSTC_BOOTSTRAP=1
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER='$directory/run'
windows_flags='-Zbuild-std=std,panic_unwind --target x86_64-pc-windows-gnu --target-dir $directory/cargo'
ENVIRONMENT
echo "windows-toolchain: $("$rustc" --version), $("$directory/run" --version), $(x86_64-w64-mingw32-gcc --version | head -n 1)"
