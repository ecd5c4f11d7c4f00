# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which library is loaded, and what is said if none can be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from header import compile_c

import crtx
from crtx._abi import PROTOTYPES
from crtx._library import library

SOURCE = Path(crtx.__file__).parent

# The name is what the loader was told.
PROGRAM = "import crtx, crtx._library; print(crtx._library.library._name)"


@pytest.fixture
def package(place: Path) -> Path:
    """A copy of the package without a library in it."""
    ignore = shutil.ignore_patterns("_native", "__pycache__")
    shutil.copytree(SOURCE, place / "site" / "crtx", ignore=ignore)
    return place / "site" / "crtx"


def load(package: Path, named: str | os.PathLike[str] | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    environment.pop("CRTX_LIBRARY", None)
    if named is not None:
        environment["CRTX_LIBRARY"] = os.fspath(named)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment,
        cwd=package.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(package: Path, named: str | os.PathLike[str] | None) -> str:
    done = load(package, named)
    assert done.returncode == 1, done.stdout
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: "), done.stderr
    return last


def bundle(package: Path, source: str | Path) -> Path:
    native = package / "_native"
    native.mkdir()
    return Path(shutil.copy(source, native / "libcrtx.so"))


def test_the_library_in_the_package_comes_first(package: Path) -> None:
    bundled = bundle(package, library._name)
    assert load(package, "/nowhere/libcrtx.so").stdout == f"{bundled}\n"


def test_the_library_in_the_package_is_found_through_a_symlink_to_the_module(
    place: Path, package: Path
) -> None:
    bundled = bundle(package, library._name)
    (package / "_library.py").rename(place / "elsewhere.py")
    (package / "_library.py").symlink_to(place / "elsewhere.py")
    assert load(package, None).stdout == f"{bundled}\n"


def test_without_one_the_environment_names_it(package: Path) -> None:
    assert load(package, library._name).stdout == f"{library._name}\n"


def test_without_one_and_without_the_variable_both_places_are_named(package: Path) -> None:
    message = refusal(package, None)
    assert str(package / "_native" / "libcrtx.so") in message
    assert "CRTX_LIBRARY is not set" in message


def test_an_empty_variable_counts_as_not_set(package: Path) -> None:
    assert "CRTX_LIBRARY is not set" in refusal(package, "")


def test_a_relative_name_is_refused_even_if_the_file_is_there(place: Path, package: Path) -> None:
    shutil.copy(library._name, place / "libcrtx.so")
    for name in ("libcrtx.so", "./libcrtx.so"):
        message = refusal(package, name)
        assert str(package / "_native" / "libcrtx.so") in message
        assert message.endswith(f"CRTX_LIBRARY is not an absolute path: {name}")


def test_a_library_that_is_missing_is_named(place: Path, package: Path) -> None:
    assert str(place / "none.so") in refusal(package, place / "none.so")


def test_a_file_that_is_no_library_is_named(place: Path, package: Path) -> None:
    (place / "text.so").write_text("not a library")
    assert str(place / "text.so") in refusal(package, place / "text.so")


def test_a_broken_library_in_the_package_is_not_replaced_by_another(
    place: Path, package: Path
) -> None:
    (place / "text.so").write_text("not a library")
    bundled = bundle(package, place / "text.so")
    assert str(bundled) in refusal(package, library._name)


def test_another_abi_version_is_refused_with_both_numbers(place: Path, package: Path) -> None:
    other = place / "other.so"
    compile_c("int crtx_abi_version(void) { return 7; }", other, "-shared", "-fPIC")
    message = refusal(package, other)
    assert f"{other} has ABI version 7, and this package needs 1" in message


def test_a_library_of_something_else_is_refused_by_its_missing_symbol(
    place: Path, package: Path
) -> None:
    other = place / "other.so"
    compile_c("int something(void) { return 7; }", other, "-shared", "-fPIC")
    message = refusal(package, other)
    assert str(other) in message
    assert "crtx_abi_version" in message


@pytest.mark.parametrize("missing", ["crtx_lock_acquire", "crtx_version"])
def test_a_library_that_lacks_one_function_is_refused_at_import_and_the_function_named(
    place: Path, package: Path, missing: str
) -> None:
    functions = "".join(
        f"int {name}(void) {{ return {1 if name == 'crtx_abi_version' else 0}; }}\n"
        for name in PROTOTYPES
        if name != missing
    )
    other = place / "other.so"
    compile_c(functions, other, "-shared", "-fPIC")
    message = refusal(package, other)
    assert str(other) in message
    assert missing in message
