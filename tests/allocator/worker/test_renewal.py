"""What is shown is promised: by the store's answers, and by those that workers repeat."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Rules, State
from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from allocator.worker.cache import AssignmentCache, HeldAnswer
from tests.allocator.pools import START, numbers

HOLD = 40_000


class Timed:
    """A store in virtual time that can be away; ``asked`` has the scripts that were run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.now = START
        self.away = False
        self.asked: list[str] = []

    def clock(self) -> float:
        """The same time for workers."""
        return self.now / 1000

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        if self.away:
            raise StoreUnavailable("away")
        self.asked.append(script.name)
        return await self._store.run(script, keys, (args[0] or str(self.now), *args[1:]))

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


class Shown:
    """A pool, and all that its visitors were promised."""

    def __init__(self, store: Store, pool_id: str) -> None:
        self.store = Timed(store)
        self.pool = pool_id
        self.allocator = Allocator(self.store)
        self.rests = ""
        self.seen: Counter[str] = Counter()
        self._revision = 0
        self._promises: dict[str, tuple[str, int]] = {}

    def worker(self) -> AssignmentCache:
        return AssignmentCache(
            self.allocator, clock=self.store.clock, refuses=lambda _pool_id: self.rests
        )

    async def make(self, own: int, **rules: int) -> None:
        await self.edit(**rules)
        await self.allocator.add(self.pool, numbers(own))

    async def edit(self, **rules: int) -> None:
        self._revision += 1
        given = {"min_duration": HOLD, "hold_on_activity": HOLD} | rules
        await self.allocator.edit(self.pool, Rules(**given, allow_overflow=False), self._revision)

    async def show(self, worker: AssignmentCache, tuple_: str) -> Answer:
        """Answer a visitor; what others were promised stands."""
        answer = await worker.allocate(self.pool, Ask(tuple_))
        if answer.hold_ms:
            whose, until = self._promises.get(answer.number, (tuple_, 0))
            assert whose == tuple_ or until <= self.store.now, "two tuples have one number"
            left = answer.guaranteed_until - self.store.now
            assert left - 1 <= answer.hold_ms <= left, "two times are told"
            until = max(until if whose == tuple_ else 0, answer.guaranteed_until)
            self._promises[answer.number] = (tuple_, until)
        self.seen[answer.state] += 1
        return answer


@pytest.fixture
async def shown(valkey_store: Store, unique: str) -> Shown:
    """A pool of three numbers that are held on activity for as long as at first, 40 s."""
    made = Shown(valkey_store, unique)
    await made.make(3)
    return made


async def test_a_returning_visitor_is_promised_the_number_anew(shown: Shown) -> None:
    """Whenever the click comes, also when the guarantee is over already."""
    worker = shown.worker()
    first = await shown.show(worker, "a")
    for later in (1, 3_000, 6_000, HOLD - 1, HOLD, 2 * HOLD):
        shown.store.now += later
        again = await shown.show(worker, "a")
        assert (again.state, again.number) == (State.HELD, first.number)
        assert again.hold_ms >= HOLD * 7 / 8


async def test_what_is_repeated_promises_seven_eighths(shown: Shown) -> None:
    """Up to then the worker answers, afterwards the store, which renews the guarantee."""
    worker = shown.worker()
    await shown.show(worker, "a")
    shown.store.asked.clear()
    shown.store.now += HOLD // 8 - 1
    repeated = await shown.show(worker, "a")
    assert repeated.guaranteed_until == shown.store.now + HOLD * 7 // 8 + 1
    assert not shown.store.asked
    shown.store.now += 1
    renewed = await shown.show(worker, "a")
    assert (shown.store.asked, renewed.hold_ms) == (["pool/allocate"], HOLD)
    assert isinstance(renewed, HeldAnswer)


async def test_a_busy_tuple_is_renewed_by_what_is_written_behind(shown: Shown) -> None:
    """So nobody waits for the store, and the guarantee isn't written at each click."""
    worker = shown.worker()
    await shown.show(worker, "a")
    shown.store.asked.clear()
    ends = set()
    for _ in range(200):
        shown.store.now += 700
        ends.add((await shown.show(worker, "a")).guaranteed_until)
        await worker.flush()
    assert len(shown.store.asked) == 200, "written behind once each, and asked never"
    assert 140_000 / HOLD * 8 <= len(ends) <= 140_000 / HOLD * 16


async def test_while_the_store_is_away_what_is_left_is_told(shown: Shown) -> None:
    """A number that can't be renewed is shown as long as it is promised, and no longer."""
    worker = shown.worker()
    first = await shown.show(worker, "a")
    shown.store.away = True
    shown.store.now += HOLD // 2
    for answer in (
        await shown.show(worker, "a"),
        *await worker.allocate_many(shown.pool, [Ask("a")]),
        await worker.find(shown.pool, Ask("a")),
    ):
        assert answer == Answer(State.HELD, first.number, first.guaranteed_until, HOLD // 2)
    shown.store.now += HOLD // 2 - 1_500
    with pytest.raises(StoreUnavailable):
        await shown.show(worker, "a")
    assert isinstance((await worker.allocate_many(shown.pool, [Ask("a")]))[0], StoreUnavailable)
    with pytest.raises(StoreUnavailable):
        await worker.find(shown.pool, Ask("a"))


async def test_what_was_shown_while_the_store_was_away_is_renewed_and_not_counted(
    shown: Shown,
) -> None:
    """Nobody knows whether the store counted the click before it failed."""
    worker = shown.worker()
    await shown.show(worker, "a")
    shown.store.away = True
    shown.store.now += HOLD // 2
    answer = await shown.show(worker, "a")
    shown.store.away = False
    await worker.flush()
    (row, *_) = (await shown.allocator.numbers(shown.pool))[1]
    assert (row.number, row.clicks) == (answer.number, 1)
    assert row.until == shown.store.now + HOLD


async def test_a_pool_that_rests_tells_what_is_left(shown: Shown) -> None:
    """It writes nothing, so nothing is renewed. Its clicks are written behind, which renews it."""
    worker = shown.worker()
    await shown.show(worker, "a")
    shown.rests = "rests"
    shown.store.now += HOLD // 2
    assert (await shown.show(worker, "a")).hold_ms == HOLD // 2
    shown.rests = ""
    await worker.flush()
    assert (await shown.show(worker, "a")).hold_ms == HOLD
    await worker.flush()
    assert (await shown.allocator.status(shown.pool)).held_total == 2


async def test_a_number_that_drains_is_shown_for_what_is_left(shown: Shown) -> None:
    """No click keeps it in the pool."""
    worker = shown.worker()
    first = await shown.show(worker, "a")
    await shown.allocator.drain(shown.pool, [first.number])
    shown.store.now += HOLD - 100
    assert (await shown.show(worker, "a")).hold_ms == 100
    shown.store.now += 100
    other = await shown.show(worker, "a")
    assert (other.state, other.hold_ms) == (State.NEW, HOLD)
    assert other.number != first.number


@pytest.mark.parametrize("seed", range(12))
async def test_every_answer_promises_its_reader_most_of_the_minimum_duration(
    valkey_store: Store, unique: str, seed: int
) -> None:
    """Several workers and visitors, any times, writes behind at any moment: seven eighths, and no
    number is another's before."""
    chance = random.Random(seed)
    hold = chance.choice([3_000, 10_001, HOLD])
    shown = Shown(valkey_store, unique)
    await shown.make(3, min_duration=chance.choice([1_000, hold, HOLD]), hold_on_activity=hold)
    workers = [shown.worker() for _ in range(3)]
    repeated = 0
    for _ in range(300):
        if chance.random() < 0.4:
            shown.store.now += chance.choice([1, 70, 500, hold // 16, hold // 8, hold, 2 * hold])
        worker = chance.choice(workers)
        if chance.random() < 0.2:
            await worker.flush()
        asked = len(shown.store.asked)
        answer = await shown.show(worker, chance.choice("aaabbcde"))
        repeated += len(shown.store.asked) == asked
        assert answer.state is State.NONE or (
            answer.guaranteed_until >= shown.store.now + hold * 7 / 8
        )
    assert repeated > 20
    assert {*shown.seen} >= {State.NEW, State.HELD, State.RECYCLED, State.NONE}


@pytest.mark.parametrize("seed", range(12))
async def test_no_promise_is_broken_by_edits_outages_and_rests(
    valkey_store: Store, unique: str, seed: int
) -> None:
    """From no hold to one and back, with a store that is away, pools that rest, and drains."""
    chance = random.Random(seed)
    shown = Shown(valkey_store, unique)
    await shown.make(4)
    workers = [shown.worker() for _ in range(3)]
    for _ in range(300):
        shown.store.now += chance.choice([0, 0, 0, 1, 70, 500, 2_500, 5_000, HOLD])
        worker = chance.choice(workers)
        match chance.randrange(20):
            case 0:
                shown.store.away = not shown.store.away
            case 1:
                shown.rests = "" if shown.rests else "rests"
            case 2 | 3 if not shown.store.away:
                spans = [0, 3_000, 10_000, HOLD]
                await shown.edit(
                    hold_on_activity=chance.choice(spans), min_duration=chance.choice(spans[1:])
                )
            case 4 if not shown.store.away:
                (gone,) = chance.sample(numbers(4), 1)
                await shown.allocator.drain(shown.pool, [gone])
                await shown.allocator.sweep(shown.pool)
                await shown.allocator.add(shown.pool, chance.sample(numbers(4), 2))
            case 5 | 6 | 7:
                await worker.flush()
        try:
            await shown.show(worker, chance.choice("aaabbcdef"))
        except StoreUnavailable:
            shown.seen["unavailable"] += 1
    assert {*shown.seen} >= {State.NEW, State.HELD, State.RECYCLED, State.NONE, "unavailable"}
