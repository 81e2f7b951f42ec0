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
MINUTES = 10
CLICKS = 2500


async def calls_told_right(pool: PoolUnderTest, activity: Activity) -> tuple[float, float]:
    """Share of calls whose visitor is the number's last holder, and the median life of an
    assignment in minimum durations.

    Visitors that come once, at twice the numbers that their load needs. 4 % of them call, after 4
    minutes in the median (lognormal, deviation 1.3).
    """
    chance = random.Random(1)
    given = rules(Pool(id="p", account="a", activity=activity, allow_overflow=False))
    await pool.edit(**{**msgspec.structs.asdict(given), "budget_share": 0, "budget_rate": 0})
    await pool.allocator.add(pool.id, numbers(2 * LOAD), now_ms=START)
    at, guarantee = float(START), given.min_duration
    to_come: list[tuple[float, int, str]] = []
    since: dict[str, tuple[int, float]] = {}
    lives: list[float] = []
    right: list[bool] = []
    for visitor in range(CLICKS):
        at += chance.expovariate(LOAD / guarantee)
        while to_come and to_come[0][0] <= at:
            rings, caller, number = heapq.heappop(to_come)
            right.append(since[number][0] == caller)
            call = Call(id=str(caller), number=number)
            await pool.allocator.record_call(pool.id, call, now_ms=round(rings))
        [answer] = await pool.allocator.allocate(pool.id, [Ask(f"{visitor}")], now_ms=round(at))
        if answer.number in since and visitor > 8 * LOAD:
            lives.append((at - since[answer.number][1]) / guarantee)
        if answer.number:
            since[answer.number] = (visitor, at)
            if chance.random() < 0.04:
                rings = at + chance.lognormvariate(12.388, 1.3)  # e^12.388 ms: 4 minutes
                heapq.heappush(to_come, (rings, visitor, answer.number))
    return sum(right) / len(right), median(lives)


async def test_the_last_holder_is_nearly_always_who_calls(valkey_store: Store, unique: str) -> None:
    """By default a pairing lives nearly as long as the numbers allow, called or not; where clicks
    count nothing, whoever wasn't called loses the number soon after the guarantee."""
    by_default, life = await calls_told_right(PoolUnderTest(valkey_store, unique), Activity())
    for_ever = Activity(click=0)
    parked, short = await calls_told_right(PoolUnderTest(valkey_store, f"{unique}-0"), for_ever)
    assert life > 1.8 > 1.4 > short
    assert by_default >= parked
