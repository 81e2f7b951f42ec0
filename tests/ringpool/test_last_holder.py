"""What fading activity is for: whose call it is, if the real scripts recycled the number."""

from __future__ import annotations

import heapq
import random
from statistics import median

import msgspec

from allocator.answers import Ask, Call
from allocator.port import Store
from ringpool.model import Activity, Pool, rules
from tests.allocator.pools import START, PoolUnderTest, numbers

LOAD = 25
"""Numbers that visitors take at a time who come for one click."""


async def calls_told_right(
    pool: PoolUnderTest,
    activity: Activity,
    *,
    visit_ms: float = 0,
    clicks: int = 2500,
) -> tuple[float, float]:
    """Share of calls whose visitor is the number's last holder, and the median life of an
    assignment in minimum durations.

    Visitors that come once, at twice the numbers that their load needs. 4 % of them call, after 4
    minutes in the median (lognormal, deviation 1.3). ``visit_ms``: for how long they have the page
    open on average, which pings meanwhile and tells when they leave.
    """
    chance = random.Random(1)
    given = rules(Pool(id="p", account="a", activity=activity, allow_overflow=False))
    await pool.edit(**{**msgspec.structs.asdict(given), "budget_share": 0, "budget_rate": 0})
    at, guarantee = float(START), given.min_duration
    size = round(2 * LOAD * (1 + visit_ms / guarantee))
    await pool.allocator.add(pool.id, numbers(size), now_ms=START)
    to_come: list[tuple[float, int, str, float]] = []
    since: dict[str, tuple[int, float]] = {}
    lives: list[float] = []
    right: list[bool] = []

    async def happens(then: float, visitor: int, number: str, leaves: float) -> None:
        now = round(then)
        if not leaves:
            right.append(since[number][0] == visitor)
            call = Call(id=str(visitor), number=number)
            await pool.allocator.record_call(pool.id, call, now_ms=now)
            return
        await pool.allocator.touch(pool.id, [Ask(f"{visitor}", clicks=0)], now_ms=now)
        if then < leaves:
            ping = min(then + guarantee / 2, leaves)
            heapq.heappush(to_come, (ping, visitor, number, leaves))
        else:
            await pool.allocator.release(pool.id, [f"{visitor}"], now_ms=now)

    for visitor in range(clicks):
        at += chance.expovariate(LOAD / guarantee)
        while to_come and to_come[0][0] <= at:
            await happens(*heapq.heappop(to_come))
        [answer] = await pool.allocator.allocate(pool.id, [Ask(f"{visitor}")], now_ms=round(at))
        if answer.number in since and visitor > 8 * LOAD:
            lives.append((at - since[answer.number][1]) / guarantee)
        if answer.number:
            since[answer.number] = (visitor, at)
            if visit_ms:
                leaves = at + chance.expovariate(1 / visit_ms)
                ping = min(at + guarantee / 2, leaves)
                heapq.heappush(to_come, (ping, visitor, answer.number, leaves))
            if chance.random() < 0.04:
                rings = at + chance.lognormvariate(12.388, 1.3)  # e^12.388 ms: 4 minutes
                heapq.heappush(to_come, (rings, visitor, answer.number, 0.0))
    return sum(right) / len(right), median(lives)


async def test_the_last_holder_is_nearly_always_who_calls(valkey_store: Store, unique: str) -> None:
    """By default a pairing lives nearly as long as the numbers allow, called or not; where clicks
    count nothing, whoever wasn't called loses the number soon after the guarantee."""
    by_default, life = await calls_told_right(PoolUnderTest(valkey_store, unique), Activity())
    for_ever = Activity(click=0)
    parked, short = await calls_told_right(PoolUnderTest(valkey_store, f"{unique}-0"), for_ever)
    assert life > 1.8 > 1.4 > short
    assert by_default >= parked


async def test_whoever_reads_the_page_keeps_the_number(valkey_store: Store, unique: str) -> None:
    """Visitors who stay for 3 minutes and then leave: by the pings more than 0.9 of the calls are
    told right, and no number is parked because it was called."""
    pool = PoolUnderTest(valkey_store, unique)
    right, life = await calls_told_right(pool, Activity(), visit_ms=180_000, clicks=7_500)
    assert right >= 0.9
    assert life > 2.3
