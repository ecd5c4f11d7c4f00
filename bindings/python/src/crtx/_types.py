# SPDX-License-Identifier: MIT OR Apache-2.0
"""The types of arguments."""

from __future__ import annotations

import os
from typing import Union

#: A path: text, bytes (which need not be UTF-8), or an object with ``__fspath__``.
PathArgument = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

#: Binary data.
BytesArgument = Union[bytes, bytearray, memoryview]
