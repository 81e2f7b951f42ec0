"""Many processes at one pool: the answers of all fit together."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from allocator.allocator import Allocator
from allocator.answers import NOBODY, Answer, State
from allocator.port import Store
from allocator.stocks import Stocks
from tests.allocator import racer
from tests.allocator.pools import OVERFLOW, PoolUnderTest, numbers
from tests.servers import stores
from tests.servers.cluster import Cluster

PROCESSES = 3
PATIENCE_SECONDS = 100.0


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Other processes, each with nothing of this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as executor:
        yield executor


def check_promises(log: racer.Log) -> int:
    """No number was promised to two tuples at the same time; returns how many promises there were.

    A promise runs, by the store's clock, from when it was given to ``guaranteed_until``.
    """
    promises = sorted(
        (answer.number, answer.guaranteed_until - answer.hold_ms, answer.guaranteed_until, tuple_)
        for tuple_, answer in log
        if answer.hold_ms
    )
    for _, of_number in itertools.groupby(promises, key=lambda promise: promise[0]):
        holder, end = "", 0
        for _, given_at, until, tuple_ in of_number:
            assert tuple_ == holder or given_at >= end
            holder, end = tuple_, max(until, end)
    return len(promises)


def ask_200_at_once(
    processes: ProcessPoolExecutor, url: str, pool_id: str, network: str = NOBODY
) -> list[Answer]:
    """The answers to 200 tuples that all processes ask for at the same moment."""
    begin_at = time.time() + 0.05
    races = [
        processes.submit(
            racer.ask_at_once,
            url,
            pool_id,
            [f"t{n}" for n in range(process, 200, PROCESSES)],
            begin_at,
            network,
        )
        for process in range(PROCESSES)
    ]
    return [answer for race in races for _, answer in race.result(PATIENCE_SECONDS)]


async def test_200_tuples_20_numbers(
    backend: stores.Server | Cluster,
    store: Store,
    unique: str,
    processes: ProcessPoolExecutor,
) -> None:
    """Of 200 simultaneous new tuples exactly 20 get a number of their own, every time."""
    for turn in range(5):
        pool = PoolUnderTest(store, f"{unique}-{turn}")
        await pool.edit(min_duration=600_000)
        await pool.allocator.add(pool.id, numbers(20), now_ms=pool.now)
        answers = ask_200_at_once(processes, backend.url, pool.id)
        given = [answer.number for answer in answers if answer.state is State.NEW]
        assert sorted(given) == numbers(20)
        overflow = [answer for answer in answers if answer.state is State.OVERFLOW]
        assert [answer.number for answer in overflow] == [OVERFLOW] * 180


async def test_one_network_in_a_race(
    backend: stores.Server | Cluster,
    store: Store,
    unique: str,
    processes: ProcessPoolExecutor,
) -> None:
    """Of 200 simultaneous new tuples of one network exactly its share get a number, every time."""
    for turn in range(3):
        pool = PoolUnderTest(store, f"{unique}-{turn}")
        await pool.edit(min_duration=600_000, budget_share=10, budget_least=5, budget_rate=60)
        await pool.allocator.add(pool.id, numbers(100), now_ms=pool.now)
        answers = ask_200_at_once(processes, backend.url, pool.id, "192.0.2.0/24")
        assert sum(answer.state is State.NEW for answer in answers) == 10
        assert sum(answer.over_budget for answer in answers) == 190


async def test_growing_at_the_same_time(
    valkey_server: stores.Server,
    valkey_store: Store,
    unique: str,
    processes: ProcessPoolExecutor,
) -> None:
    """Racing requests grow a pool to its max_size and no further, and no number is lost."""
    stock = f"{unique}-s"
    pool = PoolUnderTest(valkey_store, unique)
    await pool.edit(stock=stock, max_size=20, min_duration=600_000)
    await pool.stocks.edit(stock, 0, numbers(100, "+1999"))
    begin_at = time.time() + 0.05
    races = [
        processes.submit(
            racer.ask_at_once,
            valkey_server.url,
            unique,
            [f"t{n}" for n in range(process, 200, PROCESSES)],
            begin_at,
        )
        for process in range(PROCESSES)
    ]
    answers = [answer for race in races for _, answer in race.result(PATIENCE_SECONDS)]
    given = [answer.number for answer in answers if answer.state is State.NEW]
    assert len(given) == len(set(given)) == 20
    for _ in range(5):
        await racer.hand_on(pool.allocator, pool.transfers, unique)
    status = await pool.stocks.status(stock)
    assert (status.available, status.lent, status.moving) == (80, 20, 0)


@pytest.mark.timeout(300)
async def test_every_promise_holds_whatever_else_happens(
    valkey_server: stores.Server,
    valkey_store: Store,
    unique: str,
    processes: ProcessPoolExecutor,
    tmp_path: Path,
) -> None:
    """Edits, drains, sweeps and growth at full speed: no promise overlaps another."""
    stock, own = f"{unique}-s", numbers(6)
    allocator, stocks = Allocator(valkey_store), Stocks(valkey_store)
    pool = PoolUnderTest(valkey_store, unique)
    await pool.edit(stock=stock, max_size=12, min_duration=30)
    await allocator.add(unique, own)
    await stocks.edit(stock, 0, numbers(8, "+1999"))
    over = tmp_path / "over"
    races = [
        processes.submit(racer.ask_until, over, valkey_server.url, unique, seed)
        for seed in range(PROCESSES - 1)
    ]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await racer.disturb(allocator, pool.transfers, unique, stock, own)
    finally:
        over.touch()
    log = [entry for race in races for entry in race.result(PATIENCE_SECONDS)]
    states = {answer.state for _, answer in log}
    assert states >= {State.NEW, State.HELD, State.RECYCLED, State.OVERFLOW}
    assert check_promises(log) > 100

    status = await allocator.status(unique)
    sizes = (status.unassigned, status.held, status.recyclable, status.draining)
    assert status.size == sum(sizes)
    assert status.new_total == sum(answer.state is State.NEW for _, answer in log)
    assert status.recycled_total == sum(answer.state is State.RECYCLED for _, answer in log)
    assert status.overflow_total == sum(answer.state is State.OVERFLOW for _, answer in log)
    assert status.held_total == sum(answer.state is State.HELD for _, answer in log)
    await racer.hand_on(allocator, pool.transfers, unique)
    lent = [row for row in (await allocator.numbers(unique))[1] if row.loan]
    in_stock = await stocks.status(stock)
    assert (in_stock.lent, in_stock.moving) == (len(lent), 0)
