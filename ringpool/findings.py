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
