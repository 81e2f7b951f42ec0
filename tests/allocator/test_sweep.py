"""When a pool is to be swept next, as its last sweep told."""

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


async def test_given_counts_every_answer(store: Store, unique: str) -> None:
    """A new, held, recycled and overflow one; a call or a sweep is none."""
    pool = await make(store, unique, ["+11"])
    await pool.ask("a", "a", "b")
    pool.now += HELD_MS
    await pool.ask("b")
    call = Call(id="1", number="+11")
    await pool.allocator.record_call(unique, call, now_ms=pool.now)
    assert [(await swept(pool)).given for _ in range(2)] == [4, 4]
