"""What /metrics shows is read once for all who ask, and holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from allocator.port import StoreUnavailable
from api import scrape
from api.metrics import MAX_IDS, Metrics
from api.scrape import MAX_READERS, Scraper


class Pools:
    """An allocator that answers for some pools only, and a configuration with all of them."""

    def __init__(self, pools: Iterable[str], answering: Iterable[str] = ()) -> None:
        self.current = SimpleNamespace(pools=dict.fromkeys(pools))
        self.answering = set(answering)
        self.reads = 0

    async def refresh(self) -> None:
        pass

    async def status(self, pool_id: str) -> str:
        self.reads += 1
        await asyncio.sleep(0)
        if pool_id not in self.answering:
            raise StoreUnavailable
        return f"status of {pool_id}"


class Written:
    """Metrics whose text is a count, and what it was made of."""

    def __init__(self) -> None:
        self.texts = 0
        self.pools: Sequence[Any] = ()
        self.store_up = False
        self.may_end = threading.Event()
        self.may_end.set()

    def exposition(self, pools: Sequence[Any], *, store_up: bool) -> bytes:
        assert self.may_end.wait(30), "the event loop waits for this"
        self.texts += 1
        self.pools, self.store_up = pools, store_up
        return b"%d" % self.texts


def scraper(pools: Pools, written: Written) -> Scraper:
    given: Any = pools, pools, written
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
    assert written.pools == [(name, f"status of {name}") for name in answering]
    assert written.store_up


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
