"""Answers from memory: never beyond the guarantee, never uncounted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Rules, State
from allocator.keys import pool_keys
from allocator.port import Store, StoreUnavailable
from allocator.scripts import Script
from allocator.worker import cache
from allocator.worker.cache import MARGIN_SECONDS, AssignmentCache, HeldAnswer


class Counting:
    """A store that counts calls and can be down."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[str] = []
        self.down = False
        self.away: set[str] = set()  # first keys of pools whose server is away
        self.refusing: Callable[[], None] = lambda: None
        self.meanwhile: Callable[[], None] = lambda: None

    async def run(self, script: Script, keys: Sequence[str], args: object = ()) -> bytes:
        self.calls.append(script.name)
        if self.down or not self.away.isdisjoint(keys):
            self.refusing()
            raise StoreUnavailable("down")
        self.meanwhile()
        return await self._store.run(script, keys, args)  # type: ignore[arg-type]

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


class Clock:
    """Local time that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at rest."""
    return Clock()


@pytest.fixture
def counting(valkey_store: Store) -> Counting:
    """A real store behind a counter."""
    return Counting(valkey_store)


@pytest.fixture
async def pool(counting: Counting, unique: str) -> str:
    """A pool of two numbers with a guarantee of a minute."""
    allocator = Allocator(counting)
    await allocator.edit(unique, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(unique, ["+11", "+12"])
    counting.calls.clear()
    return unique


async def test_a_held_number_is_answered_without_asking(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """The second answer costs no call, says held, and what is left of the guarantee shrinks."""
    source = AssignmentCache(Allocator(counting), clock=clock)
    first = await source.allocate(pool, Ask("a"))
    clock.now += 10
    second = await source.allocate(pool, Ask("a"))
    assert (first.state, second.state) == (State.NEW, State.HELD)
    assert second.number == first.number
    assert second.guaranteed_until == first.guaranteed_until
    assert 49_000 <= second.hold_ms <= 50_000
    assert counting.calls == ["pool/allocate"]


async def test_a_held_answer_carries_its_assignment(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """From memory or from the store: further clicks can be counted without asking again."""
    allocator = Allocator(counting)
    source = AssignmentCache(allocator, clock=clock)
    first = await source.allocate(pool, Ask("a"))
    assert not isinstance(first, HeldAnswer)
    (known,) = await source.allocate_many(pool, [Ask("a")])
    found = await AssignmentCache(allocator, clock=clock).allocate(pool, Ask("a"))
    for held in (known, found):
        assert isinstance(held, HeldAnswer)
        assert (held.assignment.number, held.assignment.tuple) == (first.number, "a")
        assert held.assignment.guaranteed_until == held.guaranteed_until == first.guaranteed_until


async def test_a_number_that_is_held_for_a_moment_only_is_not_repeatable(
    counting: Counting, clock: Clock, unique: str
) -> None:
    """A guarantee shorter than the margin is answered by the store every time."""
    allocator = Allocator(counting)
    span = int(MARGIN_SECONDS * 1000)
    await allocator.edit(unique, Rules(min_duration=span, overflow_number="+1999"), 1)
    await allocator.add(unique, ["+11"])
    source = AssignmentCache(allocator, clock=clock)
    await source.allocate(unique, Ask("a"))
    again = await source.allocate(unique, Ask("a"))
    assert (again.state, isinstance(again, HeldAnswer)) == (State.HELD, False)


async def test_a_pool_that_gives_nothing_new_lets_tuples_keep_theirs(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """By reading alone, also of many at once; the clicks are written behind when it may write."""
    allocator = Allocator(counting)
    await AssignmentCache(allocator, clock=clock).allocate(pool, Ask("a"))
    counting.calls.clear()
    source = AssignmentCache(allocator, clock=clock, refuses=lambda asked: f"{asked} rests")
    held = await source.allocate(pool, Ask("a", clicks=2))
    assert (held.state, held.number) == (State.HELD, "+11")
    with pytest.raises(StoreUnavailable, match=f"{pool} rests"):
        await source.allocate(pool, Ask("b"))
    again = AssignmentCache(allocator, clock=clock, refuses=lambda _: "rests")
    first, second = await again.allocate_many(pool, [Ask("a"), Ask("b")])
    assert isinstance(first, HeldAnswer)
    assert isinstance(second, StoreUnavailable)
    assert set(counting.calls) == {"pool/held"}
    await source.flush()
    await again.flush()
    status = await allocator.status(pool)
    assert (status.new_total, status.held_total) == (1, 3)


async def test_without_memory_no_held_answer_is_repeatable(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """With ``cache_bytes`` 0 every request asks the store."""
    source = AssignmentCache(Allocator(counting), cache_bytes=0, clock=clock)
    await source.allocate(pool, Ask("a"))
    again = await source.allocate(pool, Ask("a"))
    assert (again.state, isinstance(again, HeldAnswer)) == (State.HELD, False)


async def test_memory_ends_before_the_guarantee(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """From a margin before the end on, the store is asked again."""
    source = AssignmentCache(Allocator(counting), clock=clock)
    await source.allocate(pool, Ask("a"))
    clock.now += 60 - MARGIN_SECONDS + 0.01
    await source.allocate(pool, Ask("a"))
    assert counting.calls == ["pool/allocate", "pool/allocate"]


async def test_an_answer_that_outlives_its_guarantee_on_the_way_is_not_given(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """Nobody is shown a number that may be another's by now, however often that happens."""

    def lasts(seconds: float) -> None:
        clock.now += seconds

    source = AssignmentCache(Allocator(counting), clock=clock)
    counting.meanwhile = lambda: lasts(60)
    with pytest.raises(StoreUnavailable, match="after their guarantees"):
        await source.allocate(pool, Ask("a"))
    answers = await source.allocate_many(pool, [Ask("a"), Ask("b")])
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 2
    counting.meanwhile = lambda: lasts(59)
    assert (await source.allocate(pool, Ask("a"))).state == State.HELD
    counting.meanwhile = lambda: lasts(600)
    assert (await source.allocate(pool, Ask("c"))).state == State.OVERFLOW


async def test_who_asks_at_the_end_of_a_guarantee_is_answered_all_the_same(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """The store is asked once more, and counts the click once; the others' answers stand."""
    allocator = Allocator(counting)
    source = AssignmentCache(allocator, clock=clock)
    spans = [60.0, 0.0, 60.0, 0.0]

    def lasts() -> None:
        clock.now += spans.pop(0) if spans else 0.0

    counting.meanwhile = lasts
    late = await source.allocate(pool, Ask("a"))
    assert late.state == State.HELD
    clock.now += 60  # forgotten here, held in the store
    answers = await source.allocate_many(pool, [Ask("c"), Ask("a"), Ask("b")])
    assert [answer.number for answer in answers if isinstance(answer, Answer)][1] == late.number
    assert counting.calls == ["pool/allocate"] * 4
    holding = await allocator.holder(pool, late.number)
    assert holding is not None
    assert holding.clicks == 2


async def test_what_is_known_is_answered_while_the_store_is_away(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """Of many asks, those that need the store fail alone."""
    source = AssignmentCache(Allocator(counting), clock=clock)
    known = await source.allocate(pool, Ask("a"))
    counting.down = True
    answers = await source.allocate_many(pool, [Ask("b"), Ask("a")])
    assert isinstance(answers[0], StoreUnavailable)
    assert isinstance(answers[1], Answer)
    assert answers[1].number == known.number


async def test_overflow_is_never_remembered(counting: Counting, clock: Clock, pool: str) -> None:
    """A tuple that got overflow asks again: a number may have come free."""
    source = AssignmentCache(Allocator(counting), clock=clock)
    for name in "ab":
        await source.allocate(pool, Ask(name))
    states = [(await source.allocate(pool, Ask("c"))).state for _ in range(2)]
    assert states == [State.OVERFLOW, State.OVERFLOW]
    assert counting.calls == ["pool/allocate"] * 4


async def test_clicks_are_written_behind(counting: Counting, clock: Clock, pool: str) -> None:
    """Clicks answered from memory reach the store's counts, with the last one's attributes."""
    allocator = Allocator(counting)
    source = AssignmentCache(allocator, clock=clock)
    answer = await source.allocate(pool, Ask("a", b'{"n":"1"}'))
    for n in (2, 3, 4):
        await source.allocate(pool, Ask("a", b'{"n":"%d"}' % n))
    await source.flush()
    holding = await allocator.holder(pool, answer.number)
    assert holding is not None
    assert holding.clicks == 4
    assert (holding.first_click, holding.last_click) == (b'{"n":"1"}', b'{"n":"4"}')
    assert (await allocator.status(pool)).held_total == 3


async def test_clicks_outlive_an_outage(counting: Counting, clock: Clock, pool: str) -> None:
    """While the store is down held numbers are still answered, and their clicks counted later."""
    allocator = Allocator(counting)
    source = AssignmentCache(allocator, clock=clock)
    answer = await source.allocate(pool, Ask("a"))
    counting.down = True
    assert (await source.allocate(pool, Ask("a"))).number == answer.number
    await source.flush()
    assert (await source.allocate(pool, Ask("a"))).number == answer.number
    counting.down = False
    await source.aclose()
    holding = await allocator.holder(pool, answer.number)
    assert holding is not None
    assert holding.clicks == 3


async def with_sixty_clicks_to_write(
    allocator: Allocator, clock: Clock, pool: str
) -> AssignmentCache:
    """Sixty tuples of a new pool have their numbers, and clicked again: more than one write."""
    await allocator.edit(pool, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(pool, [f"+1{n:03d}" for n in range(60)])
    source = AssignmentCache(allocator, clock=clock)
    for _ in range(2):
        for n in range(60):
            await source.allocate(pool, Ask(f"t={n}"))
    return source


async def test_a_stop_cuts_no_write_off(
    counting: Counting, clock: Clock, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being written when the service stops is written once, and so is what waits."""
    monkeypatch.setattr(cache, "PAUSE_SECONDS", 0.0)
    allocator = Allocator(counting)
    source = await with_sixty_clicks_to_write(allocator, clock, unique)
    running = asyncio.create_task(source.run())
    async with asyncio.timeout(60):
        while counting.calls.count("pool/allocate") < 61:  # the first of several writes
            await asyncio.sleep(0)
    running.cancel()
    await source.aclose()
    assert counting.calls.count("pool/allocate") < 70
    assert (await allocator.status(unique)).held_total == 60


async def test_an_outage_is_noticed_once_a_flush(
    counting: Counting, clock: Clock, unique: str
) -> None:
    """What can't be written isn't tried piece by piece, each for as long as a store may take."""
    allocator = Allocator(counting)
    source = await with_sixty_clicks_to_write(allocator, clock, unique)
    calls = len(counting.calls)
    counting.down = True
    await source.flush()
    assert len(counting.calls) == calls + 1
    counting.down = False
    await source.flush()
    assert (await allocator.status(unique)).held_total == 60


async def test_pools_whose_server_is_away_hold_up_no_others_clicks(
    counting: Counting, clock: Clock, unique: str
) -> None:
    """In a cluster, the clicks of pools on the servers that are there are written."""
    allocator = Allocator(counting)
    pools = [f"{unique}-{n}" for n in range(8)]
    source = AssignmentCache(allocator, clock=clock)
    for pool_id in pools:
        await allocator.edit(pool_id, Rules(min_duration=60_000), 1)
        await allocator.add(pool_id, ["+11"])
        for _ in range(2):
            await source.allocate(pool_id, Ask("a"))
    counting.away = {pool_keys(pool_id)[0] for pool_id in pools[::2]}

    def slow() -> None:
        clock.now += 0.3

    counting.refusing = slow
    for _ in range(3):
        await source.flush()
    counting.away = set()
    written = [(await allocator.status(pool_id)).held_total for pool_id in pools]
    assert written == [0, 1] * 4
    await source.flush()
    written = [(await allocator.status(pool_id)).held_total for pool_id in pools]
    assert written == [1] * 8


async def test_a_fault_ends_no_later_write(
    counting: Counting, clock: Clock, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that breaks in an unforeseen way is logged, and the next one is tried."""
    monkeypatch.setattr(cache, "PAUSE_SECONDS", 0.0)
    allocator = Allocator(counting)
    source = AssignmentCache(allocator, clock=clock)
    touch, broken = allocator.touch, True

    async def once_broken(pool_id: str, asks: list[Ask]) -> list[Answer]:
        nonlocal broken
        if broken:
            broken = False
            raise RuntimeError
        return await touch(pool_id, asks)

    monkeypatch.setattr(allocator, "touch", once_broken)
    running = asyncio.create_task(source.run())
    async with asyncio.timeout(60):
        while (await allocator.status(pool)).held_total == 0:
            await source.allocate(pool, Ask("a"))
            await asyncio.sleep(0)
    running.cancel()
    await source.aclose()


async def test_memory_is_bounded(counting: Counting, clock: Clock, unique: str) -> None:
    """The least recently used answers go first when the memory is full."""
    allocator = Allocator(counting)
    await allocator.edit(unique, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(unique, [f"+1{i:03}" for i in range(10)])
    source = AssignmentCache(allocator, cache_bytes=2500, clock=clock)
    for name in "abc":
        await source.allocate(unique, Ask(name))
    assert source.peek(unique, "a") is not None
    await source.allocate(unique, Ask("d"))
    assert source.peek(unique, "b") is None
    assert source.peek(unique, "a") is not None


async def test_many_at_once_ask_only_for_the_unknown(
    counting: Counting, clock: Clock, pool: str
) -> None:
    """A bulk answer takes what is remembered from memory and the rest in one call, in order."""
    source = AssignmentCache(Allocator(counting), clock=clock)
    first = await source.allocate(pool, Ask("a"))
    counting.calls.clear()
    answers = await source.allocate_many(pool, [Ask("b"), Ask("a"), Ask("b"), Ask("c")])
    found = [(answer.state, answer.number) for answer in answers if isinstance(answer, Answer)]
    assert [state for state, _ in found] == [State.NEW, State.HELD, State.HELD, State.OVERFLOW]
    assert found[1][1] == first.number
    assert counting.calls == ["pool/allocate"]
