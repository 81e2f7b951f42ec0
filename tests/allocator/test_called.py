"""Where a call comes from: who holds its number, or held it last."""

from __future__ import annotations

from allocator.answers import Called
from allocator.port import Store
from tests.allocator.pools import PoolUnderTest, make


async def called(pool: PoolUnderTest, *numbers: str) -> list[Called | None]:
    return await pool.allocator.called(pool.id, numbers, now_ms=pool.now)


def tuple_of(found: Called | None) -> tuple[str, bool] | None:
    """The tuple, and whether it has the number still."""
    if found is None or found.holding is None:
        return None
    return found.holding.tuple, found.holding.until is None


async def test_calls_of_one_script_call_are_told_apart(store: Store, unique: str) -> None:
    """Held with its clicks, held before, nobody's, in no pool: each in its place."""
    pool = await make(store, unique, ["+11", "+12"])
    number = (await pool.one("a", b'{"gclid":"1"}')).number
    free = "+12" if number == "+11" else "+11"
    held, nobodys, elsewhere = await called(pool, number, free, "+13")
    assert tuple_of(held) == ("a", True)
    assert held is not None
    assert held.holding is not None
    assert held.holding.first_click == b'{"gclid":"1"}'
    assert nobodys == Called(False, None)
    assert elsewhere is None


async def test_a_number_that_leaves_is_known_until_it_is_handed_on(
    store: Store, unique: str
) -> None:
    """Draining it is its holder's; from then on to its next owner it tells who had it last."""
    pool = await make(store, unique, ["+11"])
    await pool.one("a")
    await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
    (draining,) = await called(pool, "+11")
    assert tuple_of(draining) == ("a", True)
    assert draining is not None
    assert draining.leaving
    pool.now += 10_000
    departures = (await pool.allocator.sweep(unique, now_ms=pool.now)).departures
    assert len(departures) == 1
    (left,) = await called(pool, "+11")
    assert tuple_of(left) == ("a", False)
    await pool.sweep()
    assert await called(pool, "+11") == [None]


async def test_a_stock_tells_where_a_number_is_and_who_had_it(store: Store, unique: str) -> None:
    """Lent, then back with its history; unknown to it: None."""
    stock = f"{unique}-s"
    pool = await make(store, unique, [], stock=stock, max_size=1)
    await pool.stocks.edit(stock, 0, ["+11"], now_ms=pool.now)
    assert await pool.stocks.called(stock, "+11") == Called(False, None)
    assert (await pool.one("a")).number == "+11"
    lent = await pool.stocks.called(stock, "+11")
    assert lent is not None
    assert lent.pool == unique
    await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
    pool.now += 10_000
    await pool.sweep()
    back = await pool.stocks.called(stock, "+11")
    assert back is not None
    assert (back.pool, tuple_of(back)) == ("", ("a", False))
    assert await pool.stocks.called(stock, "+12") is None
