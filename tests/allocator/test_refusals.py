"""What a pool keeps of asks that got none of its numbers."""

from __future__ import annotations

from allocator import copying
from allocator.answers import KEYED, Ask, NoGrowth, Refusal, Why
from allocator.keys import pool_key
from allocator.pool_audit import audit_pool
from allocator.port import Store
from tests.allocator.pools import DAY, PoolUnderTest, make, numbers
from tests.allocator.test_copying import rows_of
from tests.servers import stores

ONE = "192.0.2.0/24"


async def entries(pool: PoolUnderTest) -> list[Refusal]:
    return (await pool.allocator.refusals(pool.id, now_ms=pool.now)).entries


async def ask(pool: PoolUnderTest, *tuples: str, network: str = ONE) -> None:
    asks = [Ask(tuple_, network=network) for tuple_ in tuples]
    await pool.allocator.allocate(pool.id, asks, now_ms=pool.now)


async def test_who_was_refused_when_and_why(store: Store, unique: str) -> None:
    """The newest first: no stock, at max_size, an empty stock; who has a number after all."""
    pool = await make(store, unique, numbers(2))
    assert await entries(pool) == []
    ends = pool.now + 10_000
    await ask(pool, "a", "b", "c")
    pool.now += 1_000
    await pool.stocks.edit(f"{unique}-s", 0, numbers(1, "+1212"), now_ms=pool.now)
    await pool.edit(stock=f"{unique}-s", max_size=2)
    await ask(pool, "d", network="?")
    pool.now += 1_000
    await pool.edit(stock=f"{unique}-s", max_size=9)
    await ask(pool, "c", "e")
    first, second, third = reversed(await entries(pool))
    assert (first.tuple, first.network, first.why) == ("c", ONE, Why.ALL_HELD)
    assert (first.size, first.first_due, first.total) == (2, ends, 1)
    assert [each.no_growth for each in (first, second, third)] == [
        NoGrowth.NO_STOCK,
        NoGrowth.MAX_SIZE,
        NoGrowth.STOCK_EMPTY,
    ]
    assert (third.tuple, third.size, third.at) == ("e", 3, pool.now)
    assert [each.held_since for each in (first, second)] == [pool.now, 0]


async def test_one_a_second_of_each_reason(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """However many there are: what came between is in the totals; 50 are kept, for 7 days."""
    rules = {"budget_share": 50, "budget_least": 1, "key_rate": 1, "min_duration": DAY}
    pool = await make(valkey_store, unique, numbers(4), **rules)
    await ask(pool, "a", "b", "c")
    await ask(pool, "x", "y", "z", network=KEYED)
    await ask(pool, "u", "v", "w", network="")
    for _ in range(20):
        await ask(pool, *(f"t{n}" for n in range(10)), network="")
        await ask(pool, *(f"t{n}" for n in range(10)), network=ONE)
    found = await entries(pool)
    told = [(each.why, each.tuple, each.network, each.network_has) for each in reversed(found)]
    assert told == [(Why.BUDGET, "c", ONE, 2), (Why.ALL_HELD, "v", "", 0)]
    for second in range(60):
        pool.now += 1_000
        await ask(pool, f"s{second}", "t", network="")
    found = await entries(pool)
    assert (len(found), found[0].tuple, found[0].total - found[1].total) == (50, "s59", 2)
    key = pool_key(unique, "refusals")
    assert 0 < valkey_server.command("PTTL", key) <= 7 * DAY
    pool.now += 7 * DAY - 10_000
    assert len(await entries(pool)) == 10
    await pool.edit(min_duration=30 * DAY, budget_share=0)
    await ask(pool, *(f"n{n}" for n in range(5)), network="")
    assert len(await entries(pool)) == 11 == valkey_server.command("LLEN", key)


async def test_a_long_tuple_is_cut_off_between_characters(valkey_store: Store, unique: str) -> None:
    """After 256 bytes at most."""
    pool = await make(valkey_store, unique, [])
    for tuple_ in ("x" * 256, "x" * 257, "y" * 255 + "ü", "é" * 300):
        pool.now += 1_000
        await ask(pool, tuple_)
    found = [each.tuple for each in reversed(await entries(pool))]
    assert found == ["x" * 256, "x" * 256 + "…", "y" * 255 + "…", "é" * 128 + "…"]


async def test_it_is_copied_audited_and_forgotten_with_its_pool(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """A key as every other of a pool's."""
    pool = await make(valkey_store, unique, [])
    await ask(pool, "a")
    pool.now += 1_000
    await ask(pool, "b")
    before = await entries(pool)
    (table,) = (table for table in copying.pool_rest(unique) if table.kept_ms)
    rows = await rows_of(valkey_store, table)
    for _ in range(2):  # an answer was lost
        await copying.write(valkey_store, table, rows)
    assert await entries(pool) == before
    assert 0 < valkey_server.command("PTTL", table.key) <= 7 * DAY
    assert await audit_pool(valkey_store, unique, now_ms=pool.now) == []
    valkey_server.command("LPUSH", table.key, "what is this")
    (flaw,) = await audit_pool(valkey_store, unique, repair=True, now_ms=pool.now)
    assert flaw.message == "what it refused can not be read"
    assert await entries(pool) == before
    valkey_server.command("DEL", table.key)
    valkey_server.command("SET", table.key, "x")
    (flaw,) = await audit_pool(valkey_store, unique, repair=True, now_ms=pool.now)
    assert "another kind of key" in flaw.message
    await ask(pool, "c")
    assert await pool.allocator.forget(unique, now_ms=pool.now)
    assert valkey_server.command("EXISTS", table.key) == 0
