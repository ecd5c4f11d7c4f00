# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is in a wheel, and that it works where it is installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import platform
import re
import zipfile
from email.parser import HeaderParser
from pathlib import Path

from packaging_support import PACKAGE, ROOT, Venv, run, source_files

LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"]


def crate_version() -> str:
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert found
    return found[1]


def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def information(wheel: Path, name: str) -> str:
    return members(wheel)[f"crtx-{crate_version()}.dist-info/{name}"].decode()


def test_a_wheel_has_the_package_the_library_and_nothing_else(wheel: Path) -> None:
    source = "bindings/python/src"
    package = {name[len(source) + 1 :] for name in source_files(source)}
    metadata = ["METADATA", "WHEEL", "RECORD", "entry_points.txt"]
    metadata += [f"licenses/{name}" for name in LICENCES]
    expected = package | {f"crtx-{crate_version()}.dist-info/{name}" for name in metadata}
    assert set(members(wheel)) == expected | {"crtx/_native/libcrtx.so"}
    assert "crtx/py.typed" in package


def test_a_wheels_record_has_the_digest_and_size_of_every_file(wheel: Path) -> None:
    own = f"crtx-{crate_version()}.dist-info/RECORD"
    rows = list(csv.reader(information(wheel, "RECORD").splitlines()))
    expected = []
    for name, content in members(wheel).items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        expected.append(
            [name, "", ""] if name == own else [name, f"sha256={digest}", str(len(content))]
        )
    assert sorted(rows) == sorted(expected)


def test_the_metadata_say_what_the_package_is(wheel: Path) -> None:
    metadata = HeaderParser().parsestr(information(wheel, "METADATA"))
    assert metadata["Name"] == "crtx"
    assert metadata["Version"] == crate_version()
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata.get_all("License-File") == LICENCES
    assert metadata["Requires-Python"] == ">=3.9"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_all("Requires-Dist") is None
    assert information(wheel, "entry_points.txt") == "[console_scripts]\ncrtx = crtx.cli:main\n"


def test_the_licences_are_the_repositorys(wheel: Path) -> None:
    for name in LICENCES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert (PACKAGE / name).read_text(encoding="utf-8") == text
        assert information(wheel, f"licenses/{name}") == text


def test_a_plain_wheel_is_for_this_kind_of_machine_and_every_python_3(plain_wheel: Path) -> None:
    tag = f"py3-none-linux_{platform.machine()}"
    assert plain_wheel.name == f"crtx-{crate_version()}-{tag}.whl"
    said = HeaderParser().parsestr(information(plain_wheel, "WHEEL"))
    assert said.get_all("Tag") == [tag]
    assert said["Root-Is-Purelib"] == "false"


def test_an_installed_wheel_locks_without_compiler_or_network(
    wheel: Path, interpreter: str, tmp_path: Path
) -> None:
    venv = Venv(tmp_path / "venv", interpreter)
    venv.pip("install", "--no-index", wheel, PATH="/usr/bin:/bin", CARGO="/nonexistent")
    # What the variable names is not looked at when the package has a library of its own.
    found = venv.use_the_lock(CRTX_LIBRARY="/nonexistent")
    assert found["held"]
    assert found["released"]
    assert found["version"] == found["library"] == crate_version()
    assert Path(found["package"]).is_relative_to(venv.path)
    command = venv.path / "bin" / "crtx"
    assert run(command, "status", "--help", cwd=venv.path).startswith("usage: crtx status")
    assert "CRTX_E_MARKER_EXISTS" in run(command, "status", cwd=venv.path)
