# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files that crtx writes: whole, never over another, all or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Callable

import pytest

import crtx as library
from crtx.cli import files


def raising(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_where_there_are_no_hard_links_files_are_written_all_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", raising(errno.EPERM))
    path = place / "new"
    files.write_new([(str(path), b"content", 0o644)])
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(place) == ["new"]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_at_the_last_moment_is_left_alone_and_the_others_are_taken_back(
    place: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", raising(errno.EPERM))
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    (place / "second").write_text("precious")
    with pytest.raises(library.StoreIOError, match="is not overwritten"):
        files.write_new([(str(place / name), b"x", 0o644) for name in ("first", "second")])
    assert (place / "second").read_text() == "precious"
    assert os.listdir(place) == ["second"]


@pytest.mark.parametrize("step", ["write", "fsync", "fchmod"])
def test_a_disk_that_fails_leaves_nothing_half_written(
    place: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(os, step, raising(errno.ENOSPC))
    with pytest.raises(library.StoreIOError) as failure:
        files.write_new([(str(place / "new"), b"x", 0o644)])
    assert failure.value.os_error == errno.ENOSPC
    assert os.listdir(place) == []


def test_a_symlink_to_nowhere_is_not_written_through(place: Path) -> None:
    (place / "link").symlink_to(place / "target")
    with pytest.raises(library.StoreIOError, match="is not overwritten"):
        files.write_new([(str(place / "link"), b"x", 0o644)])
    assert not (place / "target").exists()
