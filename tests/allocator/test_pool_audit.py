"""A pool in use has nothing wrong; what is broken is in tests/ringpool/store_check."""

from __future__ import annotations

import random

from allocator.pool_audit import audit_pool
from allocator.port import Store
from tests.allocator.pools import make, numbers

AREAS = "+18880000"
OWN = [*numbers(6), "+17770000000"]


async def test_a_healthy_pool_has_no_flaws_whatever_it_did(
    valkey_store: Store, unique: str
) -> None:
    """Asks, releases, drains, changes of the rule and of areas, time that passes."""
    chance = random.Random(11)
    pool = await make(valkey_store, unique, OWN)
    rules = ("least_active", "round_robin", "most_active")
    for step in range(150):
        tuples = [f"t{chance.randrange(12)}" for _ in range(3)]
        match chance.randrange(7):
            case 0:
                await pool.allocator.release(unique, tuples, now_ms=pool.now)
            case 1:
                await pool.allocator.drain(unique, [chance.choice(OWN)], now_ms=pool.now)
            case 2:
                await pool.allocator.add(unique, OWN, now_ms=pool.now)
            case 3 if step % 4 == 0:
                areas, hold = chance.choice(["", AREAS]), chance.choice([0, 20_000])
                await pool.edit(areas=areas, hold_on_activity=hold, recycle=chance.choice(rules))
            case 4:
                await pool.sweep()
            case _:
                await pool.ask(*tuples)
        pool.now += chance.randrange(6_000)
        assert await audit_pool(valkey_store, pool.id, now_ms=pool.now) == []
