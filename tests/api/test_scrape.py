"""What /metrics shows is read once for all who ask, and holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from allocator.answers import PoolStatus, Rules
from allocator.port import StoreUnavailable
from allocator.series import MINUTE_MS, Minute, Series
from api import forecasts, scrape
from api.forecasts import Forecasts, PoolState
from api.metrics import MAX_IDS, Metrics
from api.scrape import MAX_READERS, Scraper


class Pools:
    """An allocator that answers for some pools only, and a configuration with all of them."""

    def __init__(
        self, pools: Iterable[str], answering: Iterable[str] = (), *, held: int = 0
    ) -> None:
        prepared = SimpleNamespace(rules=Rules())
        self.current = SimpleNamespace(pools=dict.fromkeys(pools, prepared), stocks={})
        self.answering = set(answering)
        self.held = held
        self.reads = self.series_read = 0

    async def refresh(self) -> None:
        pass

    async def status(self, pool_id: str) -> PoolStatus:
        self.reads += 1
        await asyncio.sleep(0)
        if pool_id not in self.answering:
            raise StoreUnavailable
        return status_of(self.held)

    async def series(self, pool_id: str, minutes: int) -> Series:
        self.series_read += 1
        return busy_series(minutes)


def status_of(held: int, size: int = 100) -> PoolStatus:
    """A pool with so many numbers inside a guarantee."""
    return PoolStatus(
        size=size,
        unassigned=size - held,
        held=held,
        recyclable=0,
        draining=0,
        overflow_total=0,
        new_total=held,
        recycled_total=0,
        held_total=0,
        utilization=held / size,
        oldest_held_seconds=0.0,
        exhausted=False,
    )


def busy_series(minutes: int = 60) -> Series:
    """Ten tuples a minute."""
    rows = [Minute(place * MINUTE_MS, new=10) for place in range(minutes)]
    return Series(rows[-1].start_ms, 0, rows, [])


class Written:
    """Metrics whose text is a count, and what it was made of."""

    def __init__(self) -> None:
        self.texts = 0
        self.pools: Sequence[Any] = ()
        self.store_up = False
        self.may_end = threading.Event()
        self.may_end.set()

    def exposition(
        self,
        pools: Sequence[Any],
        stocks: Sequence[Any],
        *,
        store_up: bool,
        disk_free: int | None = None,
        archive_up: bool | None = None,
        calls_waiting: int | None = None,
    ) -> bytes:
        assert self.may_end.wait(30), "the event loop waits for this"
        self.texts += 1
        self.pools, self.store_up = pools, store_up
        return b"%d" % self.texts


def scraper(pools: Pools, written: Written) -> Scraper:
    given: Any = pools, pools, pools, pools, written
    return Scraper(*given)


async def test_a_scrape_does_not_ask_an_absent_store_for_every_pool() -> None:
    """It ends when as many reads have failed as go on at the same time."""
    pools, written = Pools(f"pool-{index}" for index in range(1000)), Written()
    await scraper(pools, written).text()
    assert (list(written.pools), written.store_up) == ([], False)
    assert pools.reads < 2 * MAX_READERS


async def test_a_scrape_reads_the_pools_that_a_part_of_the_store_answers_for() -> None:
    """Pools whose part of a cluster is away are left out, the others are there by id."""
    names = [f"pool-{index:04}" for index in range(1000)]
    answering = names[MAX_READERS - 1 :]
    written = Written()
    await scraper(Pools(reversed(names), answering), written).text()
    assert [read.pool for read in written.pools] == answering
    assert written.store_up


class PoolOfAKind(Pools):
    """One pool that takes numbers of one kind from a stock, which has three and seven more."""

    def __init__(self) -> None:
        super().__init__(["one"], ["one"])
        rules = Rules(stock="s", of_stock=" +1888 ")
        self.current = SimpleNamespace(
            pools={"one": SimpleNamespace(rules=rules)}, stocks={"s": None}
        )

    async def status(self, pool_id: str) -> Any:
        return SimpleNamespace(available=10) if pool_id == "s" else status_of(0)

    async def available(self, stock_id: str, starts: str) -> int:
        return {("s", " +1888 "): 3}[stock_id, starts]


async def test_room_is_for_numbers_of_the_pools_kind() -> None:
    """What else its stock has can't keep it from being exhausted."""
    written = Written()
    await scraper(PoolOfAKind(), written).text()
    assert [read.room for read in written.pools] == [3]


async def test_many_who_ask_share_one_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks while one is made waits for it, and it is shown for a second."""
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 60.0)
    pools, written = Pools(["one"], ["one"]), Written()
    scrapes = scraper(pools, written)
    impatient = asyncio.create_task(scrapes.text())
    await asyncio.sleep(0)
    impatient.cancel()  # which doesn't end it for others
    texts = await asyncio.gather(*(scrapes.text() for _ in range(50)))
    assert set(texts) == {b"1"} == {await scrapes.text()}
    assert pools.reads == 1
    monkeypatch.setattr(scrape, "KEPT_SECONDS", 0.0)
    assert await scrapes.text() == b"2"


async def test_the_event_loop_goes_on_while_the_text_is_written() -> None:
    """Ten thousand pools' text takes a while, which visitors don't wait for."""
    written = Written()
    written.may_end.clear()
    under_way = asyncio.create_task(scraper(Pools(["one"], ["one"]), written).text())
    await asyncio.sleep(0.01)
    written.may_end.set()  # never, if the loop were waiting for the text
    assert await under_way == b"1"


def test_ids_that_come_and_go_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter has so many samples; what comes after these is counted together."""
    assert MAX_IDS >= 10_000
    monkeypatch.setattr("api.metrics.MAX_IDS", 3)
    metrics = Metrics()
    for index in range(10):
        metrics.count_ignored(f"pool-{index}", 2)
        metrics.count_ignored("pool-0", 1)
    text = metrics.exposition([], store_up=True).decode()
    samples = [
        line for line in text.splitlines() if line.startswith("ringpool_ignored_parameters_total")
    ]
    name = "ringpool_ignored_parameters_total"
    assert samples == [
        f'{name}{{pool="pool-0"}} 12.0',
        f'{name}{{pool="pool-1"}} 2.0',
        f'{name}{{pool="pool-2"}} 2.0',
        f'{name}{{pool=""}} 14.0',
    ]


async def test_a_pool_that_fills_up_has_a_forecast() -> None:
    """Its series is read once for all scrapes of a time; one that is nearly empty has none."""
    filling, written = Pools(["one"], ["one"], held=85), Written()
    scrapes = scraper(filling, written)
    await scrapes.text()
    assert 0 < written.pools[0].seconds_to_exhaustion < 600
    await scrapes.text()
    assert (filling.reads, filling.series_read) == (2, 1)
    empty = Pools(["one"], ["one"], held=1)
    await scraper(empty, written).text()
    assert written.pools[0].seconds_to_possible_exhaustion == float("inf")
    assert empty.series_read == 0


def test_of_many_pools_the_fullest_have_new_forecasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others keep theirs, which run down; a pool that is empty again has none."""
    monkeypatch.setattr(forecasts, "MAX_AT_ONCE", 2)
    kept = Forecasts()

    def state(pool: str, held: int) -> PoolState:
        return PoolState(pool, status_of(held), Rules(), 0)

    states = [state("a", 50), state("b", 80), state("c", 85)]
    assert [due.pool for due in kept.due(states, 0.0)] == ["c", "b"]
    for due in (states[1], states[2]):
        kept.add(due, busy_series(), 0.0)
    first = kept.seconds("b", 0.0)
    assert kept.seconds("b", 5.0) == (first.possible - 5, first.likely - 5)
    assert kept.seconds("a", 5.0) == (float("inf"), float("inf"))
    assert [due.pool for due in kept.due(states, 5.0)] == ["a"]
    assert [due.pool for due in kept.due([state("b", 2), states[2]], 60.0)] == ["c"]
    assert kept.seconds("b", 60.0) == (float("inf"), float("inf"))
