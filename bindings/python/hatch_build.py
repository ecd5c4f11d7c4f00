# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hatchling's build hook: builds the Rust library and puts it into the wheel, and its sources into
the source distribution. README.md ("Building") says which environment variables count.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent

# What cargo needs for the library alone. (The tests of the crate want more than this.)
CRATE_FILES = (
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "build.rs",
    "cbindgen.toml",
    "include",
    "src",
)
CRATE_IN_SDIST = "rust"

LIBRARY_SUFFIXES = {".so", ".dylib", ".dll"}

# Where a wheel's name for a machine is not the first word of Rust's target.
LINUX_MACHINES = {
    "armv7": "armv7l",
    "i586": "i686",
    "powerpc": "ppc",
    "powerpc64": "ppc64",
    "powerpc64le": "ppc64le",
    "riscv64gc": "riscv64",
}
WINDOWS_MACHINES = {"x86_64": "win_amd64", "i686": "win32", "aarch64": "win_arm64"}
# The machine's name in a wheel's tag, and the oldest macOS that rustc builds for by default.
MACOS_MACHINES = {"x86_64": ("x86_64", "10.12"), "aarch64": ("arm64", "11.0")}


def find_crate() -> Path:
    """The Rust crate: in a source distribution it is inside, in a checkout two levels up."""
    places = (ROOT / CRATE_IN_SDIST, ROOT.parent.parent)
    for place in places:
        manifest = place / "Cargo.toml"
        if manifest.is_file() and manifest_value(manifest, "name") == "crtx":
            return place
    raise SystemExit(
        f"crtx: the Rust sources are neither in {places[0]} nor in {places[1]}. "
        "(pip before 21.3 copies this directory away from them: upgrade pip.)"
    )


def manifest_value(manifest: Path, key: str) -> str:
    """A string of the [package] table, which comes first. (Python 3.9 and 3.10 have no tomllib.)"""
    text = manifest.read_text(encoding="utf-8")
    found = re.search(rf'^{key} = "(.+)"$', text, flags=re.MULTILINE)
    return found[1] if found else ""


def target_directory(crate: Path) -> Path | None:
    """Where cargo is to keep what it compiles: below CARGO_TARGET_DIR, or nowhere.

    cargo tells by times, and by names below the crate, whether a library is up to date. In a
    directory that several copies of this crate share it would take the library of one for that of
    another with older files; and the files of a source distribution are always old.
    """
    given = os.environ.get("CARGO_TARGET_DIR")
    if not given or crate == ROOT / CRATE_IN_SDIST:
        return None
    # cargo, too, starts from the crate if the name is relative.
    directory = (crate / given).resolve()
    if crate in directory.parents:
        return directory
    return directory / f"crtx-{hashlib.sha256(os.fsencode(crate)).hexdigest()[:16]}"


def version() -> str:
    """The version of the package is the crate's: pyproject.toml asks for it here."""
    return manifest_value(find_crate() / "Cargo.toml", "version")


def split_glibc(target: str) -> tuple[str, str]:
    """cargo-zigbuild's way to name a glibc version: x86_64-unknown-linux-gnu.2.17."""
    found = re.fullmatch(r"(.+-gnu[a-z]*)\.(\d+\.\d+)", target)
    return (found[1], found[2]) if found else (target, "")


def macos_version(machine: str) -> str:
    """What rustc takes as the oldest macOS to build for, too."""
    return os.environ.get("MACOSX_DEPLOYMENT_TARGET") or MACOS_MACHINES[machine][1]


def platform_tag(target: str) -> str:
    """The platform part of the wheel's tag for a Rust target, by PEP 425 and PEP 600."""
    triple, glibc = split_glibc(target)
    machine, _, system = triple.partition("-")
    # Not Android, and not x32.
    if re.fullmatch(r"([^-]+-)?linux-(gnu|musl)(eabi|eabihf)?", system):
        machine = LINUX_MACHINES.get(machine, machine)
        if not glibc:
            return f"linux_{machine}"
        tag = f"manylinux_{glibc.replace('.', '_')}_{machine}"
        # Installers before PEP 600 know it by this name.
        return f"{tag}.manylinux2014_{machine}" if glibc == "2.17" else tag
    if system == "apple-darwin" and machine in MACOS_MACHINES:
        major, minor = (macos_version(machine) + ".0").split(".")[:2]
        # Since macOS 11 installers look for minor version 0 only.
        minor = "0" if int(major) > 10 else minor
        return f"macosx_{major}_{minor}_{MACOS_MACHINES[machine][0]}"
    if system.startswith("pc-windows-") and machine in WINDOWS_MACHINES:
        return WINDOWS_MACHINES[machine]
    raise SystemExit(f"crtx: it is not known how a wheel for {target} is to be called")


class Cargo:
    """Runs cargo in the crate's directory, so that the configuration there counts."""

    def __init__(self, crate: Path) -> None:
        self.crate = crate
        self.command = os.environ.get("CARGO") or "cargo"
        self.rust_version = manifest_value(crate / "Cargo.toml", "rust-version")
        if shutil.which(self.command) is None:
            raise SystemExit(
                f"crtx: {self.command} was not found; the library is built from source, with "
                f"Rust {self.rust_version} or later (https://rustup.rs)"
            )

    def run(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.crate,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != 0:
            needed = f"Rust {self.rust_version} or later"
            if arguments[0] == "zigbuild":
                needed += ", and cargo-zigbuild and ziglang from PyPI"
            raise SystemExit(
                f"crtx: {self.command} {arguments[0]} failed, and its messages are above; "
                f"it needs {needed}"
            )
        return done.stdout

    def host(self) -> str:
        found = re.search(r"^host: (.+)$", self.run("--version", "--verbose"), re.MULTILINE)
        if not found:
            raise SystemExit(f"crtx: {self.command} does not say which host it is for")
        return found[1]

    def build(self, target: str | None, directory: Path) -> Path:
        """The library; for the host if there is no other target."""
        triple, glibc = split_glibc(target or self.host())
        arguments = ["--release", "--locked", "--message-format=json-render-diagnostics"]
        if target:
            arguments.append(f"--target={target}")
        environment = {"CARGO_TARGET_DIR": str(directory)}
        if triple.endswith("-apple-darwin"):
            # Said aloud, so that the library and the tag cannot differ.
            environment["MACOSX_DEPLOYMENT_TARGET"] = macos_version(triple.partition("-")[0])
        return shared_library(self.run("zigbuild" if glibc else "build", *arguments, **environment))


def shared_library(messages: str) -> Path:
    """Where cargo put the library, by its own word: a configuration may move it."""
    for line in messages.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and "cdylib" in message["target"]["kind"]:
            for name in message["filenames"]:
                if Path(name).suffix in LIBRARY_SUFFIXES:
                    return Path(name)
    raise SystemExit("crtx: cargo built no shared library for this target")


class RustLibrary(BuildHookInterface[Any]):
    """Never writes into the source tree: without a directory to keep, cargo works in a temporary
    one, which is gone when the wheel is written."""

    scratch: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            crate = find_crate()
            for name in CRATE_FILES:
                build_data["force_include"][str(crate / name)] = f"{CRATE_IN_SDIST}/{name}"
        elif version == "standard":
            self.add_library(build_data)
        # Nothing is to be built for an editable install: the library is the one that CRTX_LIBRARY
        # names, because the package is then the source tree, which has none.

    def add_library(self, build_data: dict[str, Any]) -> None:
        crate = find_crate()
        cargo = Cargo(crate)
        target = os.environ.get("CRTX_BUILD_TARGET") or os.environ.get("CARGO_BUILD_TARGET")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(target or cargo.host())}"
        directory = target_directory(crate)
        if not directory:
            self.scratch = tempfile.TemporaryDirectory(prefix="crtx-build-")
            directory = Path(self.scratch.name)
        library = cargo.build(target, directory)
        build_data["force_include"][str(library)] = f"crtx/_native/{library.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact: str) -> None:
        if self.scratch:
            self.scratch.cleanup()
