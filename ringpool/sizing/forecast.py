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

from allocator.series import MINUTE_MS, Series

HORIZON_MINUTES = 60
"""How far ahead is looked: a rate's trend says nothing of later."""

LEAST_HELD = 0.1
"""Share of all numbers that a pool may have: while fewer are held, a forecast is worth nothing."""

MINUTES_READ = 60
"""How many minutes of a series a forecast is made from."""

_MARGIN = 1.0
"""Standard deviations of the tuples still to come that are kept free."""

_JUMP = 4.0
"""Standard deviations from which on a count doesn't belong to the rate that was."""

_TREND_MINUTES = 30.0
"""A trend that is usual: one by which a pool would come to its full rate in this time."""

_TREND_CHANGE = 0.1 / 15
"""How much of its usual square a trend changes by in a minute."""

_DOUBT = 1.0
"""Standard deviations of a trend that aren't believed, as far as counts vary by chance."""

_SHORTEST_HOLD = 20.0
"""Minutes. Pools that give a number again sooner are taken to change no faster than with this."""


def seconds_to_exhaustion(
    series: Series, *, held: int, capacity: int, hold_ms: int
) -> float | None:
    """Return in how many seconds every number will be inside a guarantee, or None.

    0.0: they are now. None: not within HORIZON_MINUTES, or nobody comes. ``held``: numbers inside a
    guarantee; ``capacity``: how many there may be; ``hold_ms``: how long a tuple has its number.

    Tuples to come are the last minutes' rate and its trend (``_rate_and_trend``), drawn out. Those
    that hold a number at a time are what is left of the ones now, and the ones to come until then
    less those whose guarantee is over by then. The answer is when that, and _MARGIN standard
    deviations of the ones to come, is as much as there is: counts of tuples vary as a Poisson
    process' do, or as much more or less as they did.
    """
    past = _Past(series, held, hold_ms / MINUTE_MS)
    if not past.came:
        return None
    if held >= capacity:
        return 0.0
    varies = _dispersion(past.minutes)
    full = max(
        capacity / max(past.hold, _SHORTEST_HOLD), 0.5 * past.came / (len(past.minutes) or 1)
    )
    rate, trend = _rate_and_trend(past.minutes, varies, full)
    to_come = list(
        accumulate(
            (max(0.0, rate + trend * (minute + 0.5)) for minute in range(HORIZON_MINUTES)),
            initial=0.0,
        )
    )
    before = float(held)
    for minute in range(1, HORIZON_MINUTES + 1):
        fresh = to_come[minute] - _at(to_come, minute - past.hold)
        expected = past.still_held(minute) + fresh + _MARGIN * math.sqrt(varies * fresh)
        if expected >= capacity:
            share = (capacity - before) / (expected - before) if expected > before else 1.0
            return 60.0 * (minute - 1 + min(1.0, max(0.0, share)))
        before = expected
    return None


class _Past:
    """Tuples that came, minute by minute, and how many of them hold a number for how long yet.

    ``minutes``: counts of those that are over, the oldest first. ``hold``: minutes that a tuple has
    its number.
    """

    def __init__(self, series: Series, held: int, hold: float) -> None:
        seen = [
            minute for minute in series.minutes if minute.start_ms + MINUTE_MS > series.begun_ms
        ]
        counts = [float(minute.new + minute.recycled + minute.overflow) for minute in seen]
        self.hold = hold
        self.came = sum(counts)
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


def _rate_and_trend(counts: Sequence[float], varies: float, full: float) -> tuple[float, float]:
    """Return tuples a minute at the end of the counts, and by how much that grows in a minute.

    A local linear trend, followed by a Kalman filter (A. C. Harvey, *Forecasting, Structural Time
    Series Models and the Kalman Filter*, 1989, 2.3.2): few and uneven tuples weigh little, many and
    even ones tell at once. A count far from what was expected is passed over; when the next one is
    far from it too, the rate has jumped, which is no trend (M. West and J. Harrison, *Bayesian
    Forecasting and Dynamic Models*, 1997, ch. 11).
    ``full``: the rate that would take all numbers.
    """
    usual = (full / _TREND_MINUTES) ** 2
    rate, trend = sum(counts[:5]) / max(1, len(counts[:5])), 0.0
    of_rate, of_both, of_trend = full * full * 0.05, 0.0, usual
    was_far = False
    for count in counts:
        rate = max(0.0, rate + trend)
        of_rate, of_both = of_rate + 2 * of_both + of_trend, of_both + of_trend
        of_trend += usual * _TREND_CHANGE
        error = count - rate
        of_error = of_rate + varies * rate + 0.15  # whole tuples vary as well when they come evenly
        far = error * error > _JUMP * _JUMP * of_error
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
    doubt = _DOUBT * min(1.0, varies) * math.sqrt(of_trend)
    return max(0.0, rate), math.copysign(max(0.0, abs(trend) - doubt), trend)
