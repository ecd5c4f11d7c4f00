# SPDX-License-Identifier: MIT OR Apache-2.0
"""Times and durations, as people write and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Nanoseconds are cut off before Python's own parser sees the text: it stops at microseconds.
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def seconds_of(text: str) -> float:
    """``90``, ``1.5s``, ``500ms``, ``30m``, ``2h``, ``1d``. ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)", text)
    if match is None:
        raise ValueError(f"{text!r} is no duration: write 90, 90s, 500ms, 30m or 2h")
    return float(match.group(1)) * _UNITS[match.group(2)]


def parse(text: str) -> datetime | None:
    """An RFC 3339 time; None if it is none, or one that Python cannot hold."""
    text = _FRACTION.sub(lambda match: "." + match.group(1).ljust(6, "0"), text)
    try:
        time = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        return None
    return time if time.tzinfo else None


def unix_ns(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def both(time: datetime) -> str:
    """Local time and UTC."""
    try:
        utc = time.astimezone(timezone.utc)
        local = time.astimezone()
    except (OverflowError, ValueError, OSError):
        return time.isoformat()
    text = f"{utc:%Y-%m-%dT%H:%M:%SZ}"
    if local.utcoffset() == timedelta(0):
        return text
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({text})"


def text_and_local(text: str) -> str:
    """A time from a document: in both forms if it can be read, else as it stands."""
    time = parse(text)
    return text if time is None else both(time)


def ago(time: datetime) -> str:
    age = int((datetime.now(timezone.utc) - time).total_seconds())
    if age < 0:
        return "in the future: is a clock wrong?"
    if age < 120:
        return f"{age} s ago"
    if age < 7200:
        return f"{age // 60} min ago"
    if age < 172800:
        return f"{age // 3600} h ago"
    return f"{age // 86400} days ago"
