"""Clicks as arrays: those that a call may come from, and those whose calls may still come.

An assignment has a count, a first and a last click. If clicks come at random, those between are
anywhere between, each place as likely as any other. So they are one span in which so many clicks
are spread evenly, and the sum of a delay's density over them is an integral, which is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ringpool.attribution.delay import (
    Array,
    Lognormal,
    Moments,
    density,
    normal_cdf,
    normal_pdf,
    standardized,
    summed,
)
from ringpool.attribution.evidence import Clicks

Places = NDArray[np.intp]


_NONE: Array = np.zeros(0)


class Spread(NamedTuple):
    """Assignments as arrays: how many clicks each had, when the first and the last."""

    clicks: Array
    first: Array
    last: Array

    @classmethod
    def of(cls, clicks: Sequence[Clicks]) -> Spread:
        """Whatever is told, the last isn't before the first."""
        made = np.array([(each.count, each.first_at, each.last_at) for each in clicks], float)
        count, first, last = made.reshape(len(clicks), 3).T
        return cls(np.maximum(count, 0), first, np.maximum(first, last))


class Delays(NamedTuple):
    """From clicks to a call, ms. Those after the call are left out.

    Each point is ``weight`` clicks ``delay`` before it, each span ``span_weight`` clicks from
    ``high`` to ``low`` before it. ``place`` and ``span_place``: which of the given clicks they are
    of. ``counted``, ``span_counted``: how much of each (0 to 1) isn't before a given time.
    """

    place: Places
    weight: Array
    delay: Array
    counted: Array
    span_place: Places
    span_weight: Array
    low: Array
    high: Array
    span_counted: Array

    @classmethod
    def until(cls, at: Array, clicks: Spread, since: float = -np.inf) -> Delays:
        """The delays at a call, one time for each of the given clicks."""
        count, first, last = clicks
        several = last > first
        (begun,) = np.nonzero((count > 0) & (first <= at))
        (ended,) = np.nonzero(several & (count > 1) & (last <= at))
        (spans,) = np.nonzero(several & (count > 2) & (first < at))
        place = np.concatenate([begun, ended])
        clicked = np.concatenate([first[begun], last[ended]])
        start, stop = first[spans], last[spans]
        until = np.minimum(stop, at[spans])
        return cls(
            place,
            np.concatenate([np.where(several, 1.0, count)[begun], np.ones(len(ended))]),
            at[place] - clicked,
            (clicked >= since).astype(float),
            spans,
            (count[spans] - 2) * ((until - start) / (stop - start)),
            at[spans] - until,
            at[spans] - start,
            np.clip((until - since) / (until - start), 0, 1),
        )

    def seen(self, part: Lognormal) -> Seen:
        """What one component of a mixture has of the calls."""
        z = standardized(part, self.delay)
        of_points = self.weight * density(part, z, self.delay)
        if not len(self.span_place):  # as a rule: most have one click or two
            return Seen(self, of_points, z, _NONE, _NONE, _NONE, _NONE)
        low, high = standardized(part, self.low), standardized(part, self.high)
        per_ms = part.share * self.span_weight / np.maximum(self.high - self.low, 1e-9)
        of_spans = per_ms * np.maximum(0.0, normal_cdf(high) - normal_cdf(low))
        return Seen(self, of_points, z, of_spans, low, high, per_ms)


class Seen(NamedTuple):
    """Delays as one component has them: share·f of each point and span, and where they are, in z.

    ``per_ms``: clicks a ms of each span, times the component's share.
    """

    delays: Delays
    of_points: Array
    z: Array
    of_spans: Array
    low: Array
    high: Array
    per_ms: Array

    def calls(self, places: int) -> Array:
        """Σ share·f over the clicks of each place: calls a ms, if each click made one."""
        return summed(self.of_points, self.delays.place, places) + summed(
            self.of_spans, self.delays.span_place, places
        )

    def counted(self, places: int) -> Array:
        """As ``density``, of the clicks that count."""
        points, spans = (
            self.of_points * self.delays.counted,
            self.of_spans * self.delays.span_counted,
        )
        return summed(points, self.delays.place, places) + summed(
            spans, self.delays.span_place, places
        )

    def add_to(self, moments: Moments, calls: Array) -> None:
        """Add the calls that the clicks that count have made: of each place's density so much."""
        points = self.of_points * calls[self.delays.place] * self.delays.counted
        moments.add(points, points * self.z, points * self.z * self.z)
        counted = calls[self.delays.span_place] * self.delays.span_counted
        spans, per_ms = self.of_spans * counted, self.per_ms * counted
        at_low, at_high = normal_pdf(self.low), normal_pdf(self.high)
        moments.add(
            spans,
            per_ms * (at_low - at_high),
            spans + per_ms * (self.low * at_low - self.high * at_high),
        )
