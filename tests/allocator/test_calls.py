"""Whom a call is credited to."""

from __future__ import annotations

from allocator.answers import Call, CallCredit
from allocator.port import Store
from tests.allocator.pools import DAY, OVERFLOW, PoolUnderTest, make


async def call(pool: PoolUnderTest, id: str, number: str, started_at: int = 0) -> CallCredit | None:
    made = Call(id=id, number=number, started_at=started_at)
    overflow = number == OVERFLOW
    return await pool.allocator.record_call(pool.id, made, overflow=overflow, now_ms=pool.now)


async def test_the_present_holder(store: Store, unique: str) -> None:
    """A call counts for the tuple that holds the number, with what was captured."""
    pool = await make(store, unique, ["+11"])
    await pool.one("a", b'{"gclid":"x"}')
    credit = await call(pool, "1", "+11")
    assert credit is not None
    assert credit.counted
    assert credit.holding is not None
    assert (credit.holding.tuple, credit.holding.calls, credit.holding.until) == ("a", 1, None)
    assert credit.holding.first_click == b'{"gclid":"x"}'


async def test_an_id_counts_once(store: Store, unique: str) -> None:
    """A call that is reported again isn't counted again, and gets the first answer again."""
    pool = await make(store, unique, ["+11", "+12"])
    await pool.ask("a", "b")
    first = await call(pool, "1", "+11")
    again = await call(pool, "1", "+12")
    assert first is not None
    assert again is not None
    assert (again.counted, again.number, again.holding) == (False, "+11", first.holding)
    rows = (await pool.allocator.numbers(unique, now_ms=pool.now))[1]
    assert {row.number: row.calls for row in rows} == {"+11": 1, "+12": 0}


async def test_a_former_holder(store: Store, unique: str) -> None:
    """A call that began before the number changed hands counts for who held it then."""
    pool = await make(store, unique, ["+11"])
    began = pool.now + 5
    await pool.one("a")
    pool.now += 10_000
    await pool.one("b")
    credit = await call(pool, "1", "+11", began)
    assert credit is not None
    assert credit.holding is not None
    assert (credit.holding.tuple, credit.holding.calls) == ("a", 1)
    present = await pool.allocator.holder(unique, "+11", now_ms=pool.now)
    then = await pool.allocator.holder(unique, "+11", began, now_ms=pool.now)
    assert present is not None
    assert then is not None
    assert (present.calls, then.calls) == (0, 1)


async def test_nobodys_call(store: Store, unique: str) -> None:
    """A call to a number that nobody held then is counted, with no holder."""
    pool = await make(store, unique, ["+11"])
    credit = await call(pool, "1", "+11")
    assert credit is not None
    assert credit.holding is None
    assert (await pool.allocator.status(unique, now_ms=pool.now)).calls_total == 1


async def test_the_overflow_number(store: Store, unique: str) -> None:
    """A call to the overflow number is counted as that."""
    pool = await make(store, unique, [])
    credit = await call(pool, "1", OVERFLOW)
    assert credit is not None
    assert credit.overflow
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.calls_total, status.overflow_calls_total) == (0, 1)


async def test_a_foreign_number(store: Store, unique: str) -> None:
    """A number that the pool never had gets no credit."""
    pool = await make(store, unique, ["+11"])
    assert await call(pool, "1", "+12") is None


async def test_a_call_keeps_its_number(store: Store, unique: str) -> None:
    """A number that was called is recycled after those that weren't."""
    pool = await make(store, unique, ["+11", "+12"])
    await pool.ask("a", "b")
    pool.now += 10_000
    await pool.sweep()
    await call(pool, "1", "+11")
    assert (await pool.one("c")).number == "+12"


async def test_ids_are_kept_for_30_days(valkey_store: Store, unique: str) -> None:
    """After 30 days a call's id is forgotten, so ids don't pile up."""
    pool = await make(valkey_store, unique, ["+11"])
    await call(pool, "old", "+11")
    pool.now += 30 * DAY
    await call(pool, "new", "+11")
    credit = await call(pool, "old", "+11")
    assert credit is not None
    assert credit.counted
