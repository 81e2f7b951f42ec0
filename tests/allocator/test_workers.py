"""Workers that answer from memory and coalesce: the promise holds for what they tell, too."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from allocator.allocator import Allocator
from allocator.answers import PoolStatus, Rules, State
from allocator.port import StoreUnavailable
from allocator.redis.url import connect
from allocator.transfers import Transfers
from tests.allocator import racer
from tests.allocator.pools import OVERFLOW, numbers
from tests.conftest import PATIENT_MS
from tests.servers.process import until
from tests.servers.sentinel import sentinel

WORKERS = 2
ENOUGH = 500
PATIENCE_SECONDS = 100.0


def check_given(given: Sequence[racer.TimedAnswer]) -> int:
    """No number was given to a tuple while another had been promised it; returns how many were.

    Store and workers are on one machine, so the moments can be compared.
    """
    promises = sorted(
        (answer.number, at, answer.guaranteed_until, tuple_)
        for at, tuple_, answer in given
        if answer.hold_ms
    )
    for _, of_number in itertools.groupby(promises, key=lambda promise: promise[0]):
        holder, end = "", 0.0
        for _, at, ends, tuple_ in of_number:
            assert tuple_ == holder or at >= end, (tuple_, holder, at - end)
            holder, end = tuple_, max(ends, end if tuple_ == holder else 0.0)
    return len(promises)


@pytest.mark.timeout(300)
async def test_promises_hold_through_edits_drains_and_a_failover(
    unique: str, tmp_path: Path
) -> None:
    """Racing workers with memory, a store that edits and drains, and a primary that is killed."""
    with (
        sentinel() as watched,
        ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        await make_pool(watched.url, unique)
        store = await connect(watched.url, timeout_ms=500, wait_replicas=1)
        allocator = Allocator(store)
        over = tmp_path / "over"
        races = [
            processes.submit(racer.serve_until, over, watched.url, unique, seed)
            for seed in range(WORKERS)
        ]
        revisions = itertools.count(2)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await disturb(allocator, Transfers(store), unique, revisions)
                watched.primary.kill()
                until(lambda: watched.replica.command("ROLE")[0] in (b"master", "master"))
                watched.primary.settings["replicaof"] = f"127.0.0.1 {watched.replica.port}"
                watched.primary.start()
                await disturb(allocator, Transfers(store), unique, revisions)
        finally:
            over.touch()
        given = [entry for race in races for entry in race.result(PATIENCE_SECONDS)]
        await store.aclose()
    states = {answer.state for _, _, answer in given}
    assert states >= {State.NEW, State.HELD, State.RECYCLED, State.OVERFLOW}
    assert check_given(given) > ENOUGH
    assert len({answer.number for _, _, answer in given}) > 8


async def make_pool(url: str, pool_id: str) -> None:
    """Make the pool that is raced for, however long that takes."""
    store = await connect(url, timeout_ms=PATIENT_MS, wait_replicas=1)
    allocator = Allocator(store)
    await allocator.edit(pool_id, Rules(min_duration=300, overflow_number=OVERFLOW), 1)
    await allocator.add(pool_id, numbers(12))
    await store.aclose()


async def disturb(
    allocator: Allocator, transfers: Transfers, pool_id: str, revisions: Iterator[int]
) -> None:
    """Edit, drain and add, once a revision, until the workers got enough answers of each kind."""
    chance = random.Random(1)
    begun: PoolStatus | None = None
    for revision in revisions:
        hold = 200 if revision // 20 % 2 else 0  # in turns: activity keeps all from being recycled
        rules = Rules(
            min_duration=chance.choice([100, 300]), hold_on_activity=hold, overflow_number=OVERFLOW
        )
        try:
            await allocator.edit(pool_id, rules, revision)
            await allocator.drain(pool_id, chance.sample(numbers(12), 1))
            departures = (await allocator.sweep(pool_id)).departures
            await transfers.note_handed_on(pool_id, departures)
            await allocator.add(pool_id, chance.sample(numbers(12), 4))
            status = await allocator.status(pool_id)
        except StoreUnavailable:
            pass
        else:
            begun = begun or status
            if (
                status.held_total - begun.held_total > ENOUGH
                and status.recycled_total - begun.recycled_total > ENOUGH / 25
                and status.overflow_total - begun.overflow_total > ENOUGH
            ):
                return
        await asyncio.sleep(0.02)
