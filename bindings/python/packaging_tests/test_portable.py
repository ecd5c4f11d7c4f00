# SPDX-License-Identifier: MIT OR Apache-2.0
"""The wheel for others: what its library asks of the machine that it comes to."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection
from packaging_support import ROOT, run

GLIBC = (2, 17)
# glibc's own, which PEP 600 lets a wheel count on.
SYSTEM_LIBRARIES = {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"}

pytestmark = pytest.mark.skipif(
    "CRTX_BUILD_TARGET" not in os.environ, reason="the host is not Linux with glibc"
)


@pytest.fixture(scope="module")
def library_file(portable_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with zipfile.ZipFile(portable_wheel) as archive:
        return Path(archive.extract("crtx/_native/libcrtx.so", tmp_path_factory.mktemp("library")))


@pytest.fixture
def library(library_file: Path) -> Iterator[ELFFile]:
    with library_file.open("rb") as file:
        yield ELFFile(file)


def section(library: ELFFile, kind: type) -> object:
    found = [each for each in library.iter_sections() if isinstance(each, kind)]
    assert len(found) == 1
    return found[0]


def dynamic_symbols(library: ELFFile) -> SymbolTableSection:
    found = library.get_section_by_name(".dynsym")
    assert isinstance(found, SymbolTableSection)
    return found


def test_its_tag_is_glibc_2_17_by_both_names(portable_wheel: Path) -> None:
    machine = os.environ["CRTX_BUILD_TARGET"].partition("-")[0]
    tag = f"py3-none-manylinux_2_17_{machine}.manylinux2014_{machine}"
    assert portable_wheel.name.endswith(f"-{tag}.whl")


def test_auditwheel_agrees_with_its_tag(portable_wheel: Path, tmp_path: Path) -> None:
    machine = os.environ["CRTX_BUILD_TARGET"].partition("-")[0]
    said = " ".join(run("auditwheel", "show", portable_wheel, cwd=tmp_path).split())
    assert f'consistent with the following platform tag: "manylinux_2_17_{machine}"' in said


def test_no_symbol_version_above_glibc_2_17_is_wanted(library: ELFFile) -> None:
    wanted = []
    needs = section(library, GNUVerNeedSection)
    assert isinstance(needs, GNUVerNeedSection)
    for _, versions in needs.iter_versions():
        wanted += [version.name for version in versions]
    assert wanted
    for name in wanted:
        family, _, number = name.partition("_")
        assert family == "GLIBC", name
        assert tuple(int(part) for part in number.split(".")) <= GLIBC, name


def test_whatever_glibc_2_17_lacks_is_optional(library: ELFFile) -> None:
    # The linker leaves a symbol that its glibc does not have without a version. If it is not weak,
    # the library does not load there.
    versions = library.get_section_by_name(".gnu.version")
    for index, symbol in enumerate(dynamic_symbols(library).iter_symbols()):
        if index == 0 or symbol["st_shndx"] != "SHN_UNDEF":
            continue
        # 0 and 1 stand for no version.
        versioned = versions.get_symbol(index)["ndx"] not in ("VER_NDX_LOCAL", "VER_NDX_GLOBAL")
        assert versioned or symbol["st_info"]["bind"] == "STB_WEAK", symbol.name


def test_it_needs_glibc_and_no_other_library(library: ELFFile) -> None:
    dynamic = section(library, DynamicSection)
    assert isinstance(dynamic, DynamicSection)
    needed = {tag.needed for tag in dynamic.iter_tags("DT_NEEDED")}
    loader = {name for name in needed if name.startswith("ld-linux")}
    assert needed - loader <= SYSTEM_LIBRARIES
    assert not list(dynamic.iter_tags("DT_RPATH")) + list(dynamic.iter_tags("DT_RUNPATH"))


def test_it_stays_mapped_for_the_fork_handlers(library: ELFFile) -> None:
    dynamic = section(library, DynamicSection)
    assert isinstance(dynamic, DynamicSection)
    df_1_nodelete = 0x8
    assert [tag["d_val"] & df_1_nodelete for tag in dynamic.iter_tags("DT_FLAGS_1")] == [
        df_1_nodelete
    ]


def test_it_exports_the_c_abi_and_nothing_else(library: ELFFile) -> None:
    # A second unwinder or allocator that others could bind to would be a trap.
    exported = {
        symbol.name
        for symbol in dynamic_symbols(library).iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF"
    }
    listed = (ROOT / "abi" / "symbols.txt").read_text(encoding="utf-8").splitlines()
    assert exported == {line for line in listed if line and not line.startswith("#")}


def test_it_has_no_debug_information_and_no_directory_of_the_builder(
    library: ELFFile, library_file: Path
) -> None:
    assert not [each.name for each in library.iter_sections() if each.name.startswith(".debug")]
    content = library_file.read_bytes()
    for place in (str(Path.home()), str(ROOT)):
        assert os.fsencode(place) + b"/" not in content


def test_another_directory_and_an_sdist_give_the_same_bytes(
    portable_wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    run("tar", "-xzf", sdist, cwd=tmp_path)
    source = tmp_path / sdist.name[: -len(".tar.gz")]
    script = ROOT / "scripts" / "python" / "wheel.sh"
    out = tmp_path / "out"
    # test-packaging.sh has set the time as the first build had it; outside git there is none.
    time = {name: os.environ[name] for name in ["SOURCE_DATE_EPOCH"] if name in os.environ}
    # Compiled anew: without CARGO_TARGET_DIR nothing of the first build is at hand.
    run(script, "wheel", out, source, cwd=tmp_path, **time)
    assert (out / portable_wheel.name).read_bytes() == portable_wheel.read_bytes()
    run(script, "sdist", out, source, cwd=tmp_path, **time)
    assert (out / sdist.name).read_bytes() == sdist.read_bytes()
