"""What happened in a pool in each minute of a day and in each hour of 35 days.

The scripts that give numbers write it (``lua/include/pool_series.lua``). Counts are kept as small
floats: answers, new, calls and numbers held are exact up to 63, else within 1.6 %; recycled,
overflow and ages (in seconds) up to 31, else within 3.2 %. Each row is rounded by itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from allocator.replies import known, string_bytes

MOST_MINUTES, MOST_HOURS = 1440, 840
"""How many there are at most, the present ones among them."""

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

_ROW_BYTES = 8


def _count(code: int, fraction: int) -> int:
    """The count that a small float stands for (``code_of`` in the Lua file)."""
    power = max(0, (code >> fraction) - 1)
    return (code - (power << fraction)) << power


_WIDE = [_count(code, 5) for code in range(1024)]
_FINE, _COARSE = ([_count(code, fraction) for code in range(512)] for fraction in (5, 4))
"""Counts by their code, of 10 bits and of 9."""


class Minute(Struct, frozen=True):
    """What happened in one minute. ``start_ms``: when it began (Unix ms).

    ``asks``: answers given, whatever the state. ``peak_held``: most numbers inside a guarantee, the
    draining ones not counted. ``age_ms``: how long the former assignments of the numbers recycled
    in it had stood, on average; 0: none was.
    """

    start_ms: int
    asks: int = 0
    new: int = 0
    recycled: int = 0
    overflow: int = 0
    peak_held: int = 0
    calls: int = 0
    age_ms: int = 0


class Hour(Minute, frozen=True):
    """The same of a clock hour (UTC)."""


class Series(Struct, frozen=True):
    """Minutes and hours, oldest first and without gaps; the last of each isn't over yet.

    ``clock_ms``: the pool's time. ``begun_ms``: when the series began, 0 before the pool was asked;
    earlier minutes and hours are all 0.
    """

    clock_ms: int
    begun_ms: int
    minutes: list[Minute]
    hours: list[Hour]


class _Reply(Struct, frozen=True, array_like=True):
    """What ``pool/series`` replies."""

    clock: int
    begun: int
    minutes: Raw
    hours: Raw


_decode = msgspec.msgpack.Decoder(_Reply | bool).decode
_M = TypeVar("_M", bound=Minute)


def decode_series(pool_id: str, reply: bytes, minutes_asked: int, hours_asked: int) -> Series:
    """What ``pool/series`` replied; raises UnknownPool."""
    found: _Reply = known(pool_id, _decode(reply))
    of_minutes, of_hours = string_bytes(found.minutes), string_bytes(found.hours)
    if not found.begun:
        of_minutes = bytes(minutes_asked * _ROW_BYTES)
        of_hours = bytes(hours_asked * _ROW_BYTES)
    minutes = _rows(Minute, of_minutes, found.clock, MINUTE_MS)
    hours = _rows(Hour, of_hours, found.clock, HOUR_MS)
    return Series(found.clock, found.begun * MINUTE_MS, list(minutes), list(hours))


def _rows(kind: type[_M], rows: bytes, clock: int, span: int) -> Iterator[_M]:
    count = len(rows) // _ROW_BYTES
    start = (clock // span - count + 1) * span
    for row in struct.unpack(f">{count}Q", rows):
        if row:
            yield kind(
                start,
                _WIDE[row >> 54],
                _FINE[row >> 45 & 511],
                _COARSE[row >> 36 & 511],
                _COARSE[row >> 27 & 511],
                _FINE[row >> 18 & 511],
                _FINE[row >> 9 & 511],
                _COARSE[row & 511] * 1000,
            )
        else:
            yield kind(start)
        start += span
