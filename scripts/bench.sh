#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the benchmark that mk/bench.mk has built: docs/performance.md.
#
#   scripts/bench.sh run            all rounds; writes CRTX_BUILDDIR/performance.json
#   scripts/bench.sh smoke          two rounds; looks whether every row of benches/rows.txt is there
#   scripts/bench.sh venv DIRECTORY makes the venv of the Python peers, unless it is there
#
#   BENCH_DIR      where to measure; the build directory, if it is on a file system that locks can be on
#   BENCH_ROUNDS   (120), BENCH_SEED (printed)
#   BENCH_WRITE=1  also writes docs/performance.json, and from it the page's tables and the chart
#   BENCH_CHECK_TARGETS=1  fails if a target is missed
#
# As root it also measures on ext4, xfs and btrfs, which it makes in images beside BENCH_DIR, and on tmpfs. All
# is mounted in a mount namespace of its own: however it ends, nothing stays mounted.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

mode=${1:-run}

make_venv() {
  local venv=$1 wanted
  wanted=$(python3 -I -c 'import sys; print(sys.executable, sys.version)' && cat benches/python/requirements.txt)
  if "$venv/bin/python" -I -c '' 2>/dev/null && cmp -s "$venv/made-for" - <<<"$wanted"; then
    return
  fi
  rm -rf "$venv"
  python3 -I -m venv "$venv"
  "$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary :all: --requirement benches/python/requirements.txt
  printf '%s\n' "$wanted" >"$venv/made-for"
}

if [ "$mode" = venv ]; then
  make_venv "$2"
  exit 0
fi

build=${CRTX_BUILDDIR:-$PWD/target/bench}
libdir=${CRTX_LIBDIR:-$PWD/target/release}
export CRTX_LIBRARY=$libdir/libcrtx.so

if [ -z "${CRTX_BENCH_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] &&
  [ -c /dev/loop-control ] && unshare --mount --propagation private true 2>/dev/null; then
  export CRTX_BENCH_NAMESPACE=1
  exec unshare --mount --propagation private "$0" "$@"
fi

running=
work=
clean_up() {
  trap - EXIT
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null || true
    wait "$running" 2>/dev/null || true
  fi
  if [ -n "$work" ]; then
    if [ -n "${CRTX_BENCH_NAMESPACE:-}" ]; then
      umount --recursive --lazy "$work/mounted" 2>/dev/null || true
    fi
    # Its children see the end of their input, and may be about to end.
    rm -rf --one-file-system "$work" 2>/dev/null || { sleep 1 && rm -rf --one-file-system "$work"; }
  fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Where locks can be: the library refuses network file systems, and a checkout may be on one.
place=${BENCH_DIR:-$build}
mkdir -p "$place"
case $(stat --file-system --format %T "$place") in
  nfs* | smb* | cifs* | fuse* | 9p | v9fs | ceph* | lustre) [ -n "${BENCH_DIR:-}" ] || place=${TMPDIR:-/tmp} ;;
esac
work=$(mktemp -d "$place/crtx-bench-XXXXXX")
mkdir "$work/build"
places=(--place "build=$work/build")

is_known() {
  grep -qw "$1" /proc/filesystems || { modprobe "$1" 2>/dev/null && grep -qw "$1" /proc/filesystems; }
}

# Sparse files; the kernel's own lazy writing is off, so that it is in nobody's figure. ext4 gets the inodes
# for a directory of 100,000 files.
make_filesystem() { # NAME
  local image=$work/$1.image
  case $1 in
    ext4) truncate -s 1G "$image" && mkfs.ext4 -q -F -N 262144 -E lazy_itable_init=0,lazy_journal_init=0 "$image" ;;
    xfs) truncate -s 512M "$image" && mkfs.xfs -q -f "$image" ;;
    btrfs) truncate -s 512M "$image" && mkfs.btrfs -q -f "$image" ;;
  esac
}

if [ -n "${CRTX_BENCH_NAMESPACE:-}" ]; then
  mkdir "$work/mounted"
  mount -t tmpfs -o mode=0700,size=64m crtx-bench "$work/mounted"
  for filesystem in ext4 xfs btrfs; do
    mkdir "$work/mounted/$filesystem"
    if command -v "mkfs.$filesystem" >/dev/null && is_known "$filesystem" &&
      make_filesystem "$filesystem" >"$work/mkfs.log" 2>&1 &&
      mount -o loop "$work/$filesystem.image" "$work/mounted/$filesystem" 2>>"$work/mkfs.log"; then
      places+=(--place "$filesystem=$work/mounted/$filesystem")
    else
      echo "bench: no $filesystem: it needs mkfs.$filesystem, a loop device, and a kernel that has it" >&2
      cat "$work/mkfs.log" >&2 2>/dev/null || true
    fi
  done
  mkdir "$work/mounted/tmpfs"
  places+=(--place "tmpfs=$work/mounted/tmpfs")
else
  echo "bench: without root, or the right to mount, only in $place" >&2
fi

crate_version() { awk -v name="$1" '$0 == "name = \"" name "\"" { getline; gsub(/[^0-9.]/, ""); print }' benches/Cargo.lock; }

options=(
  --library "$CRTX_LIBRARY" --loader "$build/c/load" --empty-library "$build/c/libempty.so"
  --python "$build/venv/bin/python" --python-peers benches/python/peers.py --go-peers "$build/peers-go"
  --commit "$(git describe --always --dirty 2>/dev/null || echo unknown)" --date "$(date -u +%FT%TZ)"
  --version-of "Rust=$("${RUSTC:-rustc}" --version | awk '{ print $2 }')"
)
for crate in ed25519-dalek fd-lock fs2; do
  options+=(--version-of "$crate=$(crate_version "$crate")")
done
[ -z "${BENCH_SEED:-}" ] || options+=(--seed "$BENCH_SEED")
[ -z "${BENCH_CHECK_TARGETS:-}" ] || options+=(--check-targets)

# In the background, because a trap waits for what runs in the foreground.
measure() {
  local status=0
  "$build/cargo/release/crtx-bench" "${options[@]}" "${places[@]}" "$@" &
  running=$!
  wait "$running" || status=$?
  running=
  return "$status"
}

case $mode in
  run)
    [ -z "${BENCH_ROUNDS:-}" ] || options+=(--rounds "$BENCH_ROUNDS")
    status=0
    measure --json "$build/performance.json" || status=$?
    if [ -n "${BENCH_WRITE:-}" ] && [ -s "$build/performance.json" ]; then
      cp "$build/performance.json" docs/performance.json
      benches/report.py write
    fi
    exit "$status"
    ;;
  smoke)
    rm -f "$build/smoke.json"
    measure --smoke --json "$build/smoke.json" >"$build/smoke.log" || {
      cat "$build/smoke.log"
      exit 1
    }
    benches/report.py rows "$build/smoke.json"
    ;;
  *)
    sed -n '3,18s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
