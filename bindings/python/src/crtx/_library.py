# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finds and loads the shared library: the one in this package, else what ``CRTX_LIBRARY`` names.

There is no search along the system's library path: which library guards a database is not left to
``LD_LIBRARY_PATH``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from crtx import _abi

_VARIABLE = "CRTX_LIBRARY"


def _bundled() -> Path:
    name = {"win32": "crtx.dll", "darwin": "libcrtx.dylib"}.get(sys.platform, "libcrtx.so")
    # Not resolved: in a farm of symlinks the library is beside the link.
    return Path(os.path.abspath(__file__)).parent / "_native" / name


def _find() -> Path:
    bundled = _bundled()
    if bundled.is_file():
        return bundled
    named = os.environ.get(_VARIABLE)
    if not named:
        raise ImportError(f"no crtx library: {bundled} is missing, and {_VARIABLE} is not set")
    path = Path(named)
    # A relative name would be looked up along the system's library path, or where a chdir led.
    if not path.is_absolute():
        raise ImportError(
            f"no crtx library: {bundled} is missing, and {_VARIABLE} is not an absolute path: {named}"
        )
    return path


def _load() -> ctypes.CDLL:
    path = _find()
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"the crtx library cannot be loaded from {path}: {error}") from error
    try:
        found = loaded.crtx_abi_version()
        if found != _abi.ABI_VERSION:
            raise ImportError(
                f"{path} has ABI version {found}, and this package needs {_abi.ABI_VERSION}"
            )
        _abi.declare(loaded)
    except AttributeError as error:
        raise ImportError(f"{path} is not the crtx library of this package: {error}") from error
    return loaded


library = _load()
