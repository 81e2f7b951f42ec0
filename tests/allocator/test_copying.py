"""A pool that has lived is read page by page, and goes on in a store of another kind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec import structs

from allocator import copying
from allocator.allocator import Allocator
from allocator.answers import Ask, State, area_list
from allocator.copying import ROWS_A_CALL, Moved, Reader, Row, Table
from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from tests.allocator.pools import DAY, PoolUnderTest, make, numbers
from tests.allocator.test_commands import live


async def rows_of(store: Store, table: Table) -> list[Row]:
    return [row async for page in Reader(store).pages(table) for row in page]


async def copy(source: Store, target: Store, pool: PoolUnderTest, *, over: int = 0) -> None:
    """Copy a pool and its stock between stores."""
    documents = {row[0]: row[1] for row in await rows_of(source, copying.pool_documents(pool.id))}
    found = await rows_of(source, copying.pool_numbers(pool.id))
    rules, state = documents[b"rules"], documents[b"state"]
    for _ in range(2):  # an answer was lost
        await copying.write_pool_numbers(target, pool.id, rules, found, over=over, read=pool.now)
    for table in (copying.pool_outbox(pool.id), *copying.pool_rest(pool.id)):
        await copying.write(target, table, await rows_of(source, table))
    stock = f"{pool.id}-s"
    in_stock = await rows_of(source, copying.stock_numbers(stock))
    await copying.write_stock_numbers(target, stock, in_stock)
    rules_of_stock = copying.stock_rules(stock)
    await copying.write(target, rules_of_stock, await rows_of(source, rules_of_stock))
    await copying.open_pool(target, pool.id, rules, state)


async def seen(pool: PoolUnderTest, stock: str) -> list[object]:
    """What can be seen of a pool from outside."""
    _, page = await pool.allocator.numbers(pool.id, limit=5000, now_ms=pool.now)
    rows = sorted(page, key=lambda row: row.number)
    former = [
        await pool.allocator.holder(pool.id, row.number, at, now_ms=pool.now)
        for row in rows
        for at in (pool.now - 50_000, pool.now - 20_000, pool.now)
    ]
    status = await pool.allocator.status(pool.id, now_ms=pool.now)
    # What the archive is to know is the first store's to tell.
    status = structs.replace(status, ledger_waiting=0, ledger_waiting_seconds=0.0)
    series = await pool.allocator.series(pool.id, 1440, 840, now_ms=pool.now)
    assert sum(minute.asks for minute in series.minutes) > 10
    return [rows, former, status, series, await pool.stocks.status(stock, now_ms=pool.now)]


@pytest.mark.parametrize("backend", ["redis7", "cluster"], indirect=True)
@pytest.mark.parametrize("areas", ["", area_list(["+1212", "+1888"])])
async def test_it_goes_on_as_it_would_have(
    valkey_store: Store, store: Store, unique: str, areas: str
) -> None:
    """Both give the same answers from then on, and have the same of the past."""
    source = await make(valkey_store, unique, numbers(5), areas=areas)
    await live(source)
    await source.edit(stock=f"{unique}-s", max_size=8, areas=areas)
    await source.stocks.shelve(f"{unique}-s", areas, now_ms=source.now)
    await source.ask("w1", attributes="fünf".encode())
    await source.sweep()
    target = PoolUnderTest(store, unique)
    target.now = source.now
    await copy(valkey_store, store, source)
    await target.sweep()  # finds the order of the recyclable ones
    assert await seen(target, f"{unique}-s") == await seen(source, f"{unique}-s")
    for asks in (["w1", "w2", "t1"], [f"x{n}" for n in range(9)]):
        for pool in (source, target):
            pool.now += 40_000
            await pool.sweep()
        asked = [Ask(name, areas="+1212") for name in asks]
        one = await source.allocator.allocate(unique, asked, now_ms=source.now)
        other = await target.allocator.allocate(unique, asked, now_ms=target.now)
        assert one == other
    assert await seen(target, f"{unique}-s") == await seen(source, f"{unique}-s")


@pytest.mark.parametrize("backend", ["redis7"], indirect=True)
async def test_who_may_have_lost_a_number_gets_none(
    valkey_store: Store, store: Store, unique: str
) -> None:
    """A guarantee that was over: somebody else may have been given the number, unseen. It is
    unassigned, and who had it stands in its history. All others hold on."""
    source = await make(valkey_store, unique, numbers(2))
    (early,) = await source.ask("early", attributes=b"click")
    source.now += 6_000
    (late,) = await source.ask("late")
    source.now += 6_000
    await copy(valkey_store, store, source, over=source.now)
    allocator = Allocator(store)
    held = await allocator.held(unique, ["early", "late"], now_ms=source.now)
    assert [answer.state for answer in held] == [State.NONE, State.HELD]
    assert held[1].number == late.number
    before = await allocator.holder(unique, early.number, source.now - 1, now_ms=source.now)
    assert before is not None
    assert (before.tuple, before.guaranteed_until) == ("early", early.guaranteed_until)
    assert (await allocator.status(unique, now_ms=source.now)).unassigned == 1
    touched = await allocator.touch(unique, [Ask("early")], now_ms=source.now)
    assert touched[0].state is State.NONE


async def test_a_tuple_that_got_another_number_meanwhile_has_the_later_one(
    valkey_store: Store, unique: str
) -> None:
    """Its first number was read before it lost it, the other one after it got it."""
    pool = await make(valkey_store, unique, numbers(1))
    await pool.one("t")
    table = copying.pool_numbers(unique)
    first = await rows_of(valkey_store, table)
    pool.now += DAY
    await pool.one("u")
    await pool.allocator.add(unique, ["+12120000001"], now_ms=pool.now)
    again = await pool.one("t")
    second = await rows_of(valkey_store, table)
    both = [*first, *(row for row in second if row[0] == again.number.encode())]
    documents = dict(await rows_of(valkey_store, copying.pool_documents(unique)))
    for rows in (both, both[::-1]):
        await copying.clear(valkey_store, copying.pool_numbers(unique).keys)
        await copying.write_pool_numbers(
            valkey_store, unique, documents[b"rules"], rows, over=pool.now, read=pool.now
        )
        (held,) = await pool.allocator.held(unique, ["t"], now_ms=pool.now)
        assert held.number == again.number


class Counted:
    """A store that notes how many rows each call brings, and may send calls elsewhere."""

    def __init__(self, *stores: Store) -> None:
        self._stores = stores
        self.calls = 0

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self.calls += 1
        return await self._stores[min(self.calls, len(self._stores)) - 1].run(script, keys, args)

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


async def test_no_call_reads_or_writes_a_whole_pool(valkey_store: Store, unique: str) -> None:
    """Each takes about a hundred numbers, however many there are."""
    await make(valkey_store, unique, numbers(3000))
    store = Counted(valkey_store)
    pages = [page async for page in Reader(store).pages(copying.pool_numbers(unique))]
    assert len({row[0] for page in pages for row in page}) == 3000
    assert max(map(len, pages)) < 2 * ROWS_A_CALL
    assert store.calls == len(pages) > 15


@pytest.mark.parametrize("backend", ["redis7"], indirect=True)
async def test_another_server_in_the_middle_is_noticed(
    valkey_store: Store, store: Store, unique: str
) -> None:
    """After a failover a cursor means nothing: rows would be missing."""
    for one in (valkey_store, store):
        await make(one, unique, numbers(1000))
    with pytest.raises(Moved):
        await rows_of(Counted(valkey_store, store), copying.pool_numbers(unique))


async def test_a_closed_pool_gives_nothing_until_it_is_opened(store: Store, unique: str) -> None:
    """On every kind of store: no script works on it, and what it has stays."""
    pool = await make(store, unique, numbers(2))
    answer = await pool.one("t")
    for _ in range(2):
        await copying.close(store, unique)
    for refused in (pool.one("t"), pool.one("u"), pool.sweep(), pool.edit()):
        with pytest.raises(StoreUnavailable, match="closed by ringpool backup --last"):
            await refused
    await copying.close(store, unique, closed=False)
    assert (await pool.one("t")).number == answer.number
