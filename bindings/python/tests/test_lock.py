# SPDX-License-Identifier: MIT OR Apache-2.0
"""A lock's life: acquire, check, leak, release, and what it tells meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from stores import DEPLOYMENT, DIGEST, Holder, leave_a_stale_marker, names, new_lock

import crtx
from crtx._acquirer import Acquirer
from crtx._holding import Holdings


def test_an_acquired_lock_is_a_marker_and_a_companion_and_a_released_one_is_nothing(
    place: Path, marker: Path
) -> None:
    lock = new_lock(marker)
    assert not lock.held
    assert names(place) == []
    assert lock.acquire() is lock
    assert lock.held
    assert names(place) == ["ledger.db.restore", "ledger.db.restore.flock"]
    lock.check()
    lock.release()
    assert not lock.held
    assert names(place) == []


@pytest.mark.parametrize("durability", ["full", "process-crash"])
def test_both_durabilities_lock(place: Path, marker: Path, durability: str) -> None:
    with new_lock(marker, durability=durability):
        assert marker.exists()
    assert names(place) == []


def test_the_marker_says_who_holds_it(marker: Path) -> None:
    with new_lock(marker, host="a-host") as lock:
        own = lock.marker
        assert own.state is crtx.MarkerState.HELD_BY_THIS_PROCESS
        assert own.pid == os.getpid()
        assert own.host == "a-host"
        assert own.deployment_id == DEPLOYMENT
        assert own.operator_principal_id == "operator:test"
        assert own.scope == "production"
        assert own.restore_intent_blake3 == DIGEST
        assert own.marker_blake3 == crtx.blake3_file(marker)
        assert own == crtx.inspect(marker)
        assert f"acquired_at={own.acquired_at}\n" in marker.read_text()
        time = own.acquired_time
        assert time is not None
        assert time.utcoffset() is not None
        whole = own.acquired_at_unix_ns // 1000
        assert round(time.timestamp() * 1_000_000) == whole
        assert time.isoformat(timespec="seconds")[:19] == own.acquired_at[:19]


def test_the_host_is_this_machines_unless_given(marker: Path) -> None:
    with new_lock(marker) as lock:
        assert lock.marker.host == os.uname().nodename
    with new_lock(marker, host="") as lock:
        assert lock.marker.host == ""


def test_paths_are_absolute_and_stay_after_a_chdir(
    place: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    lock = new_lock(marker.name).acquire()
    monkeypatch.chdir("/")
    assert lock.path == marker.name
    assert lock.marker_path == marker
    assert lock.companion_path == marker.with_name("ledger.db.restore.flock")
    lock.check()
    lock.release()
    assert names(place) == []


def test_one_object_gets_no_second_lock_where_its_relative_path_leads_after_a_chdir(
    place: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(place)
    with new_lock(marker.name) as lock:
        monkeypatch.chdir(elsewhere)
        with pytest.raises(crtx.MarkerExists) as caught:
            lock.acquire()
        assert caught.value.marker_state is crtx.MarkerState.HELD_BY_THIS_PROCESS
        assert names(elsewhere) == []
        lock.check()
    assert names(place) == ["elsewhere"]


def test_a_second_acquire_is_refused_by_any_object_and_says_who_holds_it(marker: Path) -> None:
    lock = new_lock(marker).acquire()
    for other in (lock, new_lock(marker)):
        with pytest.raises(crtx.MarkerExists) as caught:
            other.acquire()
        assert caught.value.marker_state is crtx.MarkerState.HELD_BY_THIS_PROCESS
        assert caught.value.marker is not None
        assert caught.value.marker.pid == os.getpid()
        assert caught.value.path == str(marker)
        assert str(marker) in str(caught.value)
    lock.check()
    lock.release()


def test_another_process_is_refused_with_its_marker(marker: Path) -> None:
    holder = Holder(marker)
    with pytest.raises(crtx.MarkerExists) as caught:
        new_lock(marker).acquire()
    assert caught.value.marker_state is crtx.MarkerState.HELD
    assert caught.value.marker is not None
    assert caught.value.marker.pid == holder.pid
    holder.go()
    new_lock(marker).acquire().release()


def test_a_stale_marker_is_refused_as_stale(marker: Path) -> None:
    pid = leave_a_stale_marker(marker)
    with pytest.raises(crtx.MarkerExists) as caught:
        new_lock(marker).acquire()
    assert caught.value.marker_state is crtx.MarkerState.STALE
    assert caught.value.marker is not None
    assert (caught.value.marker.state, caught.value.marker.pid) == (crtx.MarkerState.STALE, pid)


def test_a_malformed_marker_is_refused_as_malformed(marker: Path) -> None:
    marker.write_text("half a mark")
    with pytest.raises(crtx.MarkerExists) as caught:
        new_lock(marker).acquire()
    assert caught.value.marker_state is crtx.MarkerState.MALFORMED
    assert caught.value.marker is not None
    assert caught.value.marker.pid == 0
    assert caught.value.marker.acquired_time is None
    assert caught.value.marker.marker_blake3 == crtx.blake3_file(marker)


def test_a_leaked_lock_is_held_until_its_release_and_stale_from_then_on(marker: Path) -> None:
    lock = new_lock(marker).acquire()
    lock.leak()
    lock.leak()
    lock.check()
    assert lock.held
    found = crtx.inspect(marker)
    assert found is not None
    assert found.state is crtx.MarkerState.HELD_BY_THIS_PROCESS
    lock.release()
    assert not lock.held
    found = crtx.inspect(marker)
    assert found is not None
    assert found.state is crtx.MarkerState.STALE
    assert marker.with_name("ledger.db.restore.flock").exists()


def test_what_needs_a_held_lock_is_a_bad_handle_before_and_after(marker: Path) -> None:
    lock = new_lock(marker)

    def refuses_everything() -> None:
        for call in (lock.check, lock.leak, lock.release):
            with pytest.raises(crtx.BadHandle) as caught:
                call()
            assert caught.value.name == "CRTX_E_BAD_HANDLE"
            assert caught.value.path == str(marker)
        for name in ("marker", "marker_path", "companion_path"):
            with pytest.raises(crtx.BadHandle):
                getattr(lock, name)

    refuses_everything()
    lock.acquire().release()
    refuses_everything()
    assert lock.path == str(marker)


def test_an_object_can_be_used_again_and_again(place: Path, marker: Path) -> None:
    lock = new_lock(marker)
    for _ in range(3):
        lock.acquire()
        lock.check()
        lock.release()
        with lock:
            lock.check()
        assert names(place) == []


def test_a_lost_marker_is_noticed_and_the_release_ends_the_lock(place: Path, marker: Path) -> None:
    lock = new_lock(marker).acquire()
    marker.unlink()
    with pytest.raises(crtx.Lost) as caught:
        lock.check()
    assert caught.value.marker_state is crtx.MarkerState.ABSENT
    assert lock.held
    with pytest.raises(crtx.Lost):
        lock.release()
    assert not lock.held
    with pytest.raises(crtx.BadHandle):
        lock.release()
    assert names(place) == []
    lock.acquire().release()


def test_an_object_whose_files_were_taken_away_gets_no_second_lock(
    place: Path, marker: Path
) -> None:
    lock = new_lock(marker).__enter__()
    for entry in place.iterdir():
        entry.unlink()
    for again in (lock.acquire, lock.__enter__):
        with pytest.raises(crtx.Lost):
            again()
    assert names(place) == []
    # Anybody else may have it.
    new_lock(marker).acquire().release()
    with pytest.raises(crtx.Lost):
        lock.release()


def test_nor_if_they_are_taken_away_between_the_look_and_the_try(
    place: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = new_lock(marker).acquire()
    look = Acquirer._path_to_try

    def look_and_lose(self: Acquirer, holding: Any) -> bytes:
        path = look(self, holding)
        for entry in place.iterdir():
            entry.unlink()
        return path

    monkeypatch.setattr(Acquirer, "_path_to_try", look_and_lose)
    with pytest.raises(crtx.Lost):
        lock.acquire()
    assert names(place) == []
    with pytest.raises(crtx.Lost):
        lock.release()


def test_a_try_goes_on_if_another_thread_releases_the_same_object_just_then(
    place: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = new_lock(marker).acquire()
    live = Holdings.live

    def look_and_release(self: Holdings, besides: Any = None) -> Any:
        found = live(self, besides)
        if besides is not None and found is not None:
            monkeypatch.undo()
            lock.release()
        return found

    monkeypatch.setattr(Holdings, "live", look_and_release)
    with lock.acquire():
        lock.check()
    assert names(place) == []


def test_somebody_elses_marker_is_left_alone(place: Path, marker: Path) -> None:
    lock = new_lock(marker).acquire()
    for entry in place.iterdir():
        entry.unlink()
    with new_lock(marker) as other:
        with pytest.raises(crtx.Lost):
            lock.release()
        other.check()


def test_inspect_and_read_marker_tell_of_any_marker(marker: Path) -> None:
    assert crtx.inspect(marker) is None
    with pytest.raises(crtx.MarkerAbsent):
        crtx.read_marker(marker)
    with new_lock(marker):
        assert crtx.read_marker(marker) == marker.read_bytes()
    marker.write_bytes(b"a\0b" * 2000)  # longer than the first buffer, with NULs
    found = crtx.inspect(marker)
    assert found is not None
    assert found.state is crtx.MarkerState.MALFORMED
    assert crtx.read_marker(marker) == b"a\0b" * 2000


def test_a_marker_of_the_far_past_or_future_has_a_time(marker: Path) -> None:
    with new_lock(marker):
        text = marker.read_text()
        time = text.split("acquired_at=")[1].splitlines()[0]
    for when in ("1678-01-01T00:00:00+00:00", "2262-01-01T00:00:00.5+01:00"):
        marker.write_text(text.replace(time, when))
        found = crtx.inspect(marker)
        assert found is not None
        assert found.acquired_at == when
        assert found.acquired_time is not None
        assert abs(found.acquired_time.year - int(when[:4])) <= 1


def test_the_files_cause_their_own_exceptions(place: Path, marker: Path) -> None:
    with pytest.raises(crtx.NoParentDirectory):
        new_lock(place / "none" / "marker").acquire()
    with pytest.raises(crtx.NameTooLong):
        new_lock(place / ("m" * 250)).acquire()
    with pytest.raises(crtx.InvalidArgument):
        new_lock(place / "marker.flock").acquire()
    marker.mkdir()
    with pytest.raises(crtx.NotRegularFile):
        new_lock(marker).acquire()
    place.chmod(0o777)
    with pytest.raises(crtx.InsecurePermissions):
        new_lock(place / "other").acquire()
    with new_lock(place / "other", allow_shared_directory=True):
        pass


def test_the_representation_names_the_path_and_whether_it_is_held(marker: Path) -> None:
    lock = new_lock(marker)
    assert repr(lock) == f"<crtx.ActiveStoreLock {str(marker)!r}>"
    with lock:
        assert repr(lock) == f"<crtx.ActiveStoreLock {str(marker)!r}, held>"
