"""Who held a number when."""

from __future__ import annotations

from allocator.answers import Ask, Call, Holding
from allocator.port import Store
from allocator.transfers import Arrival
from tests.allocator.pools import DAY, PoolUnderTest, make
from tests.servers import stores


async def recycle(pool: PoolUnderTest, times: int, every: int = 10_000, name: str = "t") -> None:
    """Give the pool's one number to ``times`` tuples, one after the other."""
    for turn in range(times):
        assert (await pool.one(f"{name}{turn}")).hold_ms > 0
        pool.now += every


async def holder(pool: PoolUnderTest, at: int = 0) -> Holding | None:
    return await pool.allocator.holder(pool.id, "+11", at, now_ms=pool.now)


async def tuple_at(pool: PoolUnderTest, at: int) -> str | None:
    holding = await holder(pool, at)
    return holding.tuple if holding else None


async def test_each_moment_has_its_holder(store: Store, unique: str) -> None:
    """At every moment the holder is who got the number last, from the first ms to the last."""
    pool = await make(store, unique, ["+11"])
    start = pool.now
    await recycle(pool, 3)
    assert await tuple_at(pool, start - 1) is None
    assert await tuple_at(pool, start) == "t0"
    assert await tuple_at(pool, start + 9_999) == "t0"
    assert await tuple_at(pool, start + 10_000) == "t1"
    assert await tuple_at(pool, pool.now) == "t2"


async def test_a_holding_is_complete(store: Store, unique: str) -> None:
    """A former holding tells tuple, times, counts and both clicks' attributes."""
    pool = await make(store, unique, ["+11"])
    start = pool.now
    asks = [Ask("a", b"first"), Ask("a", b"second"), Ask("a"), Ask("a", b"last")]
    await pool.allocator.allocate(unique, asks, now_ms=start)
    pool.now += 12_000
    await pool.one("b", b"other")
    assert await holder(pool, start) == Holding(
        number="+11",
        pool=unique,
        tuple="a",
        since=start,
        until=start + 12_000,
        guaranteed_until=start + 10_000,
        clicks=4,
        first_click=b"first",
        last_click=b"last",
        last_click_at=start,
        serial=1,
    )
    now = await holder(pool)
    assert now is not None
    assert (now.tuple, now.until, now.first_click, now.last_click) == (
        "b",
        None,
        b"other",
        b"other",
    )


async def test_sixteen_holders_always_stay(store: Store, unique: str) -> None:
    """The last 16 former holders are known, however old and however large."""
    pool = await make(store, unique, ["+11"], history_bytes=0)
    start = pool.now
    await recycle(pool, 30, every=40 * DAY, name="t" * 500)
    for turn in range(13, 30):
        assert await tuple_at(pool, start + turn * 40 * DAY) == "t" * 500 + str(turn)
    assert await tuple_at(pool, start + 12 * 40 * DAY) is None


async def test_older_ones_stay_30_days(store: Store, unique: str) -> None:
    """Beyond 16, a holder is forgotten 30 days after the number went on."""
    pool = await make(store, unique, ["+11"], history_bytes=100_000)
    start = pool.now
    await recycle(pool, 41, every=DAY)
    assert await tuple_at(pool, start + 8 * DAY) is None
    assert await tuple_at(pool, start + 11 * DAY) == "t11"


async def test_the_byte_budget(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Beyond 16, holders are kept as far as the budget goes, and no further."""
    pool = await make(valkey_store, unique, ["+11"], history_bytes=4096)
    await recycle(pool, 200)
    stored = valkey_server.command("HGET", f"rp:{{{unique}}}:history", "+11")
    count = int.from_bytes(stored[:2], "big")
    assert count > 16
    assert 4096 - 100 < len(stored) <= 4096 + 2
    await pool.edit(history_bytes=0)
    await recycle(pool, 1)
    stored = valkey_server.command("HGET", f"rp:{{{unique}}}:history", "+11")
    assert int.from_bytes(stored[:2], "big") == 16


async def test_no_more_than_the_accounts_quota(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Of the last 16 too no more stays than it says, the youngest ones; of none nothing."""
    pool = await make(valkey_store, unique, ["+11"], history_bytes=100_000, history_most=1_000)
    key = f"rp:{{{unique}}}:history"
    await recycle(pool, 100)
    entry = len(valkey_server.command("HGET", key, "+11"))
    assert 900 < entry <= 1_002
    assert await tuple_at(pool, pool.now - 15_000) == "t98"
    await recycle(pool, 1, name="t" * 2_000)  # one that is too large by itself
    await recycle(pool, 1, name="u")
    assert valkey_server.command("HGET", key, "+11") == b"\0\0"  # that somebody had it
    await recycle(pool, 2, name="v")
    assert await tuple_at(pool, pool.now - 15_000) == "v0"
    await pool.edit(history_most=0)
    await recycle(pool, 2, name="w")
    assert valkey_server.command("HGET", key, "+11") == b"\0\0"
    await pool.edit()
    await recycle(pool, 20, name="x")
    assert int.from_bytes(valkey_server.command("HGET", key, "+11")[:2], "big") == 20


async def test_a_number_that_left_is_still_known(store: Store, unique: str) -> None:
    """Until a number is handed on, its pool tells who held it; what is handed on has it all."""
    pool = await make(store, unique, ["+11"])
    start = pool.now
    await recycle(pool, 2)
    await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
    assert await tuple_at(pool, start) == "t0"
    assert await tuple_at(pool, pool.now - 1) == "t1"
    assert await tuple_at(pool, pool.now) is None


async def test_history_travels_with_a_lent_number(store: Store, unique: str) -> None:
    """A number that comes back from its pool tells its former holders to stock and next pool."""
    stock, second = f"{unique}-s", f"{unique}-2"
    pool = await make(store, unique, [], stock=stock)
    start = pool.now
    await pool.stocks.edit(stock, 0, ["+11"], now_ms=start)
    await pool.one("a")
    pool.now += 10_000
    await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
    await pool.sweep()
    place = await pool.stocks.holder(stock, "+11", start, now_ms=pool.now)
    assert place is not None
    assert place.holding is not None
    assert (place.holding.tuple, place.holding.pool) == ("a", unique)
    other = await make(store, second, [], stock=stock)
    other.now = pool.now + 1
    assert (await other.one("b")).number == "+11"
    then = await other.allocator.holder(second, "+11", start, now_ms=other.now)
    assert then is not None
    assert (then.tuple, then.pool) == ("a", unique)


async def test_overflow_is_counted_by_the_hour(store: Store, unique: str) -> None:
    """How many were given the overflow number in an hour stays known."""
    pool = await make(store, unique, [])
    start = pool.now
    await pool.ask("a", "b")
    pool.now += 3_600_000
    await pool.ask("c")
    counts = [
        await pool.allocator.overflow_in_hour(unique, at, now_ms=pool.now)
        for at in (start - 3_600_000, start, pool.now)
    ]
    assert counts == [0, 2, 1]


async def test_overflow_hours_are_bounded(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Overflow counts of hours more than a month ago are dropped."""
    pool = await make(valkey_store, unique, [])
    for _ in range(800):
        await pool.one("a")
        pool.now += 3_600_000
    assert valkey_server.command("HLEN", f"rp:{{{unique}}}:overflow") <= 745


async def test_of_two_holders_at_a_time_the_later_counts_everywhere(
    valkey_store: Store, unique: str
) -> None:
    """Pools have clocks of their own: a number may come to one that is behind."""
    ahead = await make(valkey_store, f"{unique}-1", ["+11"])
    behind = await make(valkey_store, f"{unique}-2", [])
    ahead.now += 5_000
    await ahead.one("first")
    ahead.now += 60_000
    await ahead.allocator.drain(ahead.id, ["+11"], now_ms=ahead.now)
    [departure] = await ahead.sweep()
    behind.now += 10_000
    arrival = Arrival("+11", history=departure.history)
    await behind.transfers.arrive(behind.id, [arrival], now_ms=behind.now)
    await behind.one("second")
    behind.now += 20_000
    await behind.one("third")
    both = behind.now - 1_000
    behind.now += 60_000
    holding = await behind.allocator.holder(behind.id, "+11", both, now_ms=behind.now)
    call = Call(id="1", number="+11", started_at=both)
    credit = await behind.allocator.record_call(behind.id, call, now_ms=behind.now)
    assert holding is not None
    assert credit is not None
    assert credit.holding is not None
    assert (holding.tuple, credit.holding.tuple) == ("second", "second")
