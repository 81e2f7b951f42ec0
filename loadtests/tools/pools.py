"""What the measured services hold: pools made through the catalog, tuples given their numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from allocator.allocator import MAX_ASKS_PER_CALL, Allocator
from allocator.answers import Ask
from allocator.port import Store
from allocator.redis.url import connect
from allocator.stocks import Stocks
from loadtests.tools.requests import ACCOUNT, API_KEY, KEY, TARGET
from ringpool.catalog.catalog import Catalog
from ringpool.model import Account, Configuration, Pool
from ringpool.times import Duration

OVERFLOW = "+18009999999"
LANDING_URL = "https://www.newspress.example/subscribe"
PARAMETERS = ("website", "location", "path")

NEW_SIZE = 60_000

_PATIENT_MS = 60_000
_HOUR = Duration(3_600_000)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """A store with time enough for set-up."""
    store = await connect(url, timeout_ms=_PATIENT_MS)
    try:
        yield store
    finally:
        await store.aclose()


def numbers(area: int, count: int) -> tuple[str, ...]:
    """Numbers that no other area has; ``area`` from 200 to 999."""
    return tuple(f"+1{area}{index:07d}" for index in range(count))


def pool(name: str, area: int, size: int, **more: object) -> Pool:
    """A pool of the benchmark's account, its guarantee an hour."""
    fields: dict[str, object] = {
        "account": ACCOUNT,
        "key": KEY,
        "parameters": PARAMETERS,
        "min_duration": _HOUR,
        "overflow_number": OVERFLOW,
        "landing_url": LANDING_URL,
        "numbers": numbers(area, size),
        **more,
    }
    return Pool(id=name, **fields)  # type: ignore[arg-type]


def pages() -> list[Pool]:
    """The pools of the HTTP figures: one for tuples seen before, one for new ones."""
    return [
        pool("held", 212, 1000, swap_targets=(TARGET,)),
        pool("new", 213, NEW_SIZE, min_duration=Duration(1000)),
    ]


def many(name: str, area: int, count: int, size: int, **more: object) -> list[Pool]:
    """Pools ``name``-0, ``name``-1, … of ``size`` numbers each."""
    own = numbers(area, count * size)
    return [
        pool(f"{name}-{i}", area, 0, numbers=own[i * size : (i + 1) * size], **more)
        for i in range(count)
    ]


def configure(url: str, pools: Iterable[Pool]) -> None:
    """Make the benchmark's account and these pools."""

    async def apply() -> None:
        async with opened(url) as store:
            catalog = Catalog(store, Allocator(store), Stocks(store))
            account = Account(id=ACCOUNT, name="Benchmark", api_keys=(API_KEY,))
            await catalog.apply(Configuration(accounts=(account,), pools=tuple(pools)))

    asyncio.run(apply())


def fill(url: str, pool_id: str, count: int) -> None:
    """Give ``count`` tuples of a pool a number, so that from then on numbers are recycled."""

    async def ask() -> None:
        async with opened(url) as store:
            allocator = Allocator(store)
            for start in range(0, count, MAX_ASKS_PER_CALL):
                asks = [Ask(f"website=first-{start + i}") for i in range(MAX_ASKS_PER_CALL)]
                await allocator.allocate(pool_id, asks)

    asyncio.run(ask())
