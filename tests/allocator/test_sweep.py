"""When a pool is to be swept next, as its last sweep found."""

from __future__ import annotations

from allocator.answers import Call, Swept
from allocator.port import Store
from tests.allocator.pools import PoolUnderTest, make, numbers

NEVER = 3_600_000
HELD_MS = 10_000


async def swept(pool: PoolUnderTest, most: int = 1000) -> Swept:
    """What a sweep finds, nothing of which is handed on."""
    return await pool.allocator.sweep(pool.id, most, now_ms=pool.now)


async def test_without_assignments_there_is_nothing_to_wait_for(store: Store, unique: str) -> None:
    """Nor with those that are all recyclable by now."""
    pool = await make(store, unique, ["+11", "+12"])
    assert (await swept(pool)).due_in == NEVER
    await pool.ask("a")
    pool.now += HELD_MS
    assert (await swept(pool)).due_in == NEVER


async def test_the_first_guarantee_to_end_is_waited_for(store: Store, unique: str) -> None:
    """Whether its number stays or is to leave."""
    pool = await make(store, unique, ["+11", "+12"])
    first = await pool.one("a")
    pool.now += 1_000
    await pool.ask("b")
    pool.now += 1_000
    assert (await swept(pool)).due_in == HELD_MS - 2_000
    await pool.allocator.drain(unique, [first.number], now_ms=pool.now)
    assert (await swept(pool)).due_in == HELD_MS - 2_000
    await pool.allocator.drain(unique, ["+11", "+12"], now_ms=pool.now)
    assert (await swept(pool)).due_in == HELD_MS - 2_000


async def test_a_backlog_is_due_now(store: Store, unique: str) -> None:
    """While a sweep promotes as many as it may there may be more."""
    pool = await make(store, unique, numbers(3))
    await pool.ask("a", "b", "c")
    pool.now += HELD_MS
    assert [(await swept(pool, 2)).due_in for _ in range(2)] == [0, NEVER]


async def test_what_left_is_due_until_it_is_handed_on(store: Store, unique: str) -> None:
    """Those that a sweep doesn't show, being too many, too."""
    some = numbers(150)
    pool = await make(store, unique, some)
    await pool.allocator.drain(unique, some, now_ms=pool.now)
    assert (await swept(pool)).due_in == 0
    left = 0
    while left < len(some):
        left += len(await pool.sweep())
    assert (await swept(pool)).due_in == 0  # what is noted of 150 hides from a look at 100
    pool.now += 60_001
    await swept(pool)
    assert (await swept(pool)).due_in == NEVER


async def test_a_surplus_is_due_until_it_is_gone(store: Store, unique: str) -> None:
    """As long as a pool is above its size."""
    pool = await make(store, unique, ["+11", "+12"])
    await pool.edit(max_size=1)
    assert (await swept(pool)).due_in == 0
    await pool.edit(max_size=2)
    assert (await swept(pool)).due_in == NEVER


async def test_answers_total_counts_every_answer(store: Store, unique: str) -> None:
    """A new, held, recycled and overflow one; a call or a sweep is none."""
    pool = await make(store, unique, ["+11"])
    await pool.ask("a", "a", "b")
    pool.now += HELD_MS
    await pool.ask("b")
    call = Call(id="1", number="+11")
    await pool.allocator.record_call(unique, call, now_ms=pool.now)
    assert [(await swept(pool)).answers_total for _ in range(2)] == [4, 4]


async def exhausted(pool: PoolUnderTest) -> bool:
    """What a sweep and a count say, which is the same."""
    counted = (await pool.allocator.status(pool.id, now_ms=pool.now)).exhausted
    assert bool((await swept(pool)).exhausted) == counted
    return counted


async def test_a_pool_that_can_grow_is_not_exhausted(store: Store, unique: str) -> None:
    """Every number is inside its guarantee, but the stock has another: nobody needs to know."""
    stock = f"{unique}-s"
    pool = await make(store, unique, ["+11"], stock=stock, max_size=2)
    await pool.stocks.edit(stock, 0, ["+21", "+22"], now_ms=pool.now)
    await pool.ask("a")
    assert not await exhausted(pool)
    await pool.ask("b")
    assert await exhausted(pool)  # at its size
    await pool.edit(stock=stock, max_size=3)
    assert not await exhausted(pool)


async def test_a_pool_whose_stock_is_dry_is_exhausted(store: Store, unique: str) -> None:
    """Once growth was tried in vain, until it succeeds or the pool gets a number otherwise."""
    stock = f"{unique}-s"
    pool = await make(store, unique, ["+11"], stock=stock)
    await pool.stocks.edit(stock, 0, ["+21"], now_ms=pool.now)
    await pool.ask("a", "b")
    assert not await exhausted(pool)  # that the stock has no more isn't known yet
    await pool.ask("c")
    assert await exhausted(pool)
    pool.now += 5_000
    assert await exhausted(pool)  # the stock may be asked again, but wasn't
    await pool.stocks.edit(stock, 0, ["+22"], now_ms=pool.now)
    assert (await pool.one("c")).number == "+22"
    assert not await exhausted(pool)
    pool.now += 10_000
    assert not await exhausted(pool)  # guarantees are over


async def test_a_pool_without_a_stock_is_exhausted_when_all_are_held(
    store: Store, unique: str
) -> None:
    """As long as the guarantees last."""
    pool = await make(store, unique, ["+11"])
    assert not await exhausted(pool)
    await pool.ask("a")
    assert await exhausted(pool)
    pool.now += HELD_MS
    assert not await exhausted(pool)


async def test_overdue_assignments_are_ended(store: Store, unique: str) -> None:
    """Some at a time; what is inside its guarantee, and what leaves, stays as it is."""
    pool = await make(store, unique, numbers(4))
    await pool.ask("a", "b")
    pool.now += HELD_MS
    await swept(pool)
    held = await pool.one("c")
    pool.now += 1_000
    assert await pool.allocator.end_overdue(unique, now_ms=pool.now) == 2
    assert await pool.allocator.end_overdue(unique, now_ms=pool.now) == 0
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.unassigned, status.held, status.recyclable) == (3, 1, 0)
    answers = await pool.allocator.held(unique, ["a", "b", "c"], now_ms=pool.now)
    assert [answer.number for answer in answers] == ["", "", held.number]
