"""The result of one check, as `ringpool doctor` and `ringpool check-page` tell it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """The result of one check. ``fail``: it doesn't work; ``warn``: it works, but may surprise."""

    level: Level
    subject: str
    message: str


def fault(subject: str, message: str, *, repaired: bool = False) -> Finding:
    """Something wrong, which is a warning where it was repaired."""
    if repaired:
        return Finding("warn", subject, f"{message} (repaired)")
    return Finding("fail", subject, message)
