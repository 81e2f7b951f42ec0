"""What a racing process does: its own loop, its own connections, no pytest."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from pathlib import Path

from allocator.allocator import Allocator, Busy
from allocator.answers import Answer, Ask, Departure, Rules
from allocator.port import StoreUnavailable
from allocator.redis.url import connect
from allocator.transfers import Transfers
from allocator.worker import cache
from allocator.worker.cache import AssignmentCache

Log = list[tuple[str, Answer]]
"""Each answer with the tuple that it was given to."""

TimedAnswer = tuple[float, str, Answer]
"""When an answer was given (Unix ms), to which tuple, and the answer."""


class Watch:
    """A worker's clock that notes when it was last looked at (Unix ms).

    That is when the worker found that it may give an answer. The process may be held up right
    after it, so a look of the test's own would come later, when the number may be another's.
    """

    looked = 0.0

    def __call__(self) -> float:
        self.looked = time.time() * 1000
        return time.monotonic()


def ask_at_once(
    url: str, pool_id: str, tuples: Sequence[str], begin_at: float, network: str = ""
) -> Log:
    """Ask for every tuple in a call of its own, all under way at the same time."""

    async def race() -> Log:
        store = await connect(url, timeout_ms=10_000)
        allocator = Allocator(store)
        await store.ping()
        await asyncio.sleep(max(0.0, begin_at - time.time()))
        asks = [Ask(tuple_, network=network) for tuple_ in tuples]
        given = await asyncio.gather(*(allocator.allocate(pool_id, [ask]) for ask in asks))
        await store.aclose()
        return [(tuple_, answer) for tuple_, [answer] in zip(tuples, given, strict=True)]

    return asyncio.run(race())


def ask_until(over: Path, url: str, pool_id: str, seed: int) -> Log:
    """Ask for some of 60 tuples again and again; a store that is away is asked again.

    ``over``: it ends as soon as there is such a file.
    """

    async def race() -> Log:
        store = await connect(url, timeout_ms=10_000)
        log: Log = []
        await asyncio.gather(*(one(Allocator(store), seed * 100 + n, log) for n in range(4)))
        await store.aclose()
        return log

    async def one(allocator: Allocator, seed: int, log: Log) -> None:
        chance = random.Random(seed)
        while not over.exists():
            tuples = [f"t{chance.randrange(60)}" for _ in range(chance.randint(1, 4))]
            try:
                answers = await allocator.allocate(pool_id, [Ask(t) for t in tuples])
            except StoreUnavailable:
                await asyncio.sleep(0.01)
            else:
                log += zip(tuples, answers, strict=True)

    return asyncio.run(race())


async def disturb(
    allocator: Allocator, transfers: Transfers, pool_id: str, stock_id: str, own: Sequence[str]
) -> None:
    """Edit the rules, drain, add, release and sweep, until enough of each answer was given."""
    chance = random.Random(1)
    for turn in itertools.count():
        await edit(allocator, pool_id, stock_id, chance, 10 + turn)
        await allocator.drain(pool_id, chance.sample(list(own), 2))
        await allocator.release(pool_id, [f"t{chance.randrange(60)}"])
        await hand_on(allocator, transfers, pool_id)
        await allocator.add(pool_id, chance.sample(list(own), 3))
        status = await allocator.status(pool_id)
        totals = (status.held_total, status.recycled_total, status.overflow_total)
        if turn > 100 and min(totals) > 200:
            return


async def edit(
    allocator: Allocator, pool_id: str, stock_id: str, chance: random.Random, revision: int
) -> None:
    rules = Rules(
        min_duration=chance.choice([10, 30, 80]),
        hold_on_activity=chance.choice([0, 0, 20]),
        recycle=chance.choice(["least_active", "weighted_random", "last_in_first_out"]),
        max_size=chance.choice([8, 12]),
        stock=stock_id,
        overflow_number="+1999",
    )
    try:
        await allocator.edit(pool_id, rules, revision)
    except Busy:
        await allocator.sweep(pool_id)


async def hand_on(allocator: Allocator, transfers: Transfers, pool_id: str) -> None:
    departures = (await allocator.sweep(pool_id)).departures

    async def nobody_is_owner(stock_id: str, departures: Sequence[Departure]) -> None:
        """There is no catalog here that notes owners."""

    await transfers.hand_on(pool_id, departures, nobody_is_owner)


def serve_until(over: Path, url: str, pool_id: str, seed: int) -> list[TimedAnswer]:
    """Do what a worker does: answer from memory, coalesce, write behind; note when each was given.

    ``over``: it ends as soon as there is such a file.

    The margins are shortened so that guarantees of a third of a second are remembered too.
    """
    cache.MARGIN_SECONDS = 0.06
    cache.PAUSE_SECONDS = cache.SPREAD_SECONDS = 0.02

    async def race() -> list[TimedAnswer]:
        store = await connect(url, timeout_ms=500, wait_replicas=1)
        watch = Watch()
        source = AssignmentCache(Allocator(store), clock=watch)
        writing = asyncio.create_task(source.run())
        given: list[TimedAnswer] = []
        await asyncio.gather(*(one(source, watch, seed * 100 + n, given) for n in range(16)))
        writing.cancel()
        await source.aclose()
        await store.aclose()
        return given

    async def one(
        source: AssignmentCache, watch: Watch, seed: int, given: list[TimedAnswer]
    ) -> None:
        chance = random.Random(seed)
        while not over.exists():
            tuple_ = f"t{chance.randrange(40)}"
            try:
                answer = await source.allocate(pool_id, Ask(tuple_, b"{}"))
            except StoreUnavailable:
                await asyncio.sleep(0.01)
            else:
                given.append((watch.looked, tuple_, answer))
                await asyncio.sleep(chance.random() / 100)

    return asyncio.run(race())
