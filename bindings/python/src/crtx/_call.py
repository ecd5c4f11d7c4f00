# SPDX-License-Identifier: MIT OR Apache-2.0
"""Python values into C arguments, and C results back. No other module touches a buffer."""

from __future__ import annotations

import ctypes
import operator
import os
from datetime import timedelta
from pathlib import Path
from typing import Callable

from crtx import _abi
from crtx._types import BytesArgument, PathArgument
from crtx.errors import from_c, invalid_argument
from crtx.status import Status

# Larger than any path, document or list that is usual; what does not fit is asked for again.
_FIRST_CAPACITY = 4200


def _without_nul(data: bytes, what: str) -> bytes:
    # A C string ends at the first NUL: the library would see another, shorter argument.
    position = data.find(0)
    if position >= 0:
        raise invalid_argument(f"{what} has a NUL byte at offset {position}")
    return data


def path(argument: PathArgument, what: str = "the path") -> bytes:
    try:
        encoded = os.fsencode(argument)
    except UnicodeEncodeError as error:
        raise invalid_argument(f"{what} cannot be encoded: {error}") from error
    return _without_nul(encoded, what)


def text(argument: str, what: str) -> bytes:
    if not isinstance(argument, str):
        raise TypeError(f"{what} must be str, not {type(argument).__name__}")
    # A lone surrogate becomes bytes that are not UTF-8, which the library refuses and names.
    return _without_nul(argument.encode("utf-8", "surrogatepass"), what)


def optional_text(argument: str | None, what: str) -> bytes | None:
    return None if argument is None else text(argument, what)


def data(argument: BytesArgument, what: str) -> bytes:
    try:
        return memoryview(argument).tobytes()
    except TypeError:
        raise TypeError(f"{what} must be bytes-like, not {type(argument).__name__}") from None


def integer(argument: int, what: str, low: int, high: int) -> int:
    """ctypes would cut a number that does not fit to its lower bits, without a word."""
    number = operator.index(argument)
    if not low <= number <= high:
        raise invalid_argument(f"{what} is {number}, and must be from {low} to {high}")
    return number


def seconds(argument: int | timedelta, what: str) -> int:
    if isinstance(argument, timedelta):
        argument = argument // timedelta(seconds=1)
    return integer(argument, what, 0, 2**32 - 1)


def nanoseconds(argument: int, what: str) -> int:
    return integer(argument, what, -(2**63), 2**63 - 1)


def flags(allow_network_filesystem: bool, allow_shared_directory: bool) -> int:
    network = _abi.ALLOW_NETWORK_FILESYSTEM if allow_network_filesystem else 0
    return network | (_abi.ALLOW_SHARED_DIRECTORY if allow_shared_directory else 0)


def expect_ok(status: int, error: _abi.Error, where: PathArgument | None = None) -> None:
    if status != Status.OK:
        raise from_c(error, where)


def text_of(
    function: Callable[..., int], *arguments: object, where: PathArgument | None = None
) -> bytes:
    """Calls a function whose last arguments are ``buffer, capacity, out_needed, error``, and returns
    its text without the final NUL. ``where`` is the path for the exception."""
    error = _abi.Error()
    needed = ctypes.c_size_t(_FIRST_CAPACITY)
    while True:
        # What is asked for may grow between two calls: a list gets longer, a marker changes.
        buffer = ctypes.create_string_buffer(needed.value)
        status = function(
            *arguments, buffer, len(buffer), ctypes.byref(needed), ctypes.byref(error)
        )
        if status == Status.BUFFER_TOO_SMALL and needed.value > len(buffer):
            continue
        expect_ok(status, error, where)
        return buffer.raw[: needed.value - 1]


def stale_path_of(
    function: Callable[..., int], marker_path: bytes, *arguments: object, where: PathArgument
) -> Path:
    """The same for ``stale_path``, which is also written if the call fails after the old marker was
    moved: the exception then has it."""
    error = _abi.Error()
    buffer = ctypes.create_string_buffer(len(marker_path) + _abi.STALE_PATH_EXTRA)
    status = function(marker_path, *arguments, buffer, len(buffer), None, ctypes.byref(error))
    if status != Status.OK:
        failure = from_c(error, where)
        if buffer.value:
            failure.stale_path = Path(os.fsdecode(buffer.value))
        raise failure
    return Path(os.fsdecode(buffer.value))
