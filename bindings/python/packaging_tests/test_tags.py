# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a wheel is called for each target of Rust."""

from __future__ import annotations

import pytest

import hatch_build


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
