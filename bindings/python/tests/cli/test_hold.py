# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx hold``: a COMMAND under the lock, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .command import Crtx, finish, until


def test_the_lock_is_held_while_command_runs_and_free_afterwards(crtx: Crtx) -> None:
    look = f"{sys.executable} -m crtx inspect --json $CRTX_MARKER_PATH"
    ran = crtx.hold("sh", "-c", look)
    assert ran.status == 0
    assert ran.json["result"]["state"] == "held"
    assert ran.json["result"]["marker"]["deployment_id"] == "ledger-production"
    assert ran.err == ""
    assert crtx.state() == "absent"


@pytest.mark.parametrize("status", [0, 1, 2, 20, 77, 120, 255])
def test_the_exit_status_is_commands_own(crtx: Crtx, status: int) -> None:
    assert crtx.hold("sh", "-c", f"exit {status}").status == status
    assert crtx.state() == "absent"


@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "SEGV"])
def test_a_command_that_a_signal_killed_is_128_and_the_signal(crtx: Crtx, name: str) -> None:
    number = {"TERM": 15, "KILL": 9, "INT": 2, "SEGV": 11}[name]
    ran = crtx.hold("sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert ran.status == 128 + number
    assert f"COMMAND was killed by SIG{name}; the lock is released" in ran.err


def test_a_failure_without_leak_on_failure_is_warned_of(crtx: Crtx) -> None:
    ran = crtx.hold("sh", "-c", "exit 3")
    assert "the lock is released. Is the store whole?" in ran.err
    assert "CRTX_E_" not in ran.err


def test_leak_on_failure_keeps_the_marker_of_a_command_that_failed(crtx: Crtx) -> None:
    ran = crtx.hold("sh", "-c", "exit 3", options=("--leak-on-failure",))
    assert ran.status == 3
    assert "is kept on purpose" in ran.err
    assert f"crtx inspect {crtx.marker}" in ran.err
    assert crtx.state() == "stale"


def test_leak_on_failure_keeps_the_marker_of_a_command_that_was_killed(crtx: Crtx) -> None:
    assert crtx.hold("sh", "-c", "kill -TERM $$", options=("--leak-on-failure",)).status == 143
    assert crtx.state() == "stale"


def test_leak_on_failure_releases_after_success_and_after_nothing_ran(crtx: Crtx) -> None:
    assert crtx.hold("true", options=("--leak-on-failure",)).status == 0
    assert crtx.state() == "absent"
    assert crtx.hold("no-such-command", options=("--leak-on-failure",)).status == 127
    assert crtx.state() == "absent"


def test_no_such_command_is_127_and_one_that_cannot_run_is_126(crtx: Crtx) -> None:
    (crtx.place / "data").write_text("no program")
    for command, status, reason in [
        ("no-such-command", 127, "No such file or directory"),
        ("./nowhere/at-all", 127, "No such file or directory"),
        ("./data", 126, "Permission denied"),
        ("/", 126, "Permission denied"),
        ("./data/x", 126, "Not a directory"),
    ]:
        ran = crtx.hold(command)
        assert ran.status == status
        expected = (
            f"crtx: cannot run {command}: {reason}; nothing was run, and the lock is released"
        )
        assert ran.err == expected + "\n"
        assert crtx.state() == "absent"


def test_where_no_process_can_be_started_nothing_is_run_and_the_lock_is_released(
    crtx: Crtx,
) -> None:
    program = """
import errno, os, sys
from crtx import cli
def fork():
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
os.fork = fork
sys.exit(cli.main())
"""
    words = [sys.executable, "-c", program, "hold", str(crtx.marker), *crtx.holder, "--", "true"]
    ran = subprocess.run(
        words, capture_output=True, cwd=crtx.place, env=crtx.environment, check=False
    )
    assert ran.returncode == 126
    assert (
        b"Resource temporarily unavailable; nothing was run, and the lock is released" in ran.stderr
    )
    assert crtx.state() == "absent"


def test_command_is_found_along_path_and_a_script_without_a_first_line_is_shs(crtx: Crtx) -> None:
    directory = crtx.place / "bin"
    directory.mkdir()
    script = directory / "restore"
    script.write_text('echo "$0 $1"')
    script.chmod(0o755)
    locked = crtx.place / "locked"
    locked.mkdir()
    (locked / "restore").write_text("")
    crtx.environment["PATH"] = f"/nonexistent:{locked}:{directory}:{os.environ['PATH']}"
    ran = crtx.hold("restore", "one")
    assert ran.out == f"{script} one\n"


def test_command_gets_standard_input_and_what_was_open_but_not_the_locks(crtx: Crtx) -> None:
    see = "import os, sys; print(sys.stdin.read(), sorted(os.listdir('/proc/self/fd')))"
    plain = subprocess.run(
        [sys.executable, "-c", see], input=b"in", capture_output=True, check=True
    )
    ran = crtx("hold", crtx.marker, *crtx.holder, "--", sys.executable, "-c", see, stdin=b"in")
    assert ran.stdout == plain.stdout


def test_command_has_the_signal_dispositions_and_the_mask_that_crtx_had(crtx: Crtx) -> None:
    see = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status"
    # Without a shell between, which would change them.
    plain = subprocess.run(["sh", "-c", see], capture_output=True, check=True, env=crtx.environment)
    for prefix in ("", "trap '' HUP INT USR1; "):
        wanted = subprocess.run(["sh", "-c", prefix + see], capture_output=True, check=True)
        words = " ".join(f"'{os.fsdecode(word)}'" for word in crtx.words("hold", crtx.marker))
        line = f'{prefix}{words} {" ".join(crtx.holder)} -- sh -c "{see}"'
        ran = subprocess.run(
            ["sh", "-c", line], capture_output=True, cwd=crtx.place, env=crtx.environment
        )
        assert ran.stdout == wanted.stdout, ran.stderr
    assert plain.stdout


def test_command_runs_in_crtxs_own_process_group_and_session(crtx: Crtx) -> None:
    see = (
        "import os; print(os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getpgid(0))"
    )
    assert crtx.hold(sys.executable, "-c", see).out == "True True\n"


def test_a_held_lock_is_refused_at_once_with_20_and_who_holds_it(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    ran = crtx.hold("touch", "ran")
    assert ran.status == 20
    assert ran.err.startswith("crtx: CRTX_E_MARKER_EXISTS (20): ")
    assert f"process {holder.pid}" in ran.err
    assert "--timeout" in ran.err
    assert not (crtx.place / "ran").exists()
    holder.communicate(b"\n")
    assert holder.returncode == 0


def test_timeout_waits_for_a_holder_and_says_how_long_it_waited(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    ran = crtx.hold("true", options=("--timeout", "100ms"))
    assert ran.status == 20
    assert "still refused after 0.1 s" in ran.err
    waiting = crtx.start_hold("echo", "at last", options=("--timeout", "forever"))
    holder.communicate(b"\n")
    assert finish(waiting).out == "at last\n"


def test_a_stale_marker_is_never_waited_for(crtx: Crtx) -> None:
    crtx.die_holding()
    ran = crtx.hold("true", options=("--timeout", "forever"))
    assert ran.status == 20
    assert "is stale" in ran.err
    assert f"crtx inspect {crtx.marker}" in ran.err


def test_a_lost_lock_is_23_whatever_command_said(crtx: Crtx) -> None:
    for command in ("exit 0", "exit 5", "kill -TERM $$"):
        ran = crtx.hold("sh", "-c", f"rm {crtx.marker}; {command}")
        assert ran.status == 23
        assert "THE LOCK WAS LOST" in ran.err
        assert "crtx: CRTX_E_LOST (23): " in ran.err


def test_a_lost_lock_is_23_with_leak_on_failure_too(crtx: Crtx) -> None:
    lose = f"rm {crtx.marker}; exit 5"
    ran = crtx.hold("sh", "-c", lose, options=("--leak-on-failure",))
    assert ran.status == 23
    assert "THE LOCK WAS LOST" in ran.err


def test_json_comes_on_standard_error_as_its_last_line(crtx: Crtx) -> None:
    ran = crtx.hold("sh", "-c", "echo out; echo err >&2; exit 3", options=("--json",))
    assert ran.status == 3
    assert ran.out == "out\n"
    first, last = ran.err.splitlines()
    assert first == "err"
    envelope = json.loads(last)
    assert envelope["status"] == 0
    assert envelope["name"] == "CRTX_OK"
    assert envelope["command"] == "hold"
    assert envelope["error"] is None
    result = envelope["result"]
    assert result.pop("marker")["deployment_id"] == "ledger-production"
    assert result == {
        "marker_path": str(crtx.marker),
        "stale_path": None,
        "command_started": True,
        "command_exit_status": 3,
        "command_signal": None,
        "lock": "released",
        "exit_status": 3,
    }


def test_json_fd_has_the_object_and_command_does_not_have_the_descriptor(crtx: Crtx) -> None:
    words = " ".join(f"'{os.fsdecode(word)}'" for word in crtx.words("hold", crtx.marker))
    line = f"{words} {' '.join(crtx.holder)} --json-fd 7 -- sh -c 'echo x >&7' 7>result.json"
    ran = subprocess.run(
        ["bash", "-c", line], capture_output=True, cwd=crtx.place, env=crtx.environment
    )
    assert ran.returncode != 0
    envelope = json.loads((crtx.place / "result.json").read_text())
    assert envelope["result"]["exit_status"] == ran.returncode
    assert envelope["result"]["command_exit_status"] == ran.returncode
    # Text for people comes all the same.
    assert b"Is the store whole?" in ran.stderr


def test_json_tells_commands_failures_from_crtxs(crtx: Crtx) -> None:
    def envelope(*command: str) -> object:
        last = json.loads(crtx.hold(*command, options=("--json",)).err.splitlines()[-1])
        result = last["result"]
        return (
            last["name"],
            result["command_started"],
            result["command_exit_status"],
            result["command_signal"],
            result["lock"],
            result["exit_status"],
        )

    assert envelope("sh", "-c", "exit 20") == ("CRTX_OK", True, 20, None, "released", 20)
    assert envelope("sh", "-c", "kill $$") == ("CRTX_OK", True, None, 15, "released", 143)
    assert envelope("nothing") == ("CRTX_E_IO", False, None, None, "released", 127)
    lose = ("sh", "-c", f"rm {crtx.marker}")
    assert envelope(*lose) == ("CRTX_E_LOST", True, 0, None, "lost", 23)
    crtx.leave_stale()
    refused = ("CRTX_E_MARKER_EXISTS", False, None, None, "not acquired", 20)
    assert envelope("true") == refused


def test_json_of_a_refusal_says_whose_marker_it_is(crtx: Crtx) -> None:
    crtx.leave_stale()
    last = json.loads(crtx.hold("true", options=("--json",)).err)
    assert last["error"]["marker_state"] == "stale"
    assert last["error"]["marker"]["deployment_id"] == "ledger-production"
    assert last["error"]["path"] == str(crtx.marker)


def test_who_answers_is_the_operator_or_the_principal_of_the_key(crtx: Crtx) -> None:
    principal = crtx("principal", "--public-key", "alice.pub").out.strip()
    assert (
        crtx.hold("grep", "-q", f"operator_principal_id={principal}", str(crtx.marker)).status == 0
    )
    for option in ("--operator", "--operator-principal-id"):
        see = ("grep", "-q", "operator_principal_id=night shift", str(crtx.marker))
        assert crtx.hold(*see, options=(option, "night shift")).status == 0


def test_without_an_operator_or_a_command_it_is_a_usage_error(crtx: Crtx) -> None:
    digest = "blake3:" + "0" * 64
    base = ("hold", crtx.marker, "--deployment-id", "x", "--restore-intent-blake3", digest)
    for words, reason in [
        ((*base, "--", "true"), "--operator or --public-key"),
        ((*base, "--operator", "x"), "put it after --"),
        ((*base, "--operator", "x", "--"), "put it after --"),
        ((*base, "--operator", "x", "true"), "COMMAND comes after --"),
        ((*base, "--operator", "x", "--json-fd", "99", "--", "true"), "--json-fd 99"),
        ((*base, "--operator", "x", "--timeout", "soon", "--", "true"), "'soon' is no duration"),
    ]:
        ran = crtx(*words)
        assert ran.status == 1
        assert ran.err.startswith("crtx: CRTX_E_INVALID_ARGUMENT (1): ")
        assert reason in ran.err
        assert "crtx hold --help" in ran.err
    assert not crtx.marker.exists()


def test_options_of_command_are_commands_own(crtx: Crtx) -> None:
    assert crtx.hold("echo", "--json", "--", "--help").out == "--json -- --help\n"


def test_the_marker_is_the_one_at_the_start_if_command_changes_directory(crtx: Crtx) -> None:
    ran = crtx(
        "hold", "ledger.db.restore", *crtx.holder, "--", "sh", "-c", "cd /; echo $CRTX_MARKER_PATH"
    )
    assert Path(ran.out.strip()) == crtx.marker
    assert crtx.state() == "absent"
