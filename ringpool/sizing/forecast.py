"""When a pool will have nothing left to give, from what its last minutes brought.

Two things are known better than by drawing a line through the pool's utilization. The numbers that
are inside a guarantee now come free at known times: each tuple of the last minimum duration has its
number for just that long. And what fills a pool is the rate at which tuples come, whose trend is
seen in the minutes before the pool fills up, not only while it does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from allocator.series import MINUTE_MS, Series

HORIZON_MINUTES = 60
"""How far ahead is looked: a rate's trend says nothing of later."""

LEAST_HELD = 0.1
"""Share of all numbers that a pool may have: while fewer are held, a forecast is worth nothing."""

MINUTES_READ = 120
"""How many minutes of a series a forecast is made from."""


class _Traffic(NamedTuple):
    """What is believed of a pool's traffic. Found by trying, on loads drawn at random.

    ``minutes``: how many are looked back. ``margin``: standard deviations of the tuples still to
    come that are kept free; below 0: as many too few there must be. ``jump``: standard deviations
    from which on a count doesn't belong to the rate that was. ``trend_minutes``: a trend is usual
    by which a pool would come to its full rate in this time. ``trend_change``, ``rate_change``: how
    much of that trend's square the trend's variance grows by in a minute, and the rate's.
    ``doubt``: standard deviations of a trend that aren't believed, as far as counts vary by chance.
    ``lasts``: what is left of a trend a minute later, where it is drawn out (a damped trend: E. S.
    Gardner and E. McKenzie, *Forecasting trends in time series*, Management Science 31, 1985).
    """

    minutes: int
    margin: float
    jump: float
    trend_minutes: float
    trend_change: float
    rate_change: float
    doubt: float
    lasts: float


_EVEN = _Traffic(59, 1.0, 4.0, 30.0, 0.1 / 15, 0.0, 1.0, 1.0)
"""Tuples that come evenly tell of a change at once. What is possible is drawn out like this."""

_RANDOM = _Traffic(119, -0.5, 5.0, 80.0, 0.0007, 1.0, 0.0, 0.95)
"""Of tuples that come at random it takes long to know their rate, and a trend is soon a mistake."""

_UNEVEN = 0.3
"""Variance of counts, next to a Poisson process', from which on tuples come at random."""

_BLOCK_TUPLES, _BLOCK_MINUTES = 6, 20
"""Counts are compared by blocks of so many tuples, which are no longer than so many minutes."""

_SHORTEST_HOLD = 20.0
"""Minutes. Pools that give a number again sooner are taken to change no faster than with this."""


class Forecast(NamedTuple):
    """In how many seconds every number will be inside a guarantee, or None.

    0.0: they are now. None: not within HORIZON_MINUTES, or nobody comes. ``possible``: what may
    well be chance is believed. ``likely``: only what chance hardly brings about; never sooner.
    """

    possible: float | None
    likely: float | None


def exhaustion(series: Series, *, held: int, capacity: int, hold_ms: int) -> Forecast:
    """Return when a pool will be exhausted.

    ``held``: numbers inside a guarantee; ``capacity``: how many there may be; ``hold_ms``: how long
    a tuple has its number.

    Where tuples come evenly (``_is_even``) both answers are the same, as a change is known at once.
    Where they come at random it takes long to know their rate, and a margin would be used up by
    chance again and again: of what is likely, half a standard deviation of the tuples to come must
    be lacking, and a trend is taken to fade.
    """
    past = _Past(series, held, hold_ms / MINUTE_MS)
    if not sum(past.counts[-_EVEN.minutes - 1 :]):
        return Forecast(None, None)
    if held >= capacity:
        return Forecast(0.0, 0.0)
    possible = _seconds(past, held, capacity, _EVEN)
    if possible is None or _is_even(past.minutes):
        return Forecast(possible, possible)
    likely = _seconds(past, held, capacity, _RANDOM)
    return Forecast(possible, None if likely is None else max(possible, likely))


def _seconds(past: _Past, held: int, capacity: int, traffic: _Traffic) -> float | None:
    """In how many seconds a pool will be exhausted, by one belief of its traffic.

    Tuples to come are the last minutes' rate and its trend (``_rate_and_trend``), drawn out. Those
    that hold a number at a time are what is left of the ones now, and the ones to come until then
    less those whose guarantee is over by then. The answer is when that, and the margin, is as much
    as there is: counts of tuples vary as a Poisson process' do, or as much more or less as they
    did.
    """
    counts = past.minutes[-traffic.minutes :]
    varies = _dispersion(past.minutes[-_EVEN.minutes :])
    full = max(capacity / max(past.hold, _SHORTEST_HOLD), 0.5 * sum(counts) / (len(counts) or 1))
    rate, trend = _rate_and_trend(counts, varies, full, traffic)
    rates = []
    for _ in range(HORIZON_MINUTES):
        rates.append(max(0.0, rate + trend / 2))
        rate += trend
        trend *= traffic.lasts
    to_come = list(accumulate(rates, initial=0.0))
    before = float(held)
    for minute in range(1, HORIZON_MINUTES + 1):
        fresh = to_come[minute] - _at(to_come, minute - past.hold)
        expected = past.still_held(minute) + fresh + traffic.margin * math.sqrt(varies * fresh)
        if expected >= capacity:
            share = (capacity - before) / (expected - before) if expected > before else 1.0
            return 60.0 * (minute - 1 + min(1.0, max(0.0, share)))
        before = expected
    return None


class _Past:
    """Tuples that came, minute by minute, and how many of them hold a number for how long yet.

    ``counts``: by the minute, the oldest first; ``minutes``: of those that are over. ``hold``:
    minutes that a tuple has its number.
    """

    def __init__(self, series: Series, held: int, hold: float) -> None:
        seen = [
            minute for minute in series.minutes if minute.start_ms + MINUTE_MS > series.begun_ms
        ]
        counts = [float(minute.new + minute.recycled + minute.overflow) for minute in seen]
        self.hold = hold
        self.counts = counts
        self.minutes = counts[:-1]
        self._under_way = (series.clock_ms % MINUTE_MS) / MINUTE_MS
        # Backwards from now: how many came since so many boundaries of minutes ago.
        self._since = list(accumulate(reversed(counts), initial=0.0))
        seen_minutes = len(self.minutes) + self._under_way
        recent = self._came_within(hold)
        # Others' beginning isn't known. They end evenly within the time that is left to who came
        # before what is seen; where all that came within the last guarantee is seen, their
        # guarantees have been renewed by clicks, and may be again.
        self._others = max(0.0, held - recent)
        self._others_end = hold - seen_minutes if hold > seen_minutes else math.inf
        self._share = min(1.0, held / recent) if recent else 0.0

    def still_held(self, minutes: float) -> float:
        """Numbers held now that will be in so many minutes."""
        others = self._others * max(0.0, 1 - minutes / self._others_end)
        return others + self._share * self._came_within(self.hold - minutes)

    def _came_within(self, minutes: float) -> float:
        """Tuples that came in the last so many minutes."""
        if minutes <= self._under_way:
            share = minutes / self._under_way if self._under_way else 0.0
            return self._since[1] * max(0.0, share)
        return _at(self._since, minutes - self._under_way + 1)


def _at(values: Sequence[float], place: float) -> float:
    """The value at a place between two of a list, or at its end."""
    if place <= 0:
        return values[0]
    below = int(place)
    if below >= len(values) - 1:
        return values[-1]
    return values[below] + (values[below + 1] - values[below]) * (place - below)


def _dispersion(counts: Sequence[float]) -> float:
    """How much counts of a minute vary, next to a Poisson process' (1.0), whatever their trend is.

    By second differences, whose mean square is six times the variance where the trend is straight
    (J. von Neumann, R. H. Kent, H. R. Bellinson and B. I. Hart, *The mean square successive
    difference*, Annals of Mathematical Statistics 12, 1941, with one difference more). Few counts
    say little: they are taken with ten more that vary a third as much as a Poisson process'.
    """
    middle = counts[1:-1]
    around = zip(counts, middle, counts[2:], strict=False)
    square = sum((before - 2 * count + after) ** 2 for before, count, after in around) / 6
    return min(3.0, max(0.02, (square + 3) / (sum(middle) + 10)))


def _is_even(counts: Sequence[float]) -> bool:
    """Whether tuples come more evenly than at random, as far as that can be told.

    Minutes in which few tuples come vary as a Poisson process' do, however even those are: so
    second differences (``_dispersion``) are taken of blocks of minutes. Each minute begins a block,
    so one block in so many counts. Little seen is taken to be random.
    """
    begun = next((place for place, count in enumerate(counts) if count), len(counts))
    since = list(accumulate(counts[begun:], initial=0.0))
    size = _BLOCK_MINUTES
    if since[-1]:
        size = min(size, math.ceil(_BLOCK_TUPLES * (len(since) - 1) / since[-1]))
    blocks = [end - start for start, end in zip(since, since[size:], strict=False)]
    middle = blocks[size:-size]
    around = zip(blocks, middle, blocks[2 * size :], strict=False)
    square = sum((before - 2 * block + after) ** 2 for before, block, after in around) / 6
    return (square / size + 5) / (sum(middle) / size + 5) < _UNEVEN


def _rate_and_trend(
    counts: Sequence[float], varies: float, full: float, traffic: _Traffic
) -> tuple[float, float]:
    """Return tuples a minute at the end of the counts, and by how much that grows in a minute.

    A local linear trend, followed by a Kalman filter (A. C. Harvey, *Forecasting, Structural Time
    Series Models and the Kalman Filter*, 1989, 2.3.2): few and uneven tuples weigh little, many and
    even ones tell at once. A count far from what was expected is passed over; when the next one is
    far from it too, the rate has jumped, which is no trend (M. West and J. Harrison, *Bayesian
    Forecasting and Dynamic Models*, 1997, ch. 11).
    ``full``: the rate that would take all numbers.
    """
    usual = (full / traffic.trend_minutes) ** 2
    rate, trend = sum(counts[:5]) / max(1, len(counts[:5])), 0.0
    of_rate, of_both, of_trend = full * full * 0.05, 0.0, usual
    was_far = False
    for count in counts:
        rate = max(0.0, rate + trend)
        of_rate, of_both = of_rate + 2 * of_both + of_trend, of_both + of_trend
        of_rate += usual * traffic.rate_change
        of_trend += usual * traffic.trend_change
        error = count - rate
        of_error = of_rate + varies * rate + 0.15  # whole tuples vary as well when they come evenly
        far = error * error > traffic.jump**2 * of_error
        if far and not was_far:
            was_far = True
            continue
        if far:
            of_rate += error * error
            of_error += error * error
        was_far = far
        gain, trend_gain = of_rate / of_error, of_both / of_error
        rate, trend = rate + gain * error, trend + trend_gain * error
        of_trend -= trend_gain * of_both
        of_rate, of_both = (1 - gain) * of_rate, (1 - gain) * of_both
    doubt = traffic.doubt * min(1.0, varies) * math.sqrt(of_trend)
    return max(0.0, rate), math.copysign(max(0.0, abs(trend) - doubt), trend)
