"""Clicks that a worker answers from memory count once, whatever becomes of the writes behind."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Literal

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Rules, State
from allocator.keys import pool_keys
from allocator.port import Argument, Store, StoreUnavailable
from allocator.redis.url import connect
from allocator.scripts import Script
from allocator.worker.cache import AssignmentCache
from tests.allocator.pools import DAY, OVERFLOW, START, numbers
from tests.servers import stores

Fate = Literal["done", "lost", "never", "late"]
"""Of a write behind. "lost": it ran, its reply didn't come. "late": it runs later."""

FATES: tuple[Fate, ...] = ("done", "lost", "never", "late")


class Lossy:
    """A store in virtual time, between which and the worker writes behind and replies are lost."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.now = START
        self.fate: Callable[[], Fate] = lambda: "done"
        self.late: list[Callable[[], Awaitable[bytes]]] = []

    def clock(self) -> float:
        """The same time for the worker."""
        return self.now / 1000

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        def sent() -> Coroutine[Any, Any, bytes]:
            clock = args[0] or str(self.now)
            return self._store.run(script, keys, (clock, *args[1:]))

        fate = self.fate() if args[1:2] == ("told",) else "done"
        if fate == "late":
            self.late.append(sent)
        elif fate != "never":
            reply = await sent()
            if fate == "done":
                return reply
        raise StoreUnavailable("no answer")

    async def arrive(self, place: int = 0) -> None:
        """A late write comes to the store after all; nobody hears what becomes of it."""
        await self.late.pop(place)()

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


class Told:
    """A worker, and what it told: answers by state, each as often as it stands for clicks."""

    def __init__(self, store: Lossy, pool_id: str) -> None:
        self.store = store
        self.pool = pool_id
        self.allocator = Allocator(store)
        self.worker = AssignmentCache(self.allocator, clock=store.clock)
        self.answers: Counter[State] = Counter()

    async def ask(self, *tuples: str, clicks: int = 1) -> None:
        """One number, or many at once."""
        asks = [Ask(each, clicks=clicks) for each in tuples]
        if len(asks) == 1:
            found: Sequence[Answer | StoreUnavailable]
            found = [await self.worker.allocate(self.pool, asks[0])]
        else:
            found = await self.worker.allocate_many(self.pool, asks)
        for answer in found:
            assert isinstance(answer, Answer)
            self.answers[answer.state] += clicks if answer.state is State.HELD else 1

    async def counted(self) -> Counter[State]:
        """What the pool has counted once the store is back and all is written."""
        self.store.fate = lambda: "done"
        await self.worker.flush()
        await self.worker.flush()
        status = await self.allocator.status(self.pool)
        return +Counter(
            {
                State.NEW: status.new_total,
                State.HELD: status.held_total,
                State.RECYCLED: status.recycled_total,
                State.OVERFLOW: status.overflow_total,
            }
        )


async def make(store: Store, pool_id: str, own: int = 3) -> Told:
    """A worker on a pool with numbers of its own, and a guarantee of 10 s."""
    told = Told(Lossy(store), pool_id)
    rules = Rules(min_duration=10_000, overflow_number=OVERFLOW, click_weight=1)
    await told.allocator.edit(pool_id, rules, 1)
    await told.allocator.add(pool_id, numbers(own))
    return told


@pytest.mark.parametrize("fate", ["lost", "never", "late"])
async def test_a_write_that_is_repeated_counts_once(store: Store, unique: str, fate: Fate) -> None:
    """However often it ran; clicks that come between its repetitions count as well."""
    told = await make(store, unique)
    await told.ask("a")
    told.store.fate = lambda: fate
    for _ in range(4):
        await told.ask("a")
        await told.worker.flush()
    assert told.answers == {State.NEW: 1, State.HELD: 4}
    for _ in range(2):
        if told.store.late:
            await told.store.arrive(-1)
    assert await told.counted() == told.answers
    while told.store.late:
        await told.store.arrive()
    assert await told.counted() == told.answers
    (row, *_) = (await told.allocator.numbers(unique))[1]
    assert row.clicks == 5


async def test_what_was_told_to_a_tuple_that_lost_its_number_counts(
    valkey_store: Store, unique: str
) -> None:
    """For the pool, though there is no assignment left that it could count for."""
    told = await make(valkey_store, unique, own=1)
    await told.ask("a")
    await told.ask("a")
    told.store.now += 11_000
    await told.ask("b")
    assert told.answers == {State.NEW: 1, State.HELD: 1, State.RECYCLED: 1}
    assert await told.counted() == told.answers


async def test_a_pool_that_rests_counts_what_it_tells(valkey_store: Store, unique: str) -> None:
    """Also of a tuple whose guarantee is nearly over."""
    told = await make(valkey_store, unique)
    await told.ask("a")
    told.store.now += 9_000
    told.worker = AssignmentCache(
        told.allocator, clock=told.store.clock, refuses=lambda _pool_id: "rests"
    )
    await told.ask("a")
    assert told.answers == {State.NEW: 1, State.HELD: 1}
    assert await told.counted() == told.answers


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_lost_counted_is_what_was_told(
    valkey_store: Store, unique: str, seed: int
) -> None:
    """Any sequence of asks of three workers, and of writes that are lost, late, out of order."""
    chance = random.Random(seed)
    told = await make(valkey_store, unique)
    workers = [told, Told(told.store, unique), Told(told.store, unique)]
    quiet = 0.0

    def fate() -> Fate:
        return "done" if chance.random() < quiet else chance.choice(FATES)

    for _ in range(120):
        told.store.fate = fate
        worker = chance.choice(workers)
        match chance.randrange(10):
            case 0:
                quiet = chance.choice([0.0, 0.3, 0.9, 1.0])
            case 1:
                told.store.now += chance.choice([100, 3_000, 12_000])
            case 2 if told.store.late:
                await told.store.arrive(chance.randrange(len(told.store.late)))
            case 3 | 4:
                await worker.worker.flush()
            case _:
                tuples = chance.sample("abcdefgh", chance.choice([1, 1, 1, 3]))
                await worker.ask(*tuples, clicks=chance.choice([1, 1, 2]))
    while len(told.store.late) > 3:
        await told.store.arrive(chance.randrange(len(told.store.late)))
    for worker in workers:
        counted = await worker.counted()
    answers = sum((worker.answers for worker in workers), Counter[State]())
    assert counted == answers
    while told.store.late:  # later than all else
        await told.store.arrive()
    assert await told.counted() == answers
    assert answers[State.HELD] > 20


async def test_a_store_that_hangs_counts_what_was_told(unique: str) -> None:
    """Over real sockets: what was sent meanwhile is done when the server goes on."""
    with stores.valkey() as server:
        store = await connect(server.url, timeout_ms=100)
        allocator = Allocator(store)
        async with asyncio.timeout(30):
            while True:
                with suppress(StoreUnavailable):
                    await allocator.edit(unique, Rules(overflow_number=OVERFLOW), 1)
                    await allocator.add(unique, numbers(10))
                    await allocator.allocate(unique, [Ask("a", clicks=0)])
                    break
        worker = AssignmentCache(allocator)
        async with asyncio.timeout(30):
            while worker.peek(unique, "a") is None:
                with suppress(StoreUnavailable):
                    await worker.find(unique, Ask("a", clicks=0))
        server.pause()
        for _ in range(4):
            await worker.allocate(unique, Ask("a"))
            await worker.flush()
        server.resume()
        counted = -1
        async with asyncio.timeout(30):
            while counted < 4:
                await worker.aclose()
                with suppress(StoreUnavailable):
                    counted = (await allocator.status(unique)).held_total
        assert counted == 4
        await store.aclose()


async def test_what_is_not_written_at_a_stop_is_told(
    valkey_store: Store, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    """How many clicks the store may not have."""
    told = await make(valkey_store, unique)
    await told.ask("a")
    await told.ask("a", clicks=3)
    told.store.fate = lambda: "never"
    await told.worker.flush()
    await told.ask("a", clicks=2)
    await told.worker.aclose()
    assert "5 clicks may not be counted" in caplog.text


async def test_writers_are_forgotten(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Of those that are silent for a day nothing stays, however many there were."""
    told = await make(valkey_store, unique)
    for _ in range(100):
        worker = Told(told.store, unique)
        await worker.ask("a")
        await worker.ask("a")
        await worker.worker.flush()
    assert _writers(valkey_server, unique) == 100
    told.store.now += DAY
    while (await told.allocator.sweep(unique)).more:
        pass
    assert _writers(valkey_server, unique) < 20


def _writers(server: stores.Server, pool_id: str) -> int:
    fields: list[bytes] = server.command("HKEYS", pool_keys(pool_id)[0])
    return sum(1 for field in fields if field.startswith(b"w:"))
