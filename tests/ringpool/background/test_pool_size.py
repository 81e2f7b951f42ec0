"""How many numbers pools have ahead of need."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from allocator.answers import Ask, State
from ringpool.background.pool_size import initial, low_water, short_of, spare
from ringpool.background.sweeper import Sweeper
from ringpool.catalog.snapshot import Snapshot, SnapshotKeeper
from ringpool.model import Account, Autoscale, Configuration, Fill, Pool, Stock, StockKind
from ringpool.times import Duration
from tests.ringpool.background.quiet import QuietNotifier
from tests.ringpool.conftest import Bench

DAY_MS = 86_400_000
NUMBERS = tuple(f"+1888555{i:04}" for i in range(100, 140))


class Rounds:
    """The background rounds of one process, a second after the other."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.catalog = bench.catalog
        self.keeper = SnapshotKeeper(self.catalog)
        self.seconds = 0.0
        self.sweeper = Sweeper(
            bench.store,
            bench.allocator,
            bench.stocks,
            self.catalog,
            self.keeper,
            QuietNotifier(),
            clock=lambda: self.seconds,
        )

    async def apply(self, *stocks: Stock, **more: object) -> None:
        facts: dict[str, object] = {
            "id": "p",
            "account": "a",
            "parameters": ("w",),
            "allow_overflow": False,
            "stock": "s",
            "numbers": (),
        }
        pool = Pool(**(facts | more))  # type: ignore[arg-type]
        stocks = stocks or (Stock(id="s", account="a", numbers=NUMBERS),)
        wanted = Configuration(accounts=(Account(id="a"),), pools=(pool,), stocks=stocks)
        await self.catalog.apply(wanted)
        await self.keeper.refresh()

    async def go(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.seconds += 1
            await self.sweeper.round()

    async def size(self) -> tuple[int, int]:
        """How many numbers the pool has, and how many of them are unassigned."""
        status = await self.bench.allocator.status("p")
        return status.size, status.unassigned

    async def ask(self, count: int, name: str = "t") -> set[State]:
        asks = [Ask(f"w={name}{n}") for n in range(count)]
        return {answer.state for answer in await self.bench.allocator.allocate("p", asks)}

    async def let_time_pass(self, ms: int) -> None:
        """Set the pool's clock ahead; it stays there."""
        ahead = (await self.bench.allocator.status("p")).clock + ms
        await self.bench.allocator.touch("p", [Ask("nobody")], now_ms=ahead)


@pytest.fixture
async def rounds(bench: Bench) -> AsyncIterator[Rounds]:
    """The rounds of a process that leads."""
    rounds = Rounds(bench)
    yield rounds
    await rounds.sweeper._lease.give_up()


def test_the_defaults() -> None:
    """A tenth to start with, and refilled at half of that; one at least, none when so set."""
    pool = Pool(id="p", account="a", stock="s")
    assert (initial(pool), low_water(pool), spare(pool)) == (1, 1, 1)
    large = msgspec.structs.replace(pool, max_size=250)
    assert (initial(large), low_water(large), spare(large)) == (25, 13, 25)
    none = msgspec.structs.replace(large, initial=0)
    assert (initial(none), low_water(none), short_of(none, 0, 0)) == (0, 0, 0)
    high = msgspec.structs.replace(large, low_water=40)
    assert (spare(high), short_of(high, 100, 39), short_of(high, 100, 40)) == (40, 1, 0)


async def test_a_pool_starts_with_some_and_is_refilled(rounds: Rounds) -> None:
    """No click waits for a move while fewer come than it has ahead; more are new all the same."""
    await rounds.apply(max_size=30, initial=6)
    await rounds.go()
    assert await rounds.size() == (6, 6)
    await rounds.ask(3)
    await rounds.go()
    assert await rounds.size() == (6, 3)  # that is its low-water mark
    await rounds.ask(4)
    await rounds.go()
    assert await rounds.size() == (10, 6)
    assert await rounds.ask(20, "u") == {State.NEW}
    assert await rounds.size() == (24, 0)
    await rounds.go()
    assert await rounds.size() == (30, 6)
    await rounds.go(20)
    assert await rounds.size() == (30, 6)


async def test_a_dry_stock_is_asked_again_later(rounds: Rounds) -> None:
    """What is brought is what it has; numbers that it gets are noticed within ten seconds."""
    await rounds.apply(Stock(id="s", account="a", numbers=NUMBERS[:2]), initial=5)
    await rounds.go()
    assert await rounds.size() == (2, 2)
    await rounds.bench.stocks.edit("s", 0, NUMBERS[2:5])
    await rounds.go()
    assert await rounds.size() == (2, 2)
    await rounds.go(20)
    assert await rounds.size() == (5, 5)


async def test_a_pool_that_grows_at_a_pace(rounds: Rounds) -> None:
    """Ahead of need at most 10 % of its size in five minutes, but whoever needs one gets one."""
    await rounds.apply(max_size=40, initial=2, low_water=20, autoscale=Autoscale())
    await rounds.go()
    assert await rounds.size() == (4, 4)  # so is it after the first two, which aren't growth
    await rounds.go(60)
    assert await rounds.size() == (4, 4)
    assert await rounds.ask(6) == {State.NEW}
    await rounds.go(10)
    assert await rounds.size() == (6, 0)
    rounds.seconds += 300
    await rounds.go()
    assert await rounds.size() == (10, 4)


async def test_a_pool_gives_back_what_nobody_used(rounds: Rounds) -> None:
    """A tenth of its size a day, unused for a day, none inside a guarantee, never below initial."""
    facts = {"max_size": 30, "initial": 4, "min_duration": Duration(600_000)}
    await rounds.apply(**facts)
    await rounds.ask(12)
    await rounds.go()
    assert await rounds.size() == (16, 4)
    await rounds.let_time_pass(DAY_MS + 600_000)
    await rounds.ask(2)  # these are in use still
    await rounds.go(20)
    assert await rounds.size() == (16, 4)
    await rounds.apply(**facts, autoscale=Autoscale(grow="100% / 1m", shrink="daily"))
    await rounds.go(20)
    assert await rounds.size() == (13, 4)
    for days in range(1, 6):
        await rounds.let_time_pass(DAY_MS)
        rounds.seconds += 86_400
        await rounds.go(20)
        size, unassigned = await rounds.size()
        assert (size, unassigned) == (max(4, 13 - 3 * days), 4), days
    stock = await rounds.bench.stocks.status("s")
    assert (stock.lent, stock.quarantined) == (4, 12)


async def test_numbers_of_a_restored_store_stay_where_they_are(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its pools rest nothing is brought and nothing given back."""
    await rounds.apply(max_size=30, initial=6)
    monkeypatch.setattr(Snapshot, "rests_until", lambda *_: 1)
    await rounds.go(3)
    assert await rounds.size() == (0, 0)


async def test_a_pool_takes_the_kind_that_it_asks_for(rounds: Rounds) -> None:
    """Ahead of need and in the request, and nothing when its stock has no more of it."""
    stock = Stock(id="s", account="a", numbers=("+12125550101", *NUMBERS[:3], "+442079460123"))
    toll_free = StockKind(id="s", country="US", type="toll_free")  # type: ignore[arg-type]
    await rounds.apply(stock, stock=toll_free, initial=1)
    await rounds.go()
    assert await rounds.size() == (1, 1)
    assert await rounds.ask(3) == {State.NEW}
    assert await rounds.ask(1, "u") == {State.NONE}
    _, rows = await rounds.bench.allocator.numbers("p")
    assert sorted(row.number for row in rows) == list(NUMBERS[:3])
    abroad = StockKind(id="s", country="GB")
    await rounds.apply(stock, stock=abroad, initial=1)
    assert (await rounds.catalog.entities())[1].kinds == {"p": " +44 "}
    assert await rounds.ask(1, "v") == {State.NEW}
    await rounds.apply(stock, stock=StockKind(id="s", country="FR"), initial=0)
    assert await rounds.ask(1, "w") == {State.NONE}
    await rounds.apply(stock, stock="s", initial=0)
    assert (await rounds.catalog.entities())[1].kinds == {}
    await rounds.let_time_pass(1000)
    assert await rounds.ask(1, "w") == {State.NEW}


async def test_a_full_pool_is_filled_at_once(rounds: Rounds) -> None:
    """fill: immediate is as it was."""
    await rounds.apply(max_size=20, fill=Fill.IMMEDIATE)
    await rounds.go()
    assert await rounds.size() == (20, 20)
