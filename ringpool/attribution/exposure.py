"""Clicks whose calls were waited for: for how long each, when the window closes.

Of a click an hour before the end, only the share of calls that come within an hour can be seen.
Waits are put into classes a twentieth apart, as millions of clicks are the same to the model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringpool.attribution.clicks import Places, Spread
from ringpool.attribution.delay import (
    SHORTEST_MS,
    Array,
    Delay,
    Lognormal,
    Moments,
    cdf,
    standardized,
    summed,
)

_POINTS = 16
"""So many places stand for the clicks between first and last."""

_CLASS = 0.05
"""Of the logarithm of a wait."""


class Exposure(NamedTuple):
    """``clicks``: so many of a ``group`` that waited as long as the ``wait`` of that place says."""

    group: Places
    clicks: Array
    place: Places
    wait: Array

    @classmethod
    def of(cls, clicks: Spread, group: Places, since: float, until: float) -> Exposure:
        """The clicks of a window (Unix ms), each of a group."""
        count, first, last = clicks
        several = last > first
        (some,) = np.nonzero(count > 0)
        (two,) = np.nonzero(several & (count > 1))
        (more,) = np.nonzero(several & (count > 2))
        points = np.minimum(count[more] - 2, _POINTS).astype(int)
        spans = np.repeat(more, points)
        nth = np.arange(len(spans)) - np.repeat(np.cumsum(points) - points, points) + 0.5
        within = first[spans] + (last - first)[spans] * nth / np.repeat(points, points)
        at = np.concatenate([first[some], last[two], within])
        weight = np.concatenate(
            [
                np.where(several, 1.0, count)[some],
                np.ones(len(two)),
                (count[spans] - 2) / np.repeat(points, points),
            ]
        )
        of = np.concatenate([group[some], group[two], group[spans]])
        seen = (at >= since) & (at <= until)
        return cls._classed(of[seen], weight[seen], until - at[seen])

    @classmethod
    def _classed(cls, group: Places, weight: Array, wait: Array) -> Exposure:
        shortest = np.log(SHORTEST_MS)
        classes = np.rint((np.log(np.maximum(wait, SHORTEST_MS)) - shortest) / _CLASS).astype(int)
        most = int(classes.max(initial=0)) + 1
        pairs, place = np.unique(group * most + classes, return_inverse=True)
        return cls(
            pairs // most,
            summed(weight, place, len(pairs)),
            pairs % most,
            np.exp(shortest + _CLASS * np.arange(most)),
        )

    def of_groups(self, delay: Delay, groups: int) -> Array:
        """Σ F(wait) over each group's clicks: how many of its calls were seen, if all called."""
        return summed(self.clicks * cdf(delay, self.wait)[self.place], self.group, groups)

    def add_later(self, moments: Moments, part: Lognormal, rate: Array) -> None:
        """Add the calls that this component has yet to bring. ``rate``: calls a click, by group."""
        waiting = summed(self.clicks * rate[self.group], self.place, len(self.wait))
        moments.add_later(waiting * part.share, standardized(part, self.wait))
