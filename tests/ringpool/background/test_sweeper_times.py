"""Which pools a round asks, in virtual time: those with something to do, others now and then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from allocator.allocator import MAX_PROMOTED_PER_SWEEP, Allocator
from allocator.answers import Ask, Swept
from allocator.port import Store
from allocator.redis.url import connect
from allocator.stocks import Stocks, StockStatus
from ringpool.background.sweeper import IDLE_SECONDS, Sweeper
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import PreparedPool, SnapshotKeeper
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.times import Duration
from tests.conftest import PATIENT_MS
from tests.ringpool.background.quiet import QuietNotifier
from tests.servers import stores

POOLS = [f"p{index}" for index in range(60)]
STARTED_MS = int(time.time() * 1000) + 3_600_000
"""Ahead of the real time, which the catalog goes by, so that a pool goes by the test's."""


class Clock:
    """Seconds that the test counts."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def ms(self) -> int:
        return STARTED_MS + int(self.seconds * 1000)


class TimedAllocator(Allocator):
    """Sweeps at the test's time, and notes which pools; one of them may fail."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store)
        self._clock = clock
        self.swept: list[str] = []
        self.failing = ""

    async def sweep(
        self, pool_id: str, most: int = MAX_PROMOTED_PER_SWEEP, *, now_ms: int | None = None
    ) -> Swept:
        self.swept.append(pool_id)
        if pool_id == self.failing:
            raise RuntimeError("a fault in this pool")
        return await super().sweep(pool_id, most, now_ms=self._clock.ms())


class CountedStocks(Stocks):
    """Counts how often a stock is asked."""

    asked = 0

    async def status(self, stock_id: str, *, now_ms: int | None = None) -> StockStatus:
        self.asked += 1
        return await super().status(stock_id, now_ms=now_ms)


class NotedAlerts(QuietNotifier):
    """Notes which pools it saw exhausted."""

    def __init__(self) -> None:
        self.exhausted: set[str] = set()

    def look(self, prepared: PreparedPool, swept: Swept) -> None:
        if swept.exhausted:
            self.exhausted.add(prepared.pool.id)


class Process:
    """One process of the service. ``rounds`` lets seconds pass, a round in each."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.clock = clock
        self.allocator = TimedAllocator(store, clock)
        self.stocks = CountedStocks(store)
        self.catalog = Catalog(store, self.allocator, self.stocks)
        self.keeper = SnapshotKeeper(self.catalog)
        self.alerts = NotedAlerts()
        self.sweeper = Sweeper(
            store,
            self.allocator,
            self.stocks,
            self.catalog,
            self.keeper,
            self.alerts,
            clock=clock,
        )

    async def rounds(self, count: int) -> list[Counter[str]]:
        """For each round, how often it swept which pool."""
        swept = []
        for _ in range(count):
            self.clock.seconds += 1
            self.allocator.swept.clear()
            await self.sweeper.round()
            swept.append(Counter(self.allocator.swept))
        return swept

    async def ask(self, pool: str, tuple_: str) -> str:
        """A click; returns the number."""
        answers = await self.allocator.allocate(pool, [Ask(tuple_)], now_ms=self.clock.ms())
        return answers[0].number

    async def clicked_each_second(self, pool: str, seconds: int) -> list[int]:
        """How often the pool was swept in each of these seconds."""
        counts = []
        for _ in range(seconds):
            await self.ask(pool, "x")
            [swept] = await self.rounds(1)
            counts.append(swept[pool])
        return counts


@pytest.fixture(scope="module")
def server() -> Iterator[stores.Server]:
    """A server whose catalog is this module's own."""
    with stores.valkey() as server:
        yield server


@pytest.fixture
async def processes(server: stores.Server) -> AsyncIterator[list[Process]]:
    """Two processes with sixty pools of two numbers at rest, one of which has a stock."""
    clock = Clock()
    stores = [await connect(server.url, timeout_ms=PATIENT_MS) for _ in range(2)]
    server.command("FLUSHALL")
    processes = [Process(store, clock) for store in stores]
    pools = tuple(
        Pool(
            id=name,
            account="a",
            parameters=("website",),
            min_duration=Duration(4_000 if name == "p0" else 3_600_000),
            overflow_number="+18005550100",
            numbers=(f"+1888555{index:04}", f"+1888556{index:04}"),
            stock="s" if name == "p0" else None,
        )
        for index, name in enumerate(POOLS)
    )
    accounts, stocks = (Account(id="a"),), (Stock(id="s", account="a"),)
    await processes[0].catalog.apply(Configuration(accounts=accounts, pools=pools, stocks=stocks))
    for process in processes:
        await process.keeper.refresh()
    assert await processes[0].rounds(2) == [Counter(POOLS)] * 2
    yield processes
    for store in stores:
        await store.aclose()


async def test_idle_pools_are_asked_now_and_then(processes: list[Process]) -> None:
    """Each once in nine seconds, not all in the same one; a stock with nothing moving likewise."""
    await processes[0].rounds(int(IDLE_SECONDS))
    processes[0].stocks.asked = 0
    swept = await processes[0].rounds(5 * int(IDLE_SECONDS))
    assert {*sum(swept, Counter()).items()} == {(name, 5) for name in POOLS}
    assert max(round_.total() for round_ in swept) < 25
    assert processes[0].stocks.asked == 5


async def test_a_pool_in_use_is_asked_in_each_round(processes: list[Process]) -> None:
    """From the round that finds it so, up to the one that finds it at rest again."""
    await processes[0].clicked_each_second("p7", int(IDLE_SECONDS))
    assert await processes[0].clicked_each_second("p7", 5) == [1] * 5
    later = await processes[0].rounds(11)
    assert 1 <= sum(round_["p7"] for round_ in later) <= 3


async def test_that_a_pool_at_rest_ran_out_is_told_within_ten_seconds(
    processes: list[Process],
) -> None:
    """In one that was in use, within a second."""
    await processes[0].rounds(12)
    for tuple_ in "xy":
        await processes[0].ask("p5", tuple_)
        await processes[0].ask("p7", "x")
    await processes[0].rounds(10)
    assert processes[0].alerts.exhausted == {"p5"}
    await processes[0].clicked_each_second("p7", 10)
    await processes[0].ask("p7", "y")
    await processes[0].rounds(1)
    assert processes[0].alerts.exhausted == {"p5", "p7"}


async def test_a_guarantee_that_ends_is_seen_in_the_next_round(processes: list[Process]) -> None:
    """Though nobody clicks: the number is put in order, the pool's turn or not."""
    await processes[0].clicked_each_second("p0", 10)  # guarantees of 4 s
    await processes[0].rounds(4)
    status = await processes[0].allocator.status("p0", now_ms=processes[0].clock.ms())
    assert (status.backlog, status.recyclable) == (0, 1)


async def test_an_edit_makes_every_pool_due(processes: list[Process]) -> None:
    """The round after a new revision asks them all, and the next, and then none but the idle."""
    await processes[0].catalog.remove_numbers("p3", ["+18885550003"])
    await processes[0].keeper.refresh()
    first, second, third = await processes[0].rounds(3)
    assert first == second == Counter(POOLS)
    assert third.total() < 25


async def test_a_drain_is_carried_out_in_time(processes: list[Process]) -> None:
    """A number whose guarantee has four seconds to go leaves within five, whatever the pool did."""
    number = await processes[0].ask("p0", "x")
    await processes[0].catalog.remove_numbers("p0", [number])
    await processes[0].keeper.refresh()
    await processes[0].rounds(3)
    assert await processes[0].catalog.owner(number) is not None
    await processes[0].rounds(2)
    assert await processes[0].catalog.owner(number) is None


async def test_a_drain_after_its_revision_was_seen_is_too(processes: list[Process]) -> None:
    """Numbers are drained when the new revision is out already: a round may come in between."""
    number = await processes[0].ask("p0", "x")
    await processes[0].catalog.remove_numbers("p9", ["+18885550009"])  # a revision
    await processes[0].keeper.refresh()
    await processes[0].rounds(1)
    await processes[0].allocator.drain("p0", [number], now_ms=processes[0].clock.ms())
    await processes[0].rounds(4)
    status = await processes[0].allocator.status("p0", now_ms=processes[0].clock.ms())
    assert status.size == 1


async def test_a_new_leader_asks_every_pool(processes: list[Process]) -> None:
    """It doesn't know what its predecessor had seen."""
    await processes[0].rounds(12)
    assert await processes[1].rounds(1) == [Counter()]
    await processes[0].sweeper._lease.give_up()
    assert await processes[1].rounds(1) == [Counter(POOLS)]


async def test_a_pool_that_fails_keeps_no_other_from_its_turn(processes: list[Process]) -> None:
    """The round tells the failure when all the others are done; it is tried in each round."""
    processes[0].allocator.failing = "p1"
    await processes[0].catalog.remove_numbers("p3", ["+18885550003"])
    await processes[0].keeper.refresh()
    for expected in (POOLS, POOLS, ["p1"]):
        with pytest.raises(RuntimeError, match="a fault in this pool"):
            await processes[0].rounds(1)
        assert {*processes[0].allocator.swept} >= {*expected}
    assert len(processes[0].allocator.swept) < 25
