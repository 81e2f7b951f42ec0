"""So many a minute, counted over all who count."""

from __future__ import annotations

import asyncio
import time

from allocator.keys import rate_key
from allocator.port import Store
from allocator.rates import Rates
from allocator.redis.url import connect
from tests.servers import stores


async def test_a_minutes_worth_comes_at_once(store: Store, unique: str) -> None:
    """Of 40 that ask at once, on two connections, 10 are counted; the others wait their share."""
    rates = Rates(store), Rates(store)
    waits = await asyncio.gather(*(rates[n % 2].count(unique, 10) for n in range(40)))
    assert waits.count(0) == 10
    assert all(5_000 < wait <= 6_000 for wait in waits if wait)
    assert await rates[0].count(f"{unique}-other", 10) == 0


async def test_they_come_back_one_after_the_other(valkey_store: Store, unique: str) -> None:
    """Whoever waits as long as it was told is counted."""
    rates = Rates(valkey_store)
    while not (wait := await rates.count(unique, 6_000)):
        pass
    assert 0 < wait <= 10
    await asyncio.sleep(wait / 1000)
    assert await rates.count(unique, 6_000) == 0


async def test_a_clock_that_was_set_back_refuses_for_no_longer(
    valkey_server: stores.Server, unique: str
) -> None:
    """What was counted an hour later than now weighs as a minute's worth."""
    valkey_server.command("SET", rate_key(unique), int((time.time() + 3600) * 1_000_000))
    store = await connect(valkey_server.url, timeout_ms=10_000)
    assert 0 < await Rates(store).count(unique, 60) <= 1_000
    await store.aclose()
