# SPDX-License-Identifier: MIT OR Apache-2.0
"""``crtx inspect``: each state, in text, in JSON, and as an exit status."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import crtx as library

from .command import Crtx, until


def test_free(crtx: Crtx) -> None:
    ran = crtx("inspect", crtx.marker)
    assert ran.status == 0
    assert ran.out == f"{crtx.marker}: FREE, there is no marker\n"
    assert crtx("inspect", "--check", crtx.marker).status == 0
    result = crtx("inspect", "--json", crtx.marker).json["result"]
    assert result == {"path": str(crtx.marker), "state": "absent", "marker": None}


def test_held(crtx: Crtx) -> None:
    holder = crtx.start_hold("sh", "-c", "read line", stdin=subprocess.PIPE)
    until(crtx.marker.exists, "the holder")
    ran = crtx("inspect", crtx.marker)
    assert ran.status == 0
    assert "HELD, a live process is at work" in ran.out
    assert f"process     {holder.pid} on host" in ran.out
    assert f"  ps -o pid,lstart,args -p {holder.pid}\n" in ran.out
    checked = crtx("inspect", "--check", crtx.marker)
    assert checked.status == 21
    assert f"process     {holder.pid}" in checked.out
    assert "CRTX_E_CONTENDED (21)" in checked.err
    holder.communicate(b"\n")


def test_stale_says_who_since_when_and_what_to_do(crtx: Crtx) -> None:
    crtx.leave_stale()
    marker = library.inspect(crtx.marker)
    assert marker is not None
    ran = crtx("inspect", crtx.marker)
    assert ran.status == 0
    assert "STALE, no process holds it" in ran.out
    for text in (
        f"process     {marker.pid} on host {marker.host}",
        f"since       {marker.acquired_at[:19]}Z",
        "deployment  ledger-production",
        f"operator    {marker.operator_principal_id}",
        f"intent      {marker.restore_intent_blake3}",
        f"digest      {marker.marker_blake3}",
        f"  crtx attest {crtx.marker} --seed OPERATOR.seed --justification 'WHY'",
    ):
        assert text in ran.out
    assert crtx("inspect", "--check", crtx.marker).status == 20


def test_json_has_every_field_of_the_marker(crtx: Crtx) -> None:
    crtx.leave_stale()
    marker = library.inspect(crtx.marker)
    result = crtx("inspect", "--json", crtx.marker).json["result"]
    assert result["state"] == "stale"
    assert marker is not None
    assert result["marker"] == {**vars(marker), "state": "stale"}


def test_check_in_json_is_a_failure_with_a_result(crtx: Crtx) -> None:
    crtx.leave_stale()
    ran = crtx("inspect", "--check", "--json", crtx.marker)
    assert ran.status == ran.json["status"] == 20
    assert ran.json["error"]["marker_state"] == ran.json["result"]["state"] == "stale"


def test_malformed(crtx: Crtx) -> None:
    crtx.marker.write_text("half a mark")
    ran = crtx("inspect", crtx.marker)
    assert ran.status == 0
    assert "MALFORMED, no process holds it" in ran.out
    assert library.blake3_file(crtx.marker) in ran.out
    assert "--deployment-id ID" in ran.out
    assert crtx("inspect", "--check", crtx.marker).status == 47


def test_local_time_is_shown_beside_utc(crtx: Crtx) -> None:
    crtx.leave_stale()
    marker = library.inspect(crtx.marker)
    assert marker is not None
    ran = crtx("inspect", crtx.marker, TZ="XYZ-9:30")
    assert f" XYZ ({marker.acquired_at[:19]}Z)" in ran.out


def test_what_a_marker_says_cannot_fool_the_terminal(crtx: Crtx) -> None:
    crtx.leave_stale()
    text = crtx.marker.read_bytes()
    host = text.split(b"host=")[1].split(b"\n")[0]
    odd = text.replace(b"host=" + host, "host=db1\u202e\u200bx".encode())
    crtx.marker.write_bytes(odd)
    assert "db1\\u{202e}\\u{200b}x" in crtx("inspect", crtx.marker).out


def test_errors_name_the_next_step(crtx: Crtx) -> None:
    ran = crtx("inspect", "no/where/ledger.db.restore")
    assert ran.status == 41
    assert ran.err.startswith("crtx: CRTX_E_NO_PARENT_DIRECTORY (41): ")
    assert "    ls -ld no/where\n" in ran.err
    crtx.marker.mkdir()
    assert crtx("inspect", crtx.marker).status == 42


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_somebody_elses_marker_can_at_least_be_read(crtx: Crtx) -> None:
    crtx.leave_stale()
    crtx.place.chmod(0o755)
    # The interpreter may be where nobody else can read it: all that is wanted is imported before.
    program = """
import os, sys
from crtx.cli import main
main(["inspect", "no/where"])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, "inspect", crtx.marker],
        capture_output=True,
        env=crtx.environment,
        check=False,
    )
    assert ran.returncode == 43, ran.stderr
    assert f"    cat {crtx.marker}\n".encode() in ran.stderr
