"""The load on a pool by its series, and what is said of its size."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest

from allocator.answers import PoolStatus
from allocator.series import HOUR_MS, MINUTE_MS, Hour, Minute, Series
from ringpool.model import Pool
from ringpool.sizing import reading, seen
from ringpool.sizing.sizing import size
from ringpool.sizing.verdict import Fit, judge
from ringpool.times import Duration

START = 1_700_000_000_000 // HOUR_MS * HOUR_MS
TEN_MINUTES = 600.0


@dataclass(frozen=True)
class Day:
    """So many new tuples an hour, with as many clicks each, and one busiest hour."""

    new: int = 60
    busy: int = 600
    overflow: int = 0
    clicks: int = 2
    hours: int = 30
    burst: int = 1
    held: int = 40

    def series(self) -> Series:
        clock = START + self.hours * HOUR_MS + 1
        hours = []
        for place in range(self.hours):
            busy = place == self.hours - 5
            recycled, overflow = self.busy if busy else self.new, self.overflow if busy else 0
            asks = recycled * self.clicks + overflow
            hours.append(
                Hour(START + place * HOUR_MS, asks, 0, recycled, overflow, peak_held=recycled // 6)
            )
        chance = random.Random(1)
        minutes = []
        for place in range(1440):
            arrivals = sum(chance.random() < 0.01 for _ in range(400 // self.burst)) * self.burst
            start = clock // MINUTE_MS * MINUTE_MS - (1439 - place) * MINUTE_MS
            minutes.append(Minute(start, recycled=arrivals, peak_held=self.held))
        return Series(clock, START, minutes, [*hours, Hour(clock // HOUR_MS * HOUR_MS)])


def pool(**more: object) -> Pool:
    return Pool(id="a", account="b", parameters=("w",), **more)  # type: ignore[arg-type]


def status(numbers: int) -> PoolStatus:
    return PoolStatus(
        size=numbers,
        unassigned=0,
        held=numbers,
        recyclable=0,
        draining=0,
        overflow_total=0,
        new_total=0,
        recycled_total=0,
        held_total=0,
        utilization=1.0,
        oldest_held_seconds=0.0,
        exhausted=False,
    )


def test_the_busiest_hour_counts() -> None:
    """Its new tuples, and not the others' average."""
    found = seen.busiest(Day().series(), TEN_MINUTES)
    assert found is not None
    assert (found.start_ms, found.hours) == (START + 25 * HOUR_MS, 1.0)
    assert (found.asks, found.distinct, found.peakedness) == (1200, 600, 1.0)
    given = seen.texts(pool(), found)
    assert given == {
        "min_duration": "10m",
        "renewed": "1",
        "clicks": "1200/h",
        "distinct": "0.5",
    }
    assert size(reading.read(given)).load == pytest.approx(100)


def test_long_guarantees_are_held_by_those_of_many_hours() -> None:
    """A day's new tuples hold numbers for a day, not 24 times those of the busiest hour."""
    found = seen.busiest(Day().series(), 86_400)
    assert found is not None
    assert (found.hours, found.distinct) == (24.0, 600 + 23 * 60)
    day = pool(min_duration=Duration.parse("1d"))
    assert size(reading.read(seen.texts(day, found))).load == pytest.approx(600 + 23 * 60)


def test_what_is_given_goes_before_what_was_seen() -> None:
    """Where keywords are given, so is what share of the clicks isn't of them."""
    found = seen.busiest(Day().series(), TEN_MINUTES)
    asked = seen.question(pool(), found, {"clicks": "10/h", "peak": " ", "keywords": "9"})
    assert asked == {"min_duration": "10m", "renewed": "1", "clicks": "10/h", "keywords": "9"}


def test_where_clicks_renew_the_load_is_what_was_held() -> None:
    """Those who came held theirs for as long as makes so many."""
    found = seen.busiest(Day(held=150).series(), TEN_MINUTES)
    given = seen.texts(pool(), found)
    assert given["extension"] == "5m"
    assert size(reading.read(given)).load == pytest.approx(150)
    unrenewed = seen.texts(pool(hold_on_activity=Duration(0)), found)
    assert (unrenewed["renewed"], "extension" in unrenewed) == ("0", False)
    assert size(reading.read(unrenewed)).load == pytest.approx(100)
    for given in ({"keywords": "9"}, {"renewed": "0"}, {"min_duration": "1m"}):
        assert "extension" not in seen.question(pool(), found, given)


@pytest.mark.parametrize(("burst", "most"), [(1, 1.0), (4, 5.0)])
def test_bursts_show(burst: int, most: float) -> None:
    """The index of dispersion of arrivals that come by so many at a time is as large."""
    found = seen.burstiness(Day(burst=burst).series())
    assert burst * 0.8 <= found <= most


def test_nobody_came() -> None:
    """Nothing is taken from nothing."""
    idle = Day(new=0, busy=0).series()
    assert seen.busiest(idle, TEN_MINUTES) is None
    assert seen.busiest(Series(START, 0, [], []), TEN_MINUTES) is None
    assert seen.texts(pool(), None) == {"min_duration": "10m", "renewed": "1"}


@pytest.mark.parametrize(
    ("day", "numbers", "fit", "said"),
    [
        (Day(busy=564, overflow=36), 100, Fit.TOO_SMALL, "17 more numbers would bring overflow"),
        (Day(busy=564, overflow=36), 100, Fit.TOO_SMALL, "36 of 600 found none"),
        (Day(), 117, Fit.RIGHT, "As large as its busiest hour"),
        (Day(), 131, Fit.TOO_BIG, "14 numbers more than 1% overflow needs (117)"),
        (Day(busy=500, overflow=100), 125, Fit.RIGHT, "Yet 16.7% of new tuples found none"),
        (Day(hours=5), 100, Fit.UNKNOWN, "Too little seen to judge its size"),
        (Day(busy=40, new=1), 100, Fit.UNKNOWN, "Too little seen"),
    ],
)
def test_a_size_is_judged(day: Day, numbers: int, fit: Fit, said: str) -> None:
    """By how much it is wrong, and what comes of that."""
    found = judge(pool(), status(numbers), day.series())
    assert found.fit is fit
    assert said in found.text


def test_a_pool_that_may_grow_is_not_too_small() -> None:
    """As long as its stock and ``max_size`` let it become large enough."""
    small, series = status(20), Day().series()
    assert judge(pool(stock="s"), small, series).fit is Fit.RIGHT
    assert judge(pool(stock="s", max_size=30), small, series).fit is Fit.TOO_SMALL
    assert judge(pool(), small, replace(Day(), new=0, busy=0).series()).fit is Fit.UNKNOWN
    never = judge(pool(), small, Series(START, 0, [], []))
    assert never.text == "Nobody has asked it yet: nothing can be said of its size."
