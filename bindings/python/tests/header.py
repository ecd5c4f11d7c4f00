# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ``include/crtx.h`` says: read as text, and by the C compiler."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from stores import REPOSITORY

INCLUDE = REPOSITORY / "include"


def _without_comments() -> str:
    text = (INCLUDE / "crtx.h").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def constants() -> dict[str, int]:
    """Every ``#define CRTX_NAME number``."""
    found = re.findall(r"^#define (CRTX_\w+) (\d+)$", _without_comments(), flags=re.MULTILINE)
    return {name: int(number) for name, number in found}


def functions() -> dict[str, tuple[str, list[str]]]:
    """Result type and parameter types of every function."""
    found = re.findall(r"^([\w ]+?[ *]+)(crtx_\w+)\(([^)]*)\);", _without_comments(), re.MULTILINE)
    return {
        name: (_type(result), [_type(parameter) for parameter in _parameters(parameters)])
        for result, name, parameters in found
    }


def _parameters(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    # The name is the last word.
    return [] if parts == ["void"] else [re.sub(r"\w+$", "", part) for part in parts]


def _type(text: str) -> str:
    return re.sub(r"\s*\*", " *", " ".join(text.replace("struct ", "").split())).strip()


def run_c(source: str, directory: Path) -> str:
    """Compiles a program against the header and returns what it prints."""
    compile_c(source, directory / "program")
    done = subprocess.run([directory / "program"], capture_output=True, text=True, check=True)
    return done.stdout


def compile_c(source: str, output: Path, *flags: str) -> None:
    file = output.with_suffix(".c")
    file.write_text(source, encoding="utf-8")
    command: list[str | Path] = [
        os.environ.get("CC") or "cc",
        "-I",
        INCLUDE,
        *flags,
        file,
        "-o",
        output,
    ]
    subprocess.run(command, check=True)
