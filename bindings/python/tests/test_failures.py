# SPDX-License-Identifier: MIT OR Apache-2.0
"""The operating system says no."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from children import as_plain_user
from header import compile_c
from stores import TESTS, Keys, attest, leave_a_stale_marker, names, new_lock, take_over

import crtx

# Fails every renameat2 but the first few, counted since the last call of arm().
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
static int first_to_fail, number_of_error;
void arm(int first, int error) { first_to_fail = first; number_of_error = error; }
long syscall(long number, ...) {
  static long (*real)(long, ...);
  long a[6];
  va_list list;
  if (number == SYS_renameat2 && first_to_fail > 0) {
    if (first_to_fail == 1) { errno = number_of_error; return -1; }
    first_to_fail--;
  }
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""


def release_in_a_directory_that_is_read_only(marker: Path) -> dict[str, Any]:
    lock = new_lock(marker).acquire()
    marker.parent.chmod(0o500)
    seen: dict[str, Any] = {}
    try:
        lock.release()
    except crtx.StoreIOError as error:
        seen.update(errno=error.errno, os_error=error.os_error, filename=error.filename)
    lock.check()
    seen["held"] = lock.held
    seen["refused"] = False
    try:
        new_lock(marker).acquire()
    except crtx.MarkerExists:
        seen["refused"] = True
    marker.parent.chmod(0o700)
    lock.release()
    seen["held at last"] = lock.held
    return seen


def test_a_release_that_fails_keeps_the_lock_and_can_be_repeated(place: Path, marker: Path) -> None:
    seen = as_plain_user(place, lambda: release_in_a_directory_that_is_read_only(marker))
    assert seen == {
        "errno": errno.EACCES,
        "os_error": errno.EACCES,
        "filename": str(marker),
        "held": True,
        "refused": True,
        "held at last": False,
    }
    assert names(place) == []


def leave_a_directory_that_is_read_only(marker: Path) -> dict[str, Any]:
    lock = new_lock(marker)
    seen: dict[str, Any] = {}
    try:
        with lock:
            marker.parent.chmod(0o500)
    except crtx.StoreIOError as error:
        seen["errno"] = error.errno
    seen["held"] = lock.held
    marker.parent.chmod(0o700)
    lock.release()
    return seen


def test_a_block_whose_release_fails_leaves_the_lock_held(place: Path, marker: Path) -> None:
    seen = as_plain_user(place, lambda: leave_a_directory_that_is_read_only(marker))
    assert seen == {"errno": errno.EACCES, "held": True}
    assert names(place) == []


def acquire_in_a_directory_that_is_read_only(marker: Path) -> dict[str, Any]:
    marker.parent.chmod(0o500)
    try:
        new_lock(marker).acquire()
    except crtx.CrtxError as error:
        return {"class": type(error), "os_error": error.os_error}
    finally:
        marker.parent.chmod(0o700)
    return {}


def test_an_acquire_that_may_not_write_holds_nothing(place: Path, marker: Path) -> None:
    seen = as_plain_user(place, lambda: acquire_in_a_directory_that_is_read_only(marker))
    assert seen == {"class": crtx.InsecurePermissions, "os_error": errno.EACCES}
    assert names(place) == []


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD and Linux's system calls")
def test_a_takeover_that_fails_half_way_tells_where_the_old_marker_stands(
    place: Path, marker: Path, keys: Keys
) -> None:
    compile_c(SHIM, place / "shim.so", "-shared", "-fPIC")
    store = place / "store"
    store.mkdir(mode=0o700)
    marker = store / "marker"
    leave_a_stale_marker(marker)
    text = marker.read_bytes()
    program = """
import ctypes, errno, sys
import crtx
from stores import Keys, take_over
shim, marker = sys.argv[1:]
keys = Keys(bytes(range(1, 33)))
# The first rename moves the old marker; then neither the new one nor the old one goes to its place.
ctypes.CDLL(shim).arm(2, errno.EIO)
try:
    take_over(marker, keys)
except crtx.StoreIOError as error:
    print(error.errno, error.stale_path, error.stale_path.name in error.message)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, place / "shim.so", marker],
        cwd=TESTS,
        env={**os.environ, "LD_PRELOAD": str(place / "shim.so")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    stale = [name for name in names(store) if ".stale-" in name and "attestation" not in name]
    assert done.stdout == f"{errno.EIO} {store / stale[0]} True\n"
    assert (store / stale[0]).read_bytes() == text
    assert not marker.exists()
    crtx.verify_evidence(store / stale[0], public_key=keys.public)


def test_a_takeover_that_fails_before_the_old_marker_moves_tells_no_path(
    marker: Path, keys: Keys
) -> None:
    with new_lock(marker):
        arguments = attest(marker, keys)
        with pytest.raises(crtx.Contended) as caught:
            take_over(marker, keys, **arguments)
    assert caught.value.stale_path is None
    with pytest.raises(crtx.MarkerAbsent) as absent:
        take_over(marker, keys, **arguments)
    assert absent.value.stale_path is None
