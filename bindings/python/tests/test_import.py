# SPDX-License-Identifier: MIT OR Apache-2.0
"""Importing the package is cheap and has no effects."""

from __future__ import annotations

from stores import run_python


def test_importing_prints_nothing_and_starts_no_thread() -> None:
    done = run_python(
        "import crtx, os, threading\n"
        "print(threading.active_count(), len(os.listdir('/proc/self/task')))",
        flags=["-W", "error"],
    )
    assert (done.stdout, done.stderr) == ("1 1\n", "")


def test_importing_brings_in_no_module_that_is_slow_to_import() -> None:
    slow = (
        "asyncio concurrent.futures email http importlib.metadata inspect json logging"
        " multiprocessing selectors socket ssl subprocess unittest"
    )
    done = run_python(
        "import sys\n"
        "before = set(sys.modules)\n"
        "import crtx\n"
        "print(*sorted(set(sys.argv[1].split()) & (set(sys.modules) - before)))",
        slow,
    )
    # dataclasses brings in inspect.
    assert done.stdout.split() in ([], ["inspect"])


def test_locking_does_not_import_asyncio(place: object) -> None:
    done = run_python(
        "import sys\n"
        "from stores import new_lock\n"
        "with new_lock(sys.argv[1]) as lock: lock.check()\n"
        "print('asyncio' in sys.modules)",
        f"{place}/marker",
    )
    assert done.stdout == "False\n"


def test_a_whole_life_prints_nothing(place: object) -> None:
    done = run_python(
        "import sys, crtx\n"
        "from stores import Keys, new_lock, attest, take_over\n"
        "path, keys = sys.argv[1], Keys(bytes(range(32)))\n"
        "with new_lock(path) as lock:\n"
        "    lock.leak()\n"
        "    try: new_lock(path).acquire()\n"
        "    except crtx.MarkerExists: pass\n"
        "with take_over(path, keys).lock: pass\n"
        "for stale in crtx.list_evidence(path):\n"
        "    crtx.verify_evidence(stale, public_key=keys.public)\n",
        f"{place}/marker",
        flags=["-W", "error"],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_default_way_to_call_from_threads_needs_no_thread_of_the_package(
    place: object,
) -> None:
    done = run_python(
        "import sys, threading\n"
        "from stores import new_lock\n"
        "with new_lock(sys.argv[1]).acquire(timeout=5): print(threading.active_count())",
        f"{place}/marker",
    )
    assert done.stdout == "1\n"
