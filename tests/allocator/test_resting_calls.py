"""Calls to numbers that rest: credited to who had them last, counted, and waited for."""

from __future__ import annotations

from allocator.answers import Call, CallCredit
from allocator.port import Store
from tests.allocator.pools import DAY, PoolUnderTest, make

QUARANTINE, QUIET = 10 * DAY, 2 * DAY


class Shelf:
    """A stock of one number, which a pool has had and given back."""

    def __init__(self, pool: PoolUnderTest) -> None:
        self.pool = pool
        self.stock = f"{pool.id}-s"

    async def edit(self, **more: int) -> None:
        await self.pool.stocks.edit(
            self.stock, QUARANTINE, ["+21"], now_ms=self.pool.now, **{"quiet_ms": QUIET, **more}
        )

    async def call(
        self, id: str, ago: int = 0, event: str = "started", number: str = "+21"
    ) -> CallCredit | None:
        began = self.pool.now - ago
        call = Call(id=id, number=number, started_at=began, event=event)
        return await self.pool.stocks.record_call(self.stock, call, now_ms=self.pool.now)

    async def available_in(self) -> tuple[int, int]:
        """Days until the number can be lent, and how many calls are counted of it."""
        _, rows = await self.pool.stocks.numbers(self.stock, now_ms=self.pool.now)
        (row,) = rows
        return (row.available_from - self.pool.now) // DAY, row.calls

    async def lends(self) -> bool:
        taken = await self.pool.transfers.take(self.stock, self.pool.id, 1, now_ms=self.pool.now)
        return bool(taken)


async def given_back(store: Store, unique: str) -> Shelf:
    """The number has been tuple a's, and came back just now; the pool is empty."""
    shelf = Shelf(await make(store, unique, []))
    await shelf.edit()
    await shelf.pool.edit(stock=shelf.stock)
    await shelf.pool.one("a")
    shelf.pool.now += 20_000
    await shelf.pool.allocator.drain(unique, ["+21"], now_ms=shelf.pool.now)
    return shelf


async def test_a_call_is_its_last_holders(store: Store, unique: str) -> None:
    """Just after it left its pool, and in the stock; an id counts once, an event is noted once."""
    shelf = await given_back(store, unique)
    pool = shelf.pool
    call = Call(id="1", number="+21", started_at=pool.now)
    leaving = await pool.allocator.record_call(unique, call, now_ms=pool.now)
    assert leaving is not None
    assert leaving.holding is not None
    assert (leaving.resting, leaving.holding.tuple, leaving.holding.calls) == ("quarantine", "a", 1)
    assert await shelf.call("2") is None  # the stock doesn't have it yet
    await pool.sweep()
    assert await pool.allocator.record_call(unique, Call(id="3", number="+21")) is None
    pool.now += DAY
    credits = [await shelf.call("3"), await shelf.call("3"), await shelf.call("3", event="ended")]
    found = [(each.counted, each.noted, each.resting) for each in credits if each]
    assert found == [
        (True, True, "quarantine"),
        (False, False, "quarantine"),
        (False, True, "quarantine"),
    ]
    holder = await pool.stocks.holder(shelf.stock, "+21", pool.now - DAY - 10_000, now_ms=pool.now)
    assert holder is not None
    assert holder.holding is not None
    assert (holder.holding.tuple, holder.holding.calls) == ("a", 2)


async def test_it_isn_t_lent_before_it_was_quiet(store: Store, unique: str) -> None:
    """Two days after the last call, but no later than four such spans after its quarantine."""
    shelf = await given_back(store, unique)
    pool = shelf.pool
    await pool.sweep()
    assert await shelf.available_in() == (10, 0)
    pool.now += DAY
    await shelf.call("early")
    assert await shelf.available_in() == (9, 1)  # it rests for longer than that anyway
    pool.now += 8 * DAY
    await shelf.call("late")
    await shelf.call("later", event="outcome")
    assert await shelf.available_in() == (2, 2)
    pool.now += 2 * DAY - 1
    assert not await shelf.lends()
    for id in range(20):
        await shelf.call(f"often-{id}")
        pool.now += DAY
        if await shelf.lends():
            break
    assert id == 7  # day 18 = 10 + 4 × 2
    assert (await shelf.available_in())[1] == 0


async def test_a_ready_number_waits_too(store: Store, unique: str) -> None:
    """One that was ready, and one that nobody ever had; with no quiet period calls keep none."""
    shelf = Shelf(await make(store, unique, []))
    await shelf.edit()
    credit = await shelf.call("1")
    assert credit is not None
    assert (credit.counted, credit.holding, credit.resting) == (True, None, "stock")
    assert not await shelf.lends()
    shelf.pool.now += 2 * DAY
    await shelf.edit(quiet_ms=0)
    await shelf.call("2")
    assert await shelf.lends()


async def test_a_call_that_began_in_the_pool(store: Store, unique: str) -> None:
    """What is told of it when the number rests already counts nothing more there."""
    shelf = await given_back(store, unique)
    await shelf.pool.sweep()
    credit = await shelf.call("1", ago=15_000, event="ended")
    assert credit is not None
    assert credit.holding is not None
    assert (credit.counted, credit.holding.tuple, credit.holding.calls) == (False, "a", 0)
    assert (await shelf.available_in())[1] == 0


async def test_ids_are_bounded_by_time(valkey_store: Store, unique: str) -> None:
    """After 30 days a call's id is forgotten."""
    shelf = Shelf(await make(valkey_store, unique, []))
    await shelf.edit()
    for id, counted in (("old", True), ("old", False), ("new", True), ("old", True)):
        credit = await shelf.call(id)
        assert credit is not None
        assert credit.counted is counted
        shelf.pool.now += 30 * DAY if credit.id == "old" and not counted else 0
