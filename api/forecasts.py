"""When each pool will be exhausted, as a worker knows it at a scrape.

A forecast takes a second read of the pool and some arithmetic. So there is one only for pools that
fill up, it is made again when it is ``FORECAST_SECONDS`` old, and a scrape makes ``MAX_AT_ONCE``.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import NamedTuple

from allocator.answers import PoolStatus, Rules
from allocator.series import Series
from ringpool.sizing import forecast

FORECAST_SECONDS = 20.0
"""How old a forecast may be: it is made from counts of minutes."""

MAX_AT_ONCE = 500
"""Of more pools whose forecast is too old the fullest get one; the others keep theirs."""


class PoolState(NamedTuple):
    """A pool as it was just read. ``room``: numbers that it may have beside its own, and can."""

    pool: str
    status: PoolStatus
    rules: Rules
    room: int

    @property
    def capacity(self) -> int:
        """How many tuples may hold a number at a time."""
        return self.status.size - self.status.draining + self.room


class Seconds(NamedTuple):
    """To exhaustion: as may be by chance, and as will be; infinite: nothing says so."""

    possible: float
    likely: float


class _Made(NamedTuple):
    """``at``: when it was made, ``seconds``: from then."""

    at: float
    seconds: Seconds


class Forecasts:
    """One worker's forecasts. ``now``: a monotonic clock's reading, in seconds."""

    def __init__(self) -> None:
        self._made: dict[str, _Made] = {}

    def due(self, states: Iterable[PoolState], now: float) -> list[PoolState]:
        """The pools whose series should be read and added now. Forgets all but ``states``."""
        filling = {
            state.pool: state
            for state in states
            if state.status.held and state.status.held >= forecast.LEAST_HELD * state.capacity
        }
        self._made = {pool: made for pool, made in self._made.items() if pool in filling}
        waiting = [
            state
            for pool, state in filling.items()
            if pool not in self._made or self._made[pool].at + FORECAST_SECONDS < now
        ]
        return heapq.nlargest(
            MAX_AT_ONCE, waiting, key=lambda state: state.status.held / (state.capacity or 1)
        )

    def add(self, state: PoolState, series: Series, now: float) -> None:
        """Make a pool's forecast anew."""
        rules = state.rules
        made = forecast.exhaustion(
            series,
            held=state.status.held,
            capacity=state.capacity,
            hold_ms=max(rules.min_duration, rules.hold_on_activity),
        )
        seconds = Seconds(*(math.inf if each is None else each for each in made))
        self._made[state.pool] = _Made(now, seconds)

    def seconds(self, pool: str, now: float) -> Seconds:
        """In how many seconds a pool will be exhausted."""
        made = self._made.get(pool)
        if made is None:
            return Seconds(math.inf, math.inf)
        return Seconds(*(max(0.0, each - (now - made.at)) for each in made.seconds))
