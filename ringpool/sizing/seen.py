"""The load on a pool, by what it saw: its series (``allocator.series``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import fmean

from msgspec import Struct

from allocator.series import HOUR_MS, MINUTE_MS, Hour, Minute, Series
from ringpool.model import Pool
from ringpool.times import Duration

_WEEK_HOURS = 168
_DAY_SECONDS = 86_400

_LEAST_ARRIVALS = 200
"""New tuples in whole hours of minutes below which nothing is said of bursts."""


class Seen(Struct, frozen=True, kw_only=True):
    """What came to a pool when it was busiest.

    That is so many ``hours`` from ``start_ms`` (Unix ms): one, or as many as the minimum duration
    has. ``asks``: answers in it; ``distinct``: those of them that wanted a number of their own,
    new, recycled and overflow; ``overflow``. ``peakedness``: of the last day (``burstiness``).
    ``held``: numbers held at a time in the last day's busiest hour, on average. ``known_hours``:
    for how long the pool has been asked.
    """

    start_ms: int
    hours: float
    asks: int
    distinct: int
    overflow: int
    peakedness: float
    held: float
    known_hours: float

    @property
    def overflow_share(self) -> float:
        """Share of those that wanted a number and found none, 0 to 1."""
        return self.overflow / self.distinct if self.distinct else 0.0


def busiest(series: Series, seconds: float) -> Seen | None:
    """Return what a pool saw when most new tuples came; None when none ever did.

    ``seconds``: the minimum duration. Of the last week; of all that is kept where the minimum
    duration is over a day: then numbers are held by those who came on several days. A tuple that
    gets the overflow number counts as new each time that it asks.
    """
    whole = _whole_hours(series)
    if seconds <= _DAY_SECONDS:
        whole = whole[-_WEEK_HOURS:]
    known = max(0, series.clock_ms - series.begun_ms) / HOUR_MS if series.begun_ms else 0.0
    if whole:
        width = min(len(whole), max(1, round(seconds / 3600)))
        until = [0, *accumulate(row.new + row.recycled + row.overflow for row in whole)]
        start = max(
            range(len(whole) - width + 1), key=lambda place: until[place + width] - until[place]
        )
        window: Sequence[Minute] = whole[start : start + width]
        hours = float(width)
    else:  # not even an hour yet
        window, hours = series.hours[-2:], max(known, MINUTE_MS / HOUR_MS)
    distinct = _distinct(window)
    if not distinct:
        return None
    return Seen(
        start_ms=max(window[0].start_ms, series.begun_ms),
        hours=hours,
        asks=sum(row.asks for row in window),
        distinct=distinct,
        overflow=sum(row.overflow for row in window),
        peakedness=burstiness(series),
        held=_held(series.minutes),
        known_hours=known,
    )


def texts(pool: Pool, seen: Seen | None) -> dict[str, str]:
    """Return the question that a pool's rules and what it saw are (``reading.FIELDS``).

    Where clicks renew guarantees, numbers are held for longer than the minimum duration. For how
    long follows from how many were held, and how many would be with those who found no number.
    """
    found = {"min_duration": str(pool.min_duration), "renewed": "1" if pool.hold else "0"}
    if seen is None:
        return found
    clicks, distinct = seen.asks / seen.hours, seen.distinct / max(seen.asks, seen.distinct)
    found |= {"clicks": f"{_short(max(clicks, 1e-6))}/h", "distinct": _short(distinct)}
    if pool.hold:
        load = seen.held / max(0.01, 1 - seen.overflow_share)
        longer = load * seen.hours * 3600 / seen.distinct - pool.min_duration / 1000
        if longer >= 1:
            found["extension"] = str(Duration(round(longer) * 1000))
    if seen.peakedness > 1:
        found["peakedness"] = f"{seen.peakedness:.2f}"
    return found


def question(pool: Pool, seen: Seen | None, given: Mapping[str, str]) -> dict[str, str]:
    """Return the same, with what is given instead of what was seen.

    Where the keywords that come again are given, so is which clicks bring tuples of their own; and
    how long these hold their numbers, where something is said of that.
    """
    found = texts(pool, seen)
    given = {name: text for name, text in given.items() if text.strip()}
    if "keywords" in given:
        found.pop("distinct", None)
    if given.keys() & {"keywords", "renewed", "min_duration"}:
        found.pop("extension", None)
    return found | given


def burstiness(series: Series) -> float:
    """Return how much more new tuples vary from minute to minute than at random; 1: no more.

    The variance of new tuples a minute around the mean of their hour, next to that mean: the index
    of dispersion for counts (D. R. Cox, P. A. W. Lewis, *The Statistical Analysis of Series of
    Events*, 1966), which is the peakedness of bursts that are over within a minute, and a lower
    bound where they last longer. 1 where too few came, and where chance alone may be more than 1:
    with ν degrees of freedom the index varies by √(2/ν) around 1.
    """
    squares = expected = 0.0
    arrivals = freedom = 0
    hours: dict[int, list[int]] = {}
    for row in series.minutes[:-1]:
        if row.start_ms >= series.begun_ms + MINUTE_MS:
            hours.setdefault(row.start_ms // HOUR_MS, []).append(_distinct([row]))
    for counts in hours.values():
        mean = fmean(counts)
        if len(counts) == 60 and mean:
            squares += math.fsum((count - mean) ** 2 for count in counts)
            expected += mean * 59
            freedom, arrivals = freedom + 59, arrivals + sum(counts)
    if arrivals < _LEAST_ARRIVALS:
        return 1.0
    index = squares / expected
    return min(index, 1000.0) if index > 1 + 3 * math.sqrt(2 / freedom) else 1.0


def _whole_hours(series: Series) -> list[Hour]:
    """The hours that the pool was asked in from beginning to end."""
    return [row for row in series.hours[:-1] if row.start_ms >= series.begun_ms > 0]


def _short(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _distinct(rows: Sequence[Minute]) -> int:
    return sum(row.new + row.recycled + row.overflow for row in rows)


def _held(minutes: Sequence[Minute]) -> float:
    """Numbers held in the busiest hour, on average over its minutes."""
    held = [row.peak_held for row in minutes]
    width = min(60, len(held))
    if not width:
        return 0.0
    together = most = sum(held[:width])
    for place in range(width, len(held)):
        together += held[place] - held[place - width]
        most = max(most, together)
    return most / width
