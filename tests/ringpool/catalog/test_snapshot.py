"""A worker's snapshot of the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from ringpool.catalog import snapshot as snapshot_module
from ringpool.catalog.snapshot import PreparedPool, Snapshot, SnapshotKeeper
from ringpool.model import Account, Configuration, Pool
from tests.ringpool.conftest import Bench

TARGET, OVERFLOW = "+18005550100", "+18001234444"


def a_pool(name: str, **fields: object) -> Pool:
    return Pool(id=name, account="acme", parameters=("m1",), **fields)  # type: ignore[arg-type]


CONFIGURATION = Configuration(
    accounts=(Account(id="acme"), Account(id="other")),
    pools=(
        a_pool("p", swap_targets=(TARGET,), overflow_number=OVERFLOW),
        a_pool("q", overflow_number=OVERFLOW),
        a_pool("r", overflow_number=OVERFLOW, allow_overflow=False),
    ),
)


class Unsteady:
    """A store that is away while ``away`` is set, and counts its calls."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.calls = 0
        self.answering = asyncio.Event()
        self.answering.set()

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self.calls += 1
        await self.answering.wait()
        if self.away:
            raise StoreUnavailable("away")
        return await self._store.run(script, keys, args)

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


async def pool(keeper: SnapshotKeeper, pool_id: str) -> PreparedPool | None:
    if pool_id not in keeper.current.pools:
        await keeper.look()
    return keeper.current.pools.get(pool_id)


def test_pools_are_found_by_target_and_by_overflow() -> None:
    """An account's targets lead to their pools, an overflow number to those that give it."""
    snapshot = Snapshot(1, CONFIGURATION)
    assert [found.pool.id for found in snapshot.targets("acme")[TARGET]] == ["p"]
    assert snapshot.targets("other") == {}
    assert [found.pool.id for found in snapshot.overflow_pools(OVERFLOW)] == ["p", "q"]
    assert snapshot.pools["r"].rules.overflow_number == ""
    assert snapshot.pools["p"].account is snapshot.accounts["acme"]


async def test_a_keeper_follows_the_catalog(bench: Bench) -> None:
    """What is applied is there after a refresh; without a change nothing is read anew."""
    keeper = SnapshotKeeper(bench.catalog)
    assert keeper.current.revision == 0
    await bench.catalog.apply(CONFIGURATION)
    await keeper.refresh()
    first = keeper.current
    assert first.pools.keys() == {"p", "q", "r"}
    await keeper.refresh()
    assert keeper.current is first


async def test_a_pool_that_was_just_made_is_found(bench: Bench) -> None:
    """A miss looks at the store; many at the same time share one look."""
    store = Unsteady(bench.store)
    keeper = SnapshotKeeper(bench.catalog_on(store))
    await bench.catalog.apply(CONFIGURATION)
    found = await pool(keeper, "p")
    assert found is not None
    calls = store.calls
    assert await asyncio.gather(*(pool(keeper, "nowhere") for _ in range(20))) == [None] * 20
    assert store.calls <= calls + 1


async def test_a_miss_waits_for_a_look_that_begins_after_it(bench: Bench) -> None:
    """A pool that was made while the store is being read for another caller is found."""
    keeper = SnapshotKeeper(bench.catalog)
    early = asyncio.create_task(pool(keeper, "nowhere"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # that look is under way
    await bench.catalog.apply(CONFIGURATION)
    assert await pool(keeper, "p") is not None
    assert await early is None


async def test_misses_share_a_look_however_long_it_takes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a store hangs, reads for unknown pools don't queue up behind each other."""
    monkeypatch.setattr(snapshot_module, "_MIN_LOOK_SECONDS", 0.0)
    store = Unsteady(bench.store)
    keeper = SnapshotKeeper(bench.catalog_on(store))
    store.answering.clear()
    misses = []
    for _ in range(20):
        misses.append(asyncio.create_task(pool(keeper, "nowhere")))
        for _ in range(5):
            await asyncio.sleep(0.001)
    store.answering.set()
    assert await asyncio.gather(*misses) == [None] * 20
    assert store.calls == 2


async def test_a_fault_ends_no_later_refresh(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that can't be read is logged, and the next one is taken over."""
    monkeypatch.setattr(snapshot_module, "_POLL_SECONDS", 0.001)
    catalog = bench.catalog
    entities, faults = catalog.entities, [ValueError("unreadable")]

    async def once_unreadable() -> tuple[int, Configuration]:
        if faults:
            raise faults.pop()
        return await entities()

    await catalog.apply(CONFIGURATION)
    monkeypatch.setattr(catalog, "entities", once_unreadable)
    keeper = SnapshotKeeper(catalog)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(60):
        while keeper.current.revision < 1:
            await asyncio.sleep(0.001)
    assert faults == []
    running.cancel()


async def test_the_last_snapshot_serves_while_the_store_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known pools stay known; when the store is back, so are its changes."""
    monkeypatch.setattr(snapshot_module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(snapshot_module, "_MIN_LOOK_SECONDS", 0.0)
    store = Unsteady(bench.store)
    keeper = SnapshotKeeper(bench.catalog_on(store))
    await bench.catalog.apply(CONFIGURATION)
    running = asyncio.create_task(keeper.run())
    try:
        async with asyncio.timeout(60):
            while keeper.current.revision < 1:
                await asyncio.sleep(0.01)
            store.away = True
            assert await pool(keeper, "p") is not None
            assert await pool(keeper, "s") is None
            await bench.catalog.apply(Configuration(pools=(a_pool("s", overflow_number=OVERFLOW),)))
            store.away = False
            while keeper.current.revision < 2:
                await asyncio.sleep(0.01)
            assert "s" in keeper.current.pools
    finally:
        running.cancel()
