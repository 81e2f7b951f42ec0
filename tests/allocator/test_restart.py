"""A store that is killed and comes back keeps every promise."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, Call, Rules, State
from allocator.port import StoreUnavailable
from allocator.redis.url import connect
from allocator.stocks import Stocks
from tests.allocator import racer
from tests.allocator.pools import OVERFLOW, numbers
from tests.allocator.test_contention import check_promises
from tests.conftest import PATIENT_MS
from tests.servers import stores

TWO = 2
ENOUGH = 100
PATIENCE_SECONDS = 100.0


@pytest.mark.timeout(300)
async def test_kill_9_of_the_store(unique: str, tmp_path: Path) -> None:
    """Killed in the middle of the work and started again, the store breaks no guarantee."""
    with (
        stores.valkey(appendonly="yes", appendfsync="no") as server,
        ProcessPoolExecutor(TWO, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        store = await connect(server.url, timeout_ms=PATIENT_MS)
        allocator, stocks = Allocator(store), Stocks(store)
        rules = Rules(min_duration=60, stock=f"{unique}-s", max_size=20, overflow_number=OVERFLOW)
        await allocator.edit(unique, rules, 1)
        await allocator.add(unique, numbers(10))
        await stocks.edit(f"{unique}-s", 0, numbers(20, "+1999"))
        over = tmp_path / "over"
        races = [
            processes.submit(racer.ask_until, over, server.url, unique, seed) for seed in range(TWO)
        ]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await _works(allocator, unique)
                for _ in range(2):
                    server.kill()
                    server.start()
                    await _answers(allocator, unique)
                    await _works(allocator, unique)
        finally:
            over.touch()
        log = [entry for race in races for entry in race.result(PATIENCE_SECONDS)]
        await store.aclose()
    assert check_promises(log) > 2 * ENOUGH


async def test_no_answer_is_forgotten(unique: str) -> None:
    """After a kill the same tuples hold the same numbers until the same moments."""
    with stores.valkey(appendonly="yes", appendfsync="no") as server:
        store = await connect(server.url, timeout_ms=PATIENT_MS)
        allocator = Allocator(store)
        await allocator.edit(unique, Rules(overflow_number=OVERFLOW), 1)
        await allocator.add(unique, numbers(500))
        asks = [Ask(f"t{n}", b'{"gclid":"x"}') for n in range(450)]
        answers = await allocator.allocate(unique, asks)
        call = Call(id="1", number=answers[0].number)
        credit = await allocator.record_call(unique, call)
        server.kill()
        server.start()
        await _answers(allocator, unique)
        again = await allocator.allocate(unique, asks)
        assert {answer.state for answer in again} == {State.HELD}
        assert [(a.number, a.guaranteed_until) for a in again] == [
            (a.number, a.guaranteed_until) for a in answers
        ]
        repeated = await allocator.record_call(unique, call)
        assert credit is not None
        assert repeated is not None
        assert (repeated.counted, repeated.holding) == (False, credit.holding)
        await store.aclose()


async def _works(allocator: Allocator, pool_id: str) -> None:
    """Wait until enough numbers more were given, each with a promise."""

    async def given() -> int:
        status = await allocator.status(pool_id)
        return status.new_total + status.recycled_total

    before = await given()
    while await given() <= before + ENOUGH:
        await asyncio.sleep(0.02)


async def _answers(allocator: Allocator, pool_id: str) -> None:
    """Wait until the store is back."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await allocator.status(pool_id)
            except StoreUnavailable:
                await asyncio.sleep(0.01)
            else:
                return
