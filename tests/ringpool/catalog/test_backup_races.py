"""A backup while numbers go to and fro: between any two reads somebody takes or brings some."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from allocator.answers import Ask, State
from allocator.copying import Reader, stock_numbers
from allocator.port import Argument, Store
from allocator.scripts import Script
from allocator.transfers import Transfers
from loadtests.chaos.ledger import Ledger, Promise
from ringpool import backup_file
from ringpool.catalog.backup import back_up
from ringpool.catalog.restore import restore
from ringpool.catalog.store import CatalogStore
from ringpool.model import Duration, Stock
from tests.ringpool.catalog.test_catalog import a_file, a_pool
from tests.ringpool.conftest import Bench

POOLS = ("red", "blue")
MIN_MS = 1000
OWN, LENT = 150, 400


class Traffic:
    """Two pools that share a stock, in a time of their own, and what was promised in it."""

    def __init__(self, bench: Bench, chance: random.Random) -> None:
        self.bench = bench
        self.chance = chance
        self.now = time.time_ns() // 1_000_000
        self.ledgers = {name: Ledger() for name in POOLS}
        self.order: list[Promise] = []
        self.transfers = Transfers(bench.store)

    async def ask(self, pool: str, count: int) -> None:
        names = [f"t{self.chance.randrange(400)}" for _ in range(count)]
        for name in names:
            (answer,) = await self.bench.allocator.allocate(pool, [Ask(name)], now_ms=self.now)
            if answer.guaranteed_until:
                since = answer.guaranteed_until - MIN_MS
                promise = Promise(answer.number, name, since, answer.guaranteed_until)
                self.ledgers[pool].note(answer.state.value, promise)
                if answer.state is not State.HELD:
                    self.order.append(promise)

    async def sweep(self, pool: str, *, whole: bool) -> None:
        """Hand on what left; not ``whole``: who does it dies, before or after the stock has it."""
        swept = await self.bench.allocator.sweep(pool, now_ms=self.now)
        lent = [one for one in swept.departures if one.loan]
        if whole:
            catalog = CatalogStore(self.bench.store)

            async def end(stock: str, left: Sequence[object]) -> None:
                owner = f"stock/{stock}" if stock else f"pool/{pool}"
                await catalog.departed(owner, left)  # type: ignore[arg-type]

            await self.transfers.hand_on(pool, swept.departures, end, now_ms=self.now)
        elif lent and self.chance.random() < 0.5:
            await self.transfers.receive("spare", pool, lent, now_ms=self.now)

    async def take(self, pool: str, steps: int) -> None:
        """A number on its way to a pool; who sends it dies after so many steps."""
        arrivals = await self.transfers.take("spare", pool, 5, now_ms=self.now)
        if steps > 0 and arrivals:
            arrivals = await self.transfers.arrive(pool, arrivals, now_ms=self.now)
            if steps > 1:
                await self.transfers.confirm(pool, "spare", arrivals, now_ms=self.now)

    async def send_back(self, pool: str) -> None:
        """Some lent numbers are to leave, as from a pool above its size."""
        _, rows = await self.bench.allocator.numbers(pool, limit=5000, now_ms=self.now)
        lent = [row.number for row in rows if row.loan]
        some = self.chance.sample(lent, min(30, len(lent)))
        if some:
            await self.transfers.drain(pool, some, now_ms=self.now)

    async def go_on(self) -> None:
        """Some of all that may happen."""
        self.now += self.chance.choice((0, 100, 700))
        pool = self.chance.choice(POOLS)
        match self.chance.randrange(7):
            case 0:
                await self.sweep(pool, whole=self.chance.random() < 0.5)
            case 1:
                await self.sweep(pool, whole=False)
            case 2 | 3:
                await self.take(pool, self.chance.randrange(3))
            case 4:
                await self.send_back(pool)
            case _:
                await self.ask(pool, 12)

    async def settle(self) -> None:
        """Finish all that is half done."""
        for _ in range(12):
            self.now += 11_000
            for pool, arrival in await self.transfers.resume("spare", now_ms=self.now):
                present = await self.transfers.arrive(pool, [arrival], now_ms=self.now)
                await self.transfers.confirm(pool, "spare", present, now_ms=self.now)
            for pool in POOLS:
                await self.sweep(pool, whole=True)


class Busy:
    """A store on which something else happens between any two reads of a backup."""

    def __init__(self, store: Store, traffic: Traffic) -> None:
        self._store = store
        self._traffic = traffic

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        if script.name == "copy/page" and "{ringpool}" not in keys[0]:
            for _ in range(3):
                await self._traffic.go_on()
        return await self._store.run(script, keys, args)

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


async def places(bench: Bench) -> Counter[str]:
    """How often each number is in a pool or to be had from the stock."""
    found: Counter[str] = Counter()
    for pool in POOLS:
        cursor, rows = await bench.allocator.numbers(pool, limit=5000)
        assert cursor == "0"
        found.update(row.number for row in rows)
        assert (await bench.allocator.status(pool)).size == len(rows)
    async for page in Reader(bench.store).pages(stock_numbers("spare")):
        found.update(row[0].decode() for row in page if row[2])
    return found


@pytest.mark.parametrize("seed", [10, 12, 18])
async def test_each_number_is_in_one_place(bench: Bench, tmp_path: Path, seed: int) -> None:
    """Whatever moved: none is lost, none is there twice, what was promised before stands, and no
    tuple has a number that was given on, also after the backup."""
    traffic = Traffic(bench, random.Random(seed))
    numbers = [f"+1212{2_000_000 + n}" for n in range(2 * OWN)]
    spare = tuple(f"+1646{2_000_000 + n}" for n in range(LENT))
    shared = {"stock": "spare", "min_duration": Duration(MIN_MS)}
    pools = [a_pool(name, numbers[at::2], max_size=300, **shared) for at, name in enumerate(POOLS)]
    stock = Stock(id="spare", account="acme", numbers=spare, quarantine=Duration(0))
    await bench.catalog.apply(a_file(stock, *pools))
    for name in POOLS:
        await traffic.ask(name, 250)
    for _ in range(20):
        await traffic.go_on()
    standing = {(name, promise) for name in POOLS for promise in traffic.ledgers[name].promises}
    path = tmp_path / "file"
    busy = Busy(bench.store, traffic)
    with backup_file.writing(path) as writer:
        await back_up(busy, bench.catalog, writer, lambda _: None)
    for _ in range(10):
        await traffic.go_on()
    bench.server.command("FLUSHALL")
    header = backup_file.check(path)
    await restore(bench.store, bench.catalog, path, header, traffic.now, lambda _: None)
    for pool, promise in standing:
        if promise.until > traffic.now:
            (held,) = await bench.allocator.held(pool, [promise.tuple_], now_ms=traffic.now)
            assert held.number == promise.number
    last = {promise.number: promise.tuple_ for promise in traffic.order}
    for pool in POOLS:
        names = [f"t{n}" for n in range(400)]
        for name, held in zip(
            names, await bench.allocator.held(pool, names, now_ms=traffic.now), strict=True
        ):
            assert not held.number or last[held.number] == name
    await traffic.settle()
    assert await places(bench) == Counter([*numbers, *spare])
