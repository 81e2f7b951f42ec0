"""The same question put to the real allocation: its scripts, in a store of their own, in virtual
time.

Clicks come at random (a Poisson process) to one pool, and what it answers is counted. Nothing is
asked of the operator's store.
"""

from __future__ import annotations

import heapq
import math
import random
import tempfile
from bisect import bisect
from collections.abc import Callable, Iterator
from itertools import accumulate
from statistics import fmean, stdev

from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules, State
from allocator.embedded import open_embedded
from allocator.redis.url import connect
from ringpool.sizing import load
from ringpool.sizing.sizing import Question

_BATCHES = 20
"""Parts of the run, whose shares of overflow differ by chance: from them its error is known."""

_TIMEOUT_MS = 10_000
_POOL = "simulated"
_VISITOR = "visitor="
_START_MS = 1_600_000_000_000


class Simulated(Struct, frozen=True, kw_only=True):
    """``clicks``: how many were counted, of them ``asked`` such that wanted a number of their own.

    ``overflow``: the share of these that found none, ``error``: its standard error. ``seed``: with
    it the run repeats.
    """

    clicks: int
    asked: int
    overflow: float
    error: float
    seed: int

    def agrees(self, expected: float) -> bool:
        """Whether an expected share is within three standard errors."""
        return abs(self.overflow - expected) <= 3 * self.error


async def simulate(
    question: Question,
    numbers: int,
    clicks: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Simulated:
    """Count what becomes of so many clicks, after as many as it takes to fill the pool.

    ``progress`` is told how many are done, the first ones too (``all_clicks``).
    """
    with (
        tempfile.TemporaryDirectory(prefix="ringpool-size-") as folder,
        open_embedded(folder) as url,
    ):
        store = await connect(url, timeout_ms=_TIMEOUT_MS)
        try:
            return await _run(Allocator(store), question, numbers, clicks, seed, progress)
        finally:
            await store.aclose()


def all_clicks(question: Question, clicks: int) -> int:
    """How many clicks a simulation takes, those before it counts among them."""
    return clicks + warm_up(question)


def warm_up(question: Question) -> int:
    """Clicks of three guarantees: the pool has forgotten that it began empty."""
    return math.ceil(3 * question.traffic.busy_clicks * (question.seconds + question.extension))


async def _run(
    allocator: Allocator,
    question: Question,
    numbers: int,
    clicks: int,
    seed: int,
    progress: Callable[[int], None],
) -> Simulated:
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    seconds_ms = round(question.seconds * 1000)
    rules = Rules(
        min_duration=seconds_ms,
        hold_on_activity=seconds_ms if question.renewed else 0,
        allow_overflow=False,
        budget_share=0,
        budget_rate=0,
    )
    await allocator.edit(_POOL, rules, 1, now_ms=_START_MS)
    for start in range(0, numbers, 1000):
        some = [f"+1{place:010d}" for place in range(start, min(start + 1000, numbers))]
        await allocator.add(_POOL, some, now_ms=_START_MS)
    tuples = _tuples(question, chance)
    before, at = warm_up(question), float(_START_MS)
    shares: list[float] = []
    asked = refused = all_asked = all_refused = 0
    a_batch = max(1, clicks // _BATCHES)
    turned_away = ""
    visits = _Visits(question, chance)
    for done in range(1, before + clicks + 1):
        at += chance.expovariate(question.traffic.busy_clicks) * 1000
        for pinged, whose in visits.pings(at):
            await allocator.touch(_POOL, [Ask(whose, clicks=0)], now_ms=round(pinged))
        tuple_ = next(tuples)
        (answer,) = await allocator.allocate(_POOL, [Ask(tuple_)], now_ms=round(at))
        if done % 500 == 0:
            progress(500)
        # Who is turned away and asks again for the same visitor isn't another one.
        again = bool(not question.traffic.keywords and tuple_ == turned_away)
        turned_away = tuple_ if answer.state is State.NONE else ""
        if answer.state is not State.HELD and answer.number and tuple_.startswith(_VISITOR):
            visits.begin(at, tuple_)
        if done <= before:
            continue
        if answer.state is not State.HELD and not again:
            asked += 1
            refused += answer.state is State.NONE
        if (done - before) % a_batch == 0:
            shares.append(refused / asked if asked else 0.0)
            all_asked, all_refused = all_asked + asked, all_refused + refused
            asked = refused = 0
    error = stdev(shares) / math.sqrt(len(shares)) if len(shares) > 1 else math.inf
    return Simulated(
        clicks=clicks,
        asked=all_asked,
        overflow=all_refused / all_asked if all_asked else fmean(shares),
        error=error,
        seed=seed,
    )


def _tuples(question: Question, chance: random.Random) -> Iterator[str]:
    """The tuple of each click: one of its own, or one that was there just before, or a keyword."""
    traffic, latest = question.traffic, 0
    weights = list(accumulate(load.zipf_rates(1.0, traffic.keywords, traffic.zipf)))
    while True:
        if chance.random() < traffic.distinct:
            latest += 1
            yield f"{_VISITOR}{latest}"
        elif weights:
            place = bisect(weights, chance.random() * weights[-1])
            yield f"keyword={min(place, traffic.keywords - 1)}"
        else:
            yield f"{_VISITOR}{latest}"


class _Visits:
    """Visits that go on after their first click: with a ping at their end, and twice a minimum
    duration before. Their lengths are exponentially distributed."""

    def __init__(self, question: Question, chance: random.Random) -> None:
        self._mean_ms = question.extension * 1000
        self._between_ms = question.seconds * 500
        self._chance = chance
        self._next: list[tuple[float, str, float]] = []  # a ping's time, whose, the visit's end

    def begin(self, at: float, tuple_: str) -> None:
        """A visit has begun (Unix ms)."""
        if self._mean_ms:
            self._await(at, tuple_, at + self._chance.expovariate(1 / self._mean_ms))

    def pings(self, until: float) -> Iterator[tuple[float, str]]:
        """The pings up to a time (Unix ms), each with its tuple."""
        while self._next and self._next[0][0] <= until:
            at, tuple_, end = heapq.heappop(self._next)
            yield at, tuple_
            if at < end:
                self._await(at, tuple_, end)

    def _await(self, at: float, tuple_: str, end: float) -> None:
        heapq.heappush(self._next, (min(at + self._between_ms, end), tuple_, end))
