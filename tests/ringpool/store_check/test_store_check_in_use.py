"""The audit of a store that is in use: nothing of it is taken for a fault, nothing is broken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask
from allocator.keys import pool_keys
from allocator.port import Argument
from allocator.redis.standalone import StandaloneStore
from allocator.redis.url import connect
from allocator.scripts import Script
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from ringpool.catalog.catalog import Catalog
from ringpool.config import config_file
from ringpool.store_check import orphan_check
from ringpool.store_check.store_check import StoreCheck, StoreParts
from tests.conftest import PATIENT_MS
from tests.ringpool.conftest import Bench
from tests.servers.cluster import Cluster

ENOUGH = 10
"""Audits, and changes of the configuration meanwhile."""

CONFIGURATION = """
accounts: [{{id: acme}}]
pools:
  - {{id: a, account: acme, parameters: [w], min_duration: 1s, numbers: {own}, stock: s,
     max_size: {size}, overflow_number: "+18005550199"}}
  - {{id: b, account: acme, parameters: [w], min_duration: 1s, stock: s, max_size: {size_of_b},
     overflow_number: "+18005550199"}}
stocks: [{{id: s, account: acme, quarantine: 1s, numbers: {lent}}}]
"""
OWN = [f"+1212666010{n}" for n in range(1, 5)]
LENT = [f"+1310666010{n}" for n in range(1, 8)]


class Distant:
    """A store whose answers take a while, so that much happens between two of them."""

    def __init__(self, store: StandaloneStore) -> None:
        self._store = store
        self.scan, self.ping, self.aclose = store.scan, store.ping, store.aclose

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        await asyncio.sleep(0.004)
        return await self._store.run(script, keys, args)


class Load:
    """Visitors, a manager who edits everything, and the background rounds, all at once."""

    def __init__(self, bench: Bench) -> None:
        self._allocator, self._catalog = bench.allocator, bench.catalog
        self._transfers = Transfers(bench.store)
        self._chance = random.Random(11)
        self._stopped = asyncio.Event()
        self._promises: dict[str, dict[int, str]] = {}
        self.broken: list[str] = []
        self.edits = 0

    async def apply(self, size: int, own: list[str], lent: list[str]) -> None:
        text = CONFIGURATION.format(size=size, size_of_b=size - 3, own=own, lent=lent)
        await self._catalog.apply(config_file.read(text), canonical=True)

    async def during(self, audit: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for work in (self._visit, self._visit, self._edit, self._sweep):
                tasks.create_task(work())
            try:
                await audit()
            finally:
                self._stopped.set()

    async def _visit(self) -> None:
        while not self._stopped.is_set():
            pool = self._chance.choice("ab")
            tuples = [f"w={self._chance.randrange(40)}" for _ in range(3)]
            answers = await self._allocator.allocate(pool, [Ask(each) for each in tuples])
            for tuple_, answer in zip(tuples, answers, strict=True):
                if answer.guaranteed_until:
                    self._note(answer.number, f"{pool} {tuple_}", answer.guaranteed_until)
            await asyncio.sleep(0.005)

    def _note(self, number: str, who: str, until: int) -> None:
        """A guarantee is of one second. Answers may come in another order than they were given."""
        for before, holder in self._promises.setdefault(number, {}).items():
            if holder != who and abs(before - until) < 1000:
                self.broken.append(f"{number} is {holder}'s until {before}, {who}'s until {until}")
        self._promises[number][until] = who

    async def _edit(self) -> None:
        while not self._stopped.is_set():
            own = self._chance.sample(OWN, self._chance.randrange(2, 5))
            lent = self._chance.sample(LENT, self._chance.randrange(3, 8))
            await self.apply(self._chance.choice((4, 8)), own, lent)
            self.edits += 1
            await asyncio.sleep(0.02)

    async def _sweep(self) -> None:
        while not self._stopped.is_set():
            for pool in "ab":
                await self._catalog.hand_on(pool)
            await self._transfers.finish_moves("s")
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("repair", [False, True])
async def test_a_store_in_use_has_nothing_wrong(bench: Bench, *, repair: bool) -> None:
    """Numbers grow into pools, leave them, change their owners while it is read."""
    load = Load(bench)
    await load.apply(8, OWN, LENT)
    store = await connect(bench.server.url, timeout_ms=PATIENT_MS)
    assert isinstance(store, StandaloneStore)

    async def audit() -> None:
        check = StoreCheck(Distant(store), bench.catalog_on(store))
        checks = 0
        while checks < ENOUGH or load.edits < ENOUGH:
            checks += 1
            found = await check.run(repair=repair)
            assert [finding for finding in found if finding.level == "fail" or repair] == []

    await load.during(audit)
    await store.aclose()
    assert load.broken == []


async def test_a_cluster_is_audited_on_every_primary(
    cluster_server: Cluster, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pools' records, the catalog and keys are on different servers."""
    monkeypatch.setattr(orphan_check, "EVERY_KEY", f"rp:*{unique}*")
    store = await connect(cluster_server.url, timeout_ms=PATIENT_MS)
    catalog = Catalog(store, Allocator(store), Stocks(store))
    text = f"""
accounts: [{{id: {unique}}}]
pools: [{{id: {unique}, account: {unique}, parameters: [w], numbers: {OWN[:2]},
          overflow_number: "+18005550199"}}]
"""
    await catalog.apply(config_file.read(text, (await catalog.entities())[1]), canonical=True)
    gone = [f"{unique}-{n}" for n in range(6)]
    for name in gone:
        _execute(cluster_server, "HSET", pool_keys(name)[8], "x", "y")
    _execute(cluster_server, "HDEL", "rp:{ringpool}:catalog-owners", OWN[0])
    _execute(cluster_server, "DEL", pool_keys(unique)[3])
    check = StoreCheck(store, catalog)
    messages = [str(finding) for finding in await check.run(repair=False)]
    for name in gone:
        assert any(f"keys of pool {name}" in message for message in messages)
    assert any("it is in no order" in message for message in messages)
    assert any(f"{OWN[0]}: it belongs to nobody" in message for message in messages)
    await check.run(repair=True)
    assert await check.run(StoreParts([unique], []), repair=False) == []
    assert not any(unique in str(finding) for finding in await check.run(repair=False))
    await store.aclose()


def _execute(cluster: Cluster, command: str, key: str, *words: str) -> None:
    """Run a command on the primary that has the key's slot."""
    slot = int(cluster.primaries[0].command("CLUSTER KEYSLOT", key))
    primary = cluster.primaries[slot * 3 // 16384]
    primary.command(command, key, *words)
