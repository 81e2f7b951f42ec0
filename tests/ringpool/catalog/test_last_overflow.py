"""Of pools with one overflow number, the one that gave it last."""

from __future__ import annotations

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, State
from allocator.port import Store
from ringpool.catalog.last_overflow import gave_last
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Account, Configuration, Pool
from tests.allocator.pools import START

NUMBER = "+18885550199"


@pytest.mark.parametrize(
    ("asked", "gave"),
    [
        ((("d", 0), ("c", 5_000)), "c"),
        ((("c", 0), ("d", 5_000)), "d"),
        ((("a", 0), ("b", 10), ("c", 20)), "a"),  # handed on, twice
        ((("b", 0), ("c", 10)), "b"),
        ((("d", 0), ("a", 5_000), ("b", 5_003), ("c", 5_006)), "a"),
        ((("a", 0), ("b", 10), ("c", 20), ("b", 8_000), ("c", 8_010)), "b"),
        ((("a", 0), ("b", 10), ("c", 5_000)), "c"),  # asked for itself
        ((("a", 0), ("b", 10), ("c", 20), ("d", 30)), "d"),
    ],
)
async def test_a_pool_that_was_only_handed_asks_gave_none(
    valkey_store: Store, unique: str, asked: tuple[tuple[str, int], ...], gave: str
) -> None:
    """``a`` falls back on ``b``, ``b`` on ``c``; ``d`` is on its own."""
    allocator = Allocator(valkey_store)
    following = {"a": f"{unique}-b", "b": f"{unique}-c"}
    pools = tuple(
        Pool(
            id=f"{unique}-{name}",
            account="acme",
            parameters=("w",),
            overflow_number=NUMBER,
            fallback=following.get(name),
        )
        for name in "abcd"
    )
    snapshot = Snapshot(1, Configuration(accounts=(Account(id="acme"),), pools=pools))
    for pool in pools:
        await allocator.edit(pool.id, snapshot.pools[pool.id].rules, 1, now_ms=START)
    for name, after in asked:
        pool_id = f"{unique}-{name}"
        (answer,) = await allocator.allocate(pool_id, [Ask("w=x")], now_ms=START + after)
        assert answer.state is State.OVERFLOW
    found = await gave_last(allocator, snapshot.overflow_pools(NUMBER))
    assert found.pool.id == f"{unique}-{gave}"


async def test_a_pool_that_is_gone_gave_none(valkey_store: Store, unique: str) -> None:
    """It was deleted since the snapshot was read."""
    allocator = Allocator(valkey_store)
    pools = tuple(
        Pool(id=f"{unique}-{name}", account="acme", parameters=("w",), overflow_number=NUMBER)
        for name in "ab"
    )
    snapshot = Snapshot(1, Configuration(accounts=(Account(id="acme"),), pools=pools))
    there = pools[1].id
    await allocator.edit(there, snapshot.pools[there].rules, 1, now_ms=START)
    await allocator.allocate(there, [Ask("w=x")], now_ms=START)
    assert (await gave_last(allocator, snapshot.overflow_pools(NUMBER))).pool.id == there
