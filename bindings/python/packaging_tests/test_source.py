# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds from source, by pip, in a build environment that pip makes: of the source distribution,
and of a checkout; and how they fail."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from packaging_support import CRATE, Venv, attempt, checkout, files_below, source_files, state_of

# Python itself may keep the hook's bytecode beside it, which git ignores.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
OWN = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "hatch_build.py", "pyproject.toml"]


def test_an_sdist_has_the_sources_of_both_and_nothing_else(sdist: Path) -> None:
    package = "bindings/python/"
    expected = {name[len(package) :] for name in source_files(f"{package}src")}
    expected |= {f"rust/{name}" for name in source_files(*CRATE)}
    expected |= {*OWN, "PKG-INFO", ".gitignore"}
    root = sdist.name[: -len(".tar.gz")]
    with tarfile.open(sdist) as archive:
        found = {member.name for member in archive.getmembers()}
        assert all(member.isfile() for member in archive.getmembers())
    assert found == {f"{root}/{name}" for name in expected}


def test_pip_installs_an_sdist_far_from_the_repository(sdist: Path, tmp_path: Path) -> None:
    venv = Venv(tmp_path / "venv")
    here = Path(shutil.copy(sdist, tmp_path))
    # What another build has left there is not looked at: see hatch_build.target_directory.
    shared = tmp_path / "shared"
    venv.pip("install", here, CARGO_TARGET_DIR=str(shared))
    assert not shared.exists()
    found = venv.use_the_lock()
    assert found["held"]
    assert found["released"]


def test_pip_installs_a_checkout_and_writes_nothing_into_it(tmp_path: Path) -> None:
    repository = checkout(tmp_path / "repository")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = state_of(repository)
    venv = Venv(tmp_path / "venv")
    venv.pip("install", repository / "bindings" / "python", TMPDIR=str(temporary), **NO_BYTECODE)
    found = venv.use_the_lock()
    assert found["held"]
    assert found["released"]
    assert state_of(repository) == before
    assert files_below(temporary) == set()


def test_an_editable_install_takes_the_library_that_the_variable_names(tmp_path: Path) -> None:
    repository = checkout(tmp_path / "repository")
    package = repository / "bindings" / "python"
    before = state_of(repository)
    venv = Venv(tmp_path / "venv")
    # Nothing is compiled: there is no cargo.
    venv.pip("install", "--editable", package, CARGO="/nonexistent/cargo", **NO_BYTECODE)
    assert state_of(repository) == before
    found = venv.use_the_lock(CRTX_LIBRARY=os.environ["CRTX_LIBRARY"])
    assert found["held"]
    assert Path(found["package"]).is_relative_to(package)
    refused = attempt(venv.python, "-c", "import crtx", cwd=tmp_path)
    assert refused.returncode != 0
    assert "ImportError" in refused.stdout
    assert "CRTX_LIBRARY" in refused.stdout


def failed_build(package: Path, out: Path, **more: str) -> str:
    done = attempt(
        *("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", out, package),
        cwd=out,
        **more,
    )
    assert done.returncode != 0
    assert not list(out.glob("*.whl"))
    return done.stdout


def test_without_cargo_a_build_says_what_is_missing(tmp_path: Path) -> None:
    package = checkout(tmp_path / "repository") / "bindings" / "python"
    said = failed_build(package, tmp_path, CARGO="/nonexistent/cargo")
    assert "crtx: /nonexistent/cargo was not found" in said
    assert "https://rustup.rs" in said


def test_a_package_that_was_copied_away_from_the_crate_says_so(tmp_path: Path) -> None:
    package = shutil.copytree(
        checkout(tmp_path / "repository") / "bindings" / "python", tmp_path / "copy"
    )
    said = failed_build(package, tmp_path)
    assert "crtx: the Rust sources are neither in" in said
    assert "upgrade pip" in said


def test_a_crate_that_does_not_compile_gives_no_wheel(tmp_path: Path) -> None:
    repository = checkout(tmp_path / "repository")
    (repository / "build.rs").write_text("this is not Rust\n", encoding="utf-8")
    said = failed_build(repository / "bindings" / "python", tmp_path)
    assert "build.rs:1" in said
    assert "build failed" in said


def test_a_lock_file_that_does_not_fit_is_not_rewritten(tmp_path: Path) -> None:
    repository = checkout(tmp_path / "repository")
    lock = repository / "Cargo.lock"
    lock.write_text(
        lock.read_text(encoding="utf-8").replace('name = "thiserror"', 'name = "theirs"'),
        encoding="utf-8",
    )
    before = lock.read_bytes()
    said = failed_build(repository / "bindings" / "python", tmp_path)
    assert "--locked" in said
    assert lock.read_bytes() == before


def test_a_target_whose_wheel_has_no_name_is_refused_before_anything_is_compiled(
    tmp_path: Path,
) -> None:
    package = checkout(tmp_path / "repository") / "bindings" / "python"
    said = failed_build(package, tmp_path, CRTX_BUILD_TARGET="wasm32-unknown-unknown")
    assert "crtx: it is not known how a wheel for wasm32-unknown-unknown is to be called" in said
    assert "Compiling" not in said
