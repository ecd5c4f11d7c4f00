# SPDX-License-Identifier: MIT OR Apache-2.0
"""The build hook's decisions: where cargo works, and how a wheel is called for a target of Rust."""

from __future__ import annotations

from pathlib import Path

import pytest

import hatch_build


def test_copies_of_the_crate_never_share_what_cargo_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", "/shared")
    one = hatch_build.target_directory(Path("/one"))
    other = hatch_build.target_directory(Path("/other"))
    assert one
    assert other
    assert one.parent == other.parent == Path("/shared")
    assert one != other
    # An sdist's crate is unpacked elsewhere each time, so that nothing that is kept would serve.
    unpacked = hatch_build.ROOT / hatch_build.CRATE_IN_SDIST
    assert hatch_build.target_directory(unpacked) is None


@pytest.mark.parametrize("given", ["target", "/crate/target", "/elsewhere/../crate/target"])
def test_the_crates_own_target_directory_serves_its_wheel_too(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", given)
    assert hatch_build.target_directory(Path("/crate")) == Path("/crate/target")


def test_without_a_target_directory_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARGO_TARGET_DIR", raising=False)
    assert hatch_build.target_directory(Path("/crate")) is None


@pytest.mark.parametrize(
    ("target", "tag"),
    [
        ("x86_64-unknown-linux-gnu", "linux_x86_64"),
        ("aarch64-unknown-linux-gnu", "linux_aarch64"),
        ("i686-unknown-linux-gnu", "linux_i686"),
        ("armv7-unknown-linux-gnueabihf", "linux_armv7l"),
        ("riscv64gc-unknown-linux-gnu", "linux_riscv64"),
        ("powerpc64le-unknown-linux-gnu", "linux_ppc64le"),
        ("s390x-unknown-linux-gnu", "linux_s390x"),
        ("x86_64-alpine-linux-musl", "linux_x86_64"),
        ("x86_64-unknown-linux-gnu.2.17", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
        ("aarch64-unknown-linux-gnu.2.28", "manylinux_2_28_aarch64"),
        ("armv7-unknown-linux-gnueabihf.2.31", "manylinux_2_31_armv7l"),
        ("x86_64-apple-darwin", "macosx_10_12_x86_64"),
        ("aarch64-apple-darwin", "macosx_11_0_arm64"),
        ("x86_64-pc-windows-msvc", "win_amd64"),
        ("x86_64-pc-windows-gnu", "win_amd64"),
        ("i686-pc-windows-msvc", "win32"),
        ("aarch64-pc-windows-msvc", "win_arm64"),
    ],
)
def test_a_targets_wheel_has_the_tag_that_its_installers_look_for(
    target: str, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MACOSX_DEPLOYMENT_TARGET", raising=False)
    assert hatch_build.platform_tag(target) == tag


@pytest.mark.parametrize(
    ("oldest", "tag"),
    [("10.15", "macosx_10_15_arm64"), ("12.3", "macosx_12_0_arm64"), ("13", "macosx_13_0_arm64")],
)
def test_a_macos_wheel_is_for_the_oldest_macos_that_was_asked_for(
    oldest: str, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", oldest)
    assert hatch_build.platform_tag("aarch64-apple-darwin") == tag


@pytest.mark.parametrize(
    "target",
    [
        "aarch64-linux-android",
        "x86_64-unknown-linux-gnux32",
        "x86_64-unknown-freebsd",
        "wasm32-unknown-unknown",
        "x86_64-unknown-linux-gnu.2",
        "",
    ],
)
def test_a_target_without_a_known_tag_is_refused(target: str) -> None:
    with pytest.raises(SystemExit, match="not known"):
        hatch_build.platform_tag(target)
