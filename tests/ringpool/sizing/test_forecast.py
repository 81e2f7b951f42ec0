"""When a pool will be exhausted: what is known, what is drawn out, and the alert in time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest

from allocator.allocator import Allocator
from allocator.port import Store
from allocator.series import MINUTE_MS, Minute, Series
from ringpool.sizing.erlang import blocking
from ringpool.sizing.forecast import exhaustion
from tests.ringpool.sizing import loads
from tests.ringpool.sizing.loads import Load
from tests.ringpool.sizing.watched_pool import (
    Outcome,
    alert_rules,
    outcomes,
    watch_model,
    watch_real,
)

START = 1_600_000_020_000
TEN_MINUTES = 600_000
HELD_OUT = 20_000


def series(counts: Sequence[int], *, unseen: int = 0) -> Series:
    """Minutes with so many new tuples; the last one isn't over yet.

    ``unseen``: minutes before the series began.
    """
    minutes = [Minute(START + place * MINUTE_MS, new=count) for place, count in enumerate(counts)]
    begun = START + unseen * MINUTE_MS
    return Series(minutes[-1].start_ms, begun, minutes, [])


def forecast(
    counts: Sequence[int], *, held: int, capacity: int, hold_ms: int = TEN_MINUTES, **more: int
) -> float | None:
    """As may be: the tests say what is known and drawn out, not how far it is believed."""
    made = exhaustion(series(counts, **more), held=held, capacity=capacity, hold_ms=hold_ms)
    assert made.likely is None or made.possible is not None
    return made.possible


def test_a_pool_that_nobody_asks_is_never_exhausted() -> None:
    """Not an empty one, and not one whose tuples all have their numbers for good."""
    assert forecast([0] * 60, held=0, capacity=0) is None
    assert forecast([0] * 60, held=40, capacity=40) is None


def test_a_pool_without_a_free_number_is_exhausted_now() -> None:
    """Whatever its traffic does next."""
    assert forecast([4] * 60, held=40, capacity=40) == 0.0
    assert forecast([3, 0], held=0, capacity=0) == 0.0


def test_a_campaign_that_begins_fills_the_pool_up_to_its_level() -> None:
    """Each tuple leaves when its time is over, so what comes evenly for less isn't drawn out.

    A line through the numbers held would be at the pool's end nine minutes from here.
    """
    counts = [0] * 54 + [6] * 5 + [0]
    assert forecast(counts, held=30, capacity=80) is None
    assert forecast(counts, held=30, capacity=60) == pytest.approx(300, abs=90)


def test_numbers_held_come_free_when_their_guarantees_end() -> None:
    """Fifty tuples came in one minute: they leave together, nine minutes later, and make room."""
    even = [5] * 59 + [0]
    burst = [5] * 49 + [55] + [5] * 9 + [0]
    assert forecast(even, held=50, capacity=110) is None
    # ten more minutes of 5 are less than what the burst frees by then
    assert forecast(burst, held=100, capacity=110) is None


def test_what_is_not_seen_ends_little_by_little() -> None:
    """A series that began just now, as after an upgrade, says nothing of who came before."""
    counts = [0] * 57 + [1, 1, 0]
    assert forecast(counts, held=50, capacity=80, unseen=57) is None


def test_guarantees_that_clicks_renew_do_not_end() -> None:
    """More numbers are held than tuples came within a guarantee: 30 stay, others come and go."""
    counts = [2] * 59 + [0]
    assert forecast(counts, held=50, capacity=60) is None
    rising = [2] * 49 + list(range(2, 22, 2)) + [0]
    alone, renewed = (forecast(rising, held=held, capacity=160) for held in (110, 140))
    assert alone is not None
    assert renewed is not None
    assert renewed < alone


def test_a_short_guarantee() -> None:
    """Seconds, far less than a minute: what is held is the rate times them."""
    assert forecast([60] * 59 + [0], held=10, capacity=20, hold_ms=10_000) is None
    rising = [*range(1, 60), 0]
    assert forecast(rising, held=10, capacity=15, hold_ms=10_000) == pytest.approx(1800, abs=300)


def test_a_guarantee_of_years() -> None:
    """Nothing comes free: every tuple that comes takes a number for good."""
    assert forecast([1] * 59 + [0], held=900, capacity=930, hold_ms=10**12) == pytest.approx(
        1560, abs=240
    )


@pytest.mark.parametrize(
    ("evenly", "warned", "paged", "healthy_warned", "healthy_paged"),
    [(True, 27, 27, 0, 0), (False, 15, 4, 15, 2)],
    ids=["evenly", "at random"],
)
async def test_the_alerts_on_loads_drawn_at_random(
    evenly: bool, warned: int, paged: int, healthy_warned: int, healthy_paged: int
) -> None:
    """Of thirty loads that fill a pool of 100, so many are told 15 minutes before, at least.

    Of thirty healthy ones so many at most: none where tuples come evenly. On seeds that the
    forecast's constants weren't chosen on; by the alert rules as the file has them, in virtual
    time, on the model; the next test says that the scripts do the same. docs/forecasts.md has more
    of them, on the scripts.
    """
    rules = alert_rules()

    async def run(load: Load, times: Iterable[list[float]]) -> Outcome:
        return watch_model(load, times, rules)

    filling, _ = await outcomes(30, run, evenly=evenly, overflows=True, first=HELD_OUT)
    assert sum(each.lead(each.warned) >= 15 for each in filling) >= warned
    assert sum(each.lead(each.paged) >= 15 for each in filling) >= paged
    healthy, again = await outcomes(30, run, evenly=evenly, overflows=False, first=HELD_OUT)
    assert sum(each.warned is not None for each in healthy) <= healthy_warned
    assert sum(each.paged is not None for each in healthy) <= healthy_paged
    assert again <= 1


def test_a_healthy_load_hardly_overflows_by_chance() -> None:
    """By Erlang's formula less than 0.1 % of tuples at random, and none more of a hundred would."""
    assert blocking(loads.MOST_AT_RANDOM, loads.NUMBERS) < 0.001
    assert blocking(loads.MOST_AT_RANDOM + 1, loads.NUMBERS) > 0.001


def test_tuples_at_random_are_believed_late() -> None:
    """A bunch that may be chance makes exhaustion possible, and not likely; even ones make both."""
    chance = random.Random(5)
    some = [sum(chance.random() < 0.1 for _ in range(40)) for _ in range(119)]
    bunch = [*some[:-8], 5, 6, 6, 7, 7, 8, 8, 9, 0]
    made = exhaustion(series(bunch), held=68, capacity=100, hold_ms=2 * TEN_MINUTES)
    assert made.possible is not None
    assert made.likely is not None
    assert made.possible < made.likely / 4
    even = exhaustion(series([4] * 60 + list(range(4, 20))), held=150, capacity=260, hold_ms=10**7)
    assert even.possible == even.likely is not None


async def test_the_scripts_do_what_the_model_does(valkey_store: Store, unique: str) -> None:
    """The same tuples, answered by the real allocation and told by its series."""
    rules = alert_rules()
    for seed in (1, 2):
        load = loads.filling(random.Random(seed))
        times = list(load.arrivals(random.Random(seed), evenly=True))
        modelled = watch_model(load, times, rules)
        real = await watch_real(Allocator(valkey_store), f"{unique}-{seed}", load, times, rules)
        assert modelled.warned == pytest.approx(real.warned, abs=2)
        assert modelled.paged == pytest.approx(real.paged, abs=2)
        assert modelled.overflowed == pytest.approx(real.overflowed, abs=1.5)
