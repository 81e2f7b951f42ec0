"""What is found of a person: one trace a place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

Place = Literal["store", "archive"]


class Trace(Struct, frozen=True):
    """``where``: the table, or the pool or stock and what of it. ``what``: all that is there."""

    place: Place
    where: str
    what: dict[str, Any]


class Count(Struct, frozen=True):
    """How many traces there are, or were, at a place."""

    place: Place
    where: str
    count: int


def counted(traces: Iterable[Trace]) -> list[Count]:
    """How many there are at each place, in the order of places."""
    counts = Counter((trace.place, trace.where) for trace in traces)
    return [Count(place, where, count) for (place, where), count in sorted(counts.items())]
