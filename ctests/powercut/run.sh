#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Cuts the power at every place of what the library writes to an ext4, an xfs and a btrfs disk, mounts what
# is left, and looks whether every promise was kept. Needs root, /dev/fuse, loop devices, mkfs; says so and
# skips otherwise. Then the controls: without syncs, a loss must be found.
#
#   CRTX_POWERCUT=long  more rounds and random subsets, the same with a commit after every system call,
#                       and a control for each single sync
#   CC, CRTX_LIBDIR, CRTX_INCLUDEDIR, CRTX_BUILDDIR   as for ctests/run.sh
#
# The closing line is "N passed, M failed[, K skipped]". The exit status is 1 if anything failed.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
build=${CRTX_BUILDDIR:-$root/target/powercut}
include=${CRTX_INCLUDEDIR:-$root/include}
libdir=${CRTX_LIBDIR:-$root/target/release}
PATH=$PATH:/usr/sbin:/sbin

skip_all() {
  echo "skip the power cuts: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

# Everything is mounted in a mount namespace of our own, so that nothing can be left behind.
if [ -z "${CRTX_POWERCUT_NAMESPACE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || skip_all "they need root"
  [ -c /dev/fuse ] || skip_all "they need /dev/fuse"
  [ -c /dev/loop-control ] || skip_all "they need /dev/loop-control"
  unshare --mount --propagation private true 2>/dev/null || skip_all "they need the right to mount"
  export CRTX_POWERCUT_NAMESPACE=1
  exec unshare --mount --propagation private "$0" "$@"
fi

place=
running=

clean_up() {
  trap - EXIT
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
  fi
  if [ -n "$place" ]; then
    umount --recursive --lazy "$place" 2>/dev/null || true
    rmdir "$place"
  fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

compile() {
  local flags=(-std=c99 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wpedantic -Werror -I"$include")
  local library=(-L"$libdir" -Wl,-rpath,"$libdir" -lcrtx)
  mkdir -p "$build"
  ${CC:-cc} "${flags[@]}" "$here"/{workload,attest}.c -o "$build/workload" "${library[@]}"
  ${CC:-cc} "${flags[@]}" "$here"/{powercut,disk,serve,attach,observe,judge,attest}.c -o "$build/powercut" "${library[@]}"
  ${CC:-cc} "${flags[@]}" -shared -fPIC "$here/shim.c" -o "$build/shim.so" -ldl
}

# The kernel's own lazy writing and discards are off: what is written is the library's doing.
make_filesystem() {
  local image=$place/image
  rm -f "$image"
  case $1 in
    ext4)
      truncate -s 32M "$image"
      mkfs.ext4 -q -F -b 4096 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$image"
      ;;
    xfs) # small ones are an option that older versions do not know or need
      truncate -s 64M "$image"
      mkfs.xfs -q -K -f --unsupported "$image" || mkfs.xfs -q -K -f "$image"
      ;;
    btrfs) # single: no second copy that could hide a loss
      truncate -s 128M "$image"
      mkfs.btrfs -q -K -f -m single -d single "$image"
      ;;
  esac >"$place/mkfs.log" 2>&1 || {
    cat "$place/mkfs.log"
    return 1
  }
}

passed=0
failed=0
skipped=0

# In the background, because a trap waits for what runs in the foreground.
cut_power() { # FILESYSTEM ROUNDS RANDOM LEAST [MODE]
  local status=0 shim=()
  [ $# -lt 5 ] || shim=("$build/shim.so" "$5")
  if make_filesystem "$1"; then
    "$build/powercut" "$1" "$place/image" "$place" "$build/workload" "$2" "$3" "$4" "${shim[@]}" &
    running=$!
    wait "$running" || status=$?
    running=
  else
    status=1
  fi
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL $1 ${5:-}: exit status $status"
    umount --recursive "$place/served" "$place/mounted" 2>/dev/null || true
    rm -f "$place/loop"
  fi
}

is_known() {
  grep -qw "$1" /proc/filesystems || { modprobe "$1" 2>/dev/null && grep -qw "$1" /proc/filesystems; }
}

run_filesystem() { # FILESYSTEM ROUNDS LEAST
  local mode modes=(no-sync no-file-sync no-directory-sync)
  if ! command -v "mkfs.$1" >/dev/null || ! is_known "$1"; then
    echo "skip $1: it needs mkfs.$1 and a kernel that has it"
    skipped=$((skipped + 1))
    return
  fi
  cut_power "$1" "$2" 4 "$3"
  if [ "${CRTX_POWERCUT:-}" = long ]; then
    cut_power "$1" 4 40 "$3"
    cut_power "$1" 4 40 "$3" commit
    # Not 8, 15 and 16: the syncs that put evidence before its marker, and the first rename of a
    # takeover before the second, in an order that these three file systems keep anyway.
    modes+=(no-sync-{1,2,3,4,5,6,7,9,10,11,12,13,14,17,18})
  fi
  for mode in "${modes[@]}"; do
    cut_power "$1" 1 4 0 "$mode"
  done
}

echo "== powercut"
compile
place=$(mktemp -d)
mount -t tmpfs -o mode=0700 crtx-powercut "$place"
mkdir "$place/served" "$place/mounted"
# The numbers of states are pinned a good third below what was measured, so that no run can be empty.
run_filesystem ext4 2 400
run_filesystem xfs 2 110
run_filesystem btrfs 2 600

if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
