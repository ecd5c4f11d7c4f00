# SPDX-License-Identifier: MIT OR Apache-2.0
"""The states of a marker."""

from __future__ import annotations

from enum import IntEnum


class MarkerState(IntEnum):
    """How a marker stands. The kernel's locks alone decide between held and stale."""

    #: There is none, and the store is free.
    ABSENT = 1
    #: Somebody is at work; nobody may take over.
    HELD = 2
    #: A lock of this very process owns it, whichever thread acquired it.
    HELD_BY_THIS_PROCESS = 3
    #: Its holder died, or kept the marker on purpose. Only a signed attestation moves it aside.
    STALE = 4
    #: Nobody holds it, and its text cannot be parsed. It is not free.
    MALFORMED = 5
