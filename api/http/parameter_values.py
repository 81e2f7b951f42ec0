"""Texts of parameters, read: a time, a switch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from ringpool.faults import Fault
from ringpool.times import to_unix_ms

Time = Annotated[datetime, Meta(tz=True)]
"""A time with its offset."""

TIME_EXPECTED = "expected a time with its offset, such as 2026-11-21T14:32:00Z"
SWITCH_EXPECTED = "write 1 or 0"

_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def unix_ms(name: str, text: str) -> int:
    """RFC 3339 as Unix ms; raises a Fault of the parameter ``name``.

    A blank counts as a plus that wasn't escaped.
    """
    try:
        return to_unix_ms(msgspec.convert(text.replace(" ", "+"), Time))
    except ValueError:  # msgspec.ValidationError is one
        raise Fault(name, TIME_EXPECTED) from None


def switch(name: str, text: str) -> bool:
    """Whether it is on; "" is off. Raises a Fault of the parameter ``name``."""
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise Fault(name, SWITCH_EXPECTED) from None
