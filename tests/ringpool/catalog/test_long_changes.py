"""Changes that take long, of many pools or with a slow store, and writers that are halted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from allocator.port import Argument, Store
from allocator.scripts import Script
from ringpool.catalog import store, writer
from ringpool.catalog.store import LockLost
from tests.ringpool.catalog.test_catalog import a_file, a_pool, numbers_in
from tests.ringpool.conftest import Bench

Phone = Callable[[int], str]

LOCK = "rp:{ringpool}:catalog-lock"
LOCK_MS = 200


class SlowStore:
    """A store that is slow, or worse.

    ``before``: what happens before a script of a name is run. ``short_lock``: locks end soon.
    """

    def __init__(
        self,
        bench: Bench,
        before: Callable[[str], Awaitable[None]],
        *,
        short_lock: bool = False,
    ) -> None:
        self._short_lock = short_lock
        self._bench = bench
        self._before = before
        self.names: list[str] = []
        self.most = 0  # calls at once
        self._running = 0

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self.names.append(script.name)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            await self._before(script.name)
            reply = await self._bench.store.run(script, keys, args)
        finally:
            self._running -= 1
        if self._short_lock:
            self._bench.server.command("PEXPIRE", LOCK, LOCK_MS, "LT")
        return reply

    async def ping(self) -> None:
        await self._bench.store.ping()

    async def aclose(self) -> None:
        """Close nothing: the store is the bench's."""


async def test_the_lock_is_kept_while_a_change_is_looked_at(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading what there is takes longer than a lock lasts."""
    monkeypatch.setattr(writer, "_RENEW_SECONDS", 0.02)

    async def slow(name: str) -> None:
        if name == "page":
            await asyncio.sleep(2 * LOCK_MS / 1000)

    slow_store: Store = SlowStore(bench, slow, short_lock=True)
    await bench.catalog_on(slow_store).apply(a_file(a_pool("p", [phone(1)])))
    assert await bench.catalog.revision() == 1


async def test_what_is_many_is_done_side_by_side(bench: Bench, phone: Phone) -> None:
    """Hundreds of pools are read, and then made, some at a time; the progress is told."""
    told: list[tuple[int, int]] = []
    pools = [a_pool(f"p{n}", [phone(2 * n), phone(2 * n + 1)]) for n in range(300)]

    async def soon(_name: str) -> None:
        await asyncio.sleep(0.001)

    slow = SlowStore(bench, soon)
    await bench.catalog_on(slow).apply(
        a_file(*pools), progress=lambda done, of: told.append((done, of))
    )
    assert slow.most >= 20
    steps = told[-1][1]
    assert told[0] == (0, steps)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) < steps / 20
    assert [pool.numbers for pool in (await bench.catalog.read()).pools] == [
        pool.numbers for pool in sorted(pools, key=lambda pool: pool.id)
    ]
    assert await numbers_in(bench.allocator, "p299") == {phone(598), phone(599)}


async def test_a_lock_that_is_lost_before_the_commit_leaves_nothing(
    bench: Bench, phone: Phone
) -> None:
    """The other writer's change is the only one."""

    async def steal(name: str) -> None:
        if name == "stage":
            bench.server.command("SET", LOCK, "another", "PX", 60_000)

    with pytest.raises(LockLost):
        await bench.catalog_on(SlowStore(bench, steal)).apply(a_file(a_pool("p", [phone(1)])))
    assert bench.server.command("KEYS", "rp:*") == [LOCK.encode()]


async def test_who_was_halted_does_not_go_on_beside_another_writer(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that comes after a pause is taken only with the lock; whoever has it finishes."""
    monkeypatch.setattr(store, "_RENEW_SECONDS", 0.0)

    async def steal(name: str) -> None:
        if name == "pool/edit":
            bench.server.command("SET", LOCK, "another", "PX", 60_000)

    slow = SlowStore(bench, steal)
    with pytest.raises(LockLost):
        await bench.catalog_on(slow).apply(a_file(a_pool("p", [phone(1)])))
    assert slow.names[-2:] == ["next", "unlock"]
    assert await numbers_in(bench.allocator, "p") == set()
    bench.break_lock()
    assert await bench.catalog.finish_pending()
    assert await numbers_in(bench.allocator, "p") == {phone(1)}
