"""A pool under a load in virtual time, watched as Prometheus would by its alert rules."""

from __future__ import annotations

import asyncio
import random
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules, State
from allocator.series import Minute, Series
from ringpool.sizing.forecast import MINUTES_READ, exhaustion
from tests.ringpool.sizing import loads
from tests.ringpool.sizing.loads import Load

ROOT = Path(__file__).parents[3]
LATE_MINUTES = 1
"""Between a minute's end and when the alert rule sees it: scrape, age of a forecast, evaluation."""

_START_MS = 1_600_000_020_000  # a whole minute
_SLICE_MS = 10_000
_UNREAD = Series(0, 0, [], [])


class Rule(NamedTuple):
    """``below``: seconds to exhaustion that the alert fires below, ``lasting`` so many minutes."""

    below: float
    lasting: int


class AlertRules(NamedTuple):
    """Of the alert that warns and of the one that pages."""

    may_be: Rule
    will_be: Rule


def alert_rules() -> AlertRules:
    """RingPoolMayBeExhausted and RingPoolWillBeExhausted, as the file has them."""
    text = (ROOT / "k8s" / "monitoring" / "prometheus-rule.yaml").read_text()
    groups = yaml.safe_load(text)["spec"]["groups"]
    alerts = {rule.get("alert"): rule for group in groups for rule in group["rules"]}

    def rule(alert: str, metric: str) -> Rule:
        found = alerts[alert]
        expression = rf"min by \(pool\) \({metric}\) < (\d+)"
        below = re.fullmatch(expression, found["expr"])
        assert below is not None, found["expr"]
        return Rule(float(below[1]), int(found["for"].removesuffix("m")))

    return AlertRules(
        rule("RingPoolMayBeExhausted", "ringpool_pool_seconds_to_possible_exhaustion"),
        rule("RingPoolWillBeExhausted", "ringpool_pool_seconds_to_exhaustion"),
    )


class Minutely(NamedTuple):
    """What a minute brought. ``overflowed``: when its first tuple found no number (minutes)."""

    series: Series
    held: int
    overflowed: float | None


class Outcome(NamedTuple):
    """When the alerts fired and a tuple got nothing: minutes since the load began to change.

    None: never.
    """

    load: Load
    warned: float | None
    paged: float | None
    overflowed: float | None

    def lead(self, alert: float | None) -> float:
        """Minutes from an alert to the first overflow; below 0 when it came later, or never."""
        if alert is None or self.overflowed is None:
            return -1.0
        return self.overflowed - alert


def modelled(load: Load, times: Iterable[list[float]]) -> Iterable[Minutely]:
    """The pool as a queue of ends of guarantees: what the scripts do, without them."""
    ends = deque[float]()
    minutes: list[Minute] = []
    for minute, came in enumerate(times):
        overflowed = None
        for at in came:
            while ends and ends[0] <= at:
                ends.popleft()
            if len(ends) < load.numbers:
                ends.append(at + load.hold)
            elif overflowed is None:
                overflowed = at
        while ends and ends[0] <= minute + 1:
            ends.popleft()
        clock = _START_MS + (minute + 1) * 60_000
        minutes.append(Minute(clock - 60_000, new=len(came)))
        seen = [*minutes[1 - MINUTES_READ :], Minute(clock)]
        yield Minutely(Series(clock, _START_MS, seen, []), len(ends), overflowed)


async def real(
    allocator: Allocator, pool: str, load: Load, times: Iterable[list[float]]
) -> AsyncIterator[Minutely]:
    """The pool in a store, by its scripts; a slice of ten seconds is one call."""
    hold_ms = load.hold * 60_000
    rules = Rules(min_duration=hold_ms, allow_overflow=False, budget_share=0, budget_rate=0)
    await allocator.edit(pool, rules, 1, now_ms=_START_MS)
    numbers = [f"+1{place:010d}" for place in range(load.numbers)]
    await allocator.add(pool, numbers, now_ms=_START_MS)
    visitor = 0
    for minute, came in enumerate(times):
        slices: dict[int, list[Ask]] = {}
        for at in came:
            visitor += 1
            slices.setdefault(int(at * 60_000) // _SLICE_MS, []).append(Ask(f"visitor={visitor}"))
        overflowed = None
        for place, asks in slices.items():
            now = _START_MS + place * _SLICE_MS + _SLICE_MS // 2
            answers = await allocator.allocate(pool, asks, now_ms=now)
            if overflowed is None and any(answer.state is State.NONE for answer in answers):
                overflowed = (now - _START_MS) / 60_000
        if minute < load.begins:
            yield Minutely(_UNREAD, 0, overflowed)
            continue
        clock = _START_MS + (minute + 1) * 60_000
        series, status = await asyncio.gather(
            allocator.series(pool, MINUTES_READ, now_ms=clock),
            allocator.status(pool, now_ms=clock),
        )
        yield Minutely(series, status.held, overflowed)


class _Alert:
    """An alert, from forecast to forecast."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._pending = 0
        self.fired: float | None = None

    def see(self, seconds: float | None, at: float) -> None:
        near = seconds is not None and seconds < self._rule.below
        self._pending = self._pending + 1 if near else 0
        if self._pending > self._rule.lasting and self.fired is None:
            self.fired = at + LATE_MINUTES


class Watch:
    """The alerts, minute by minute, until the pool overflows."""

    def __init__(self, load: Load, rules: AlertRules) -> None:
        self._load = load
        self._may_be, self._will_be = map(_Alert, rules)
        self._minute = 0
        self.overflowed: float | None = None

    def see(self, seen: Minutely) -> bool:
        """Look at a minute that is over; False when there is nothing more to be seen."""
        self._minute += 1
        if self._minute <= self._load.begins:
            return True
        if seen.overflowed is not None:
            self.overflowed = seen.overflowed - self._load.begins
            return False
        if self._will_be.fired is None:  # by then it has warned: what is likely is possible
            forecast = exhaustion(
                seen.series,
                held=seen.held,
                capacity=self._load.numbers,
                hold_ms=self._load.hold * 60_000,
            )
            self._may_be.see(forecast.possible, self._minute - self._load.begins)
            self._will_be.see(forecast.likely, self._minute - self._load.begins)
        return True

    def outcome(self) -> Outcome:
        return Outcome(self._load, self._may_be.fired, self._will_be.fired, self.overflowed)


def watch_model(load: Load, times: Iterable[list[float]], rules: AlertRules) -> Outcome:
    """What becomes of a load, by the model."""
    watch = Watch(load, rules)
    for seen in modelled(load, times):
        if not watch.see(seen):
            break
    return watch.outcome()


async def watch_real(
    allocator: Allocator, pool: str, load: Load, times: Iterable[list[float]], rules: AlertRules
) -> Outcome:
    """What becomes of a load, by the real scripts."""
    watch = Watch(load, rules)
    async for seen in real(allocator, pool, load, times):
        if not watch.see(seen):
            break
    return watch.outcome()


Runner = Callable[[Load, Iterable[list[float]]], Awaitable[Outcome]]


async def outcomes(
    count: int, run: Runner, *, evenly: bool, overflows: bool, first: int
) -> tuple[list[Outcome], int]:
    """So many loads' outcomes, and how many were drawn again: those that did not as they should.

    ``overflows``: what they should do, by which they are ``loads.filling`` or ``loads.healthy``. A
    load that only just overflows, or doesn't, is neither healthy nor one to be warned of.
    ``first``: where the seeds begin; the forecast's constants were chosen on some 200 from 1 and
    250 from 10001 on.
    """
    found: list[Outcome] = []
    seed, again = first, 0
    while len(found) < count:
        seed += 1
        chance = random.Random(seed)
        load = loads.filling(chance) if overflows else loads.healthy(chance, evenly=evenly)
        outcome = await run(load, load.arrivals(chance, evenly=evenly))
        if (outcome.overflowed is not None) is overflows:
            found.append(outcome)
        else:
            again += 1
    return found, again
