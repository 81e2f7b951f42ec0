"""No call works for long, however much is waiting."""

from __future__ import annotations

import pytest

from allocator.allocator import MAX_ASKS_PER_CALL, MAX_PROMOTED_PER_SWEEP
from allocator.answers import Ask, Call, State
from allocator.port import Store
from tests.allocator.pools import PoolUnderTest, make, numbers
from tests.servers import stores

MANY = 200_000
RANKED_A_CALL = 4


@pytest.fixture
async def due(valkey_store: Store, unique: str) -> PoolUnderTest:
    """A pool with 200,000 numbers whose guarantees all ended in the same moment."""
    pool = await make(valkey_store, unique, [])
    everyone = numbers(MANY)
    for start in range(0, MANY, 5_000):
        await pool.allocator.add(unique, everyone[start : start + 5_000], now_ms=pool.now)
        asks = [Ask(f"t{n}") for n in range(start, start + 5_000)]
        await pool.allocator.allocate(unique, asks, now_ms=pool.now)
    pool.now += 10_000
    return pool


async def backlog(pool: PoolUnderTest) -> int:
    return (await pool.allocator.status(pool.id, now_ms=pool.now)).backlog


async def test_everything_due_at_once(
    due: PoolUnderTest, valkey_server: stores.Server, unique: str
) -> None:
    """With 200,000 numbers due at once each call ranks a few of them, and none is passed over."""
    waiting = MANY
    assert await backlog(due) == waiting
    for asks in (1, 5, MAX_ASKS_PER_CALL):
        answers = await due.ask(*(f"new{waiting}-{n}" for n in range(asks)))
        assert {answer.state for answer in answers} == {State.RECYCLED}
        left = await backlog(due)
        assert waiting - left == RANKED_A_CALL + asks
        waiting = left

    held = await due.ask("t199999")
    assert held[0].state is State.HELD
    await due.allocator.drain(unique, ["+18880199990"], now_ms=due.now)
    await due.allocator.release(unique, ["t199991"], now_ms=due.now)
    call = Call(id="1", number="+18880199992")
    await due.allocator.record_call(unique, call, now_ms=due.now)
    assert await backlog(due) == waiting - 2  # the drained and the released one

    assert (await due.allocator.sweep(unique, now_ms=due.now)).more
    assert await backlog(due) == waiting - 2 - MAX_PROMOTED_PER_SWEEP

    # A new order moves what was ranked by the old one a few at a time too.
    await due.edit(recycle="round_robin")
    key = f"rp:{{{unique}}}:stale"
    stale = valkey_server.command("ZCARD", key)
    assert stale > MAX_PROMOTED_PER_SWEEP
    await due.one("another")
    assert stale - valkey_server.command("ZCARD", key) == RANKED_A_CALL + 1


async def test_memory(valkey_server: stores.Server, valkey_store: Store, unique: str) -> None:
    """An assigned number with a tuple of 60 bytes takes at most 600 bytes, history apart."""
    count = 20_000

    def used() -> int:
        return int(valkey_server.command("INFO", "memory")["used_memory"])

    before = used()
    pool = await make(valkey_store, unique, numbers(count))
    await pool.ask(
        *(f"website=newspress&location=footer&path=/a/landing/page/{n:07d}" for n in range(count))
    )
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert status.held == count
    assert (used() - before) / count <= 600


async def test_the_choice_is_the_best_of_those_ranked(valkey_store: Store, unique: str) -> None:
    """With a backlog a call chooses among those longest due; swept, among all."""
    pool = await make(valkey_store, unique, numbers(10), recycle="last_in_first_out")
    for n in range(10):
        await pool.one(f"t{n}")
        pool.now += 1
    pool.now += 10_000
    assert (await pool.one("x")).number == numbers(10)[RANKED_A_CALL]
    await pool.sweep()
    assert (await pool.one("y")).number == numbers(10)[9]
