"""What several scripts answer in the same shape, turned into the port's structs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allocator.answers import Holding


def holding(number: str, entry: Sequence[Any]) -> Holding | None:
    """One holder as in ``lua/call.lua``: nine values, or none when nobody held the number."""
    if not entry:
        return None
    pool, tuple_, since, until, guaranteed_until, clicks, calls, first, last = entry
    return Holding(
        number=number,
        pool=pool,
        tuple=tuple_,
        since=since,
        until=until or None,
        guaranteed_until=guaranteed_until,
        clicks=clicks,
        calls=calls,
        first_click=first.encode(),
        last_click=(last or first).encode(),
    )
