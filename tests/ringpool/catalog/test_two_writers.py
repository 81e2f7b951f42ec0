"""Two accounts after one id: every way in which their calls to the store may come between."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from allocator.port import Argument, Store
from allocator.scripts import Script
from ringpool.catalog import writer
from ringpool.catalog.catalog import Saved
from ringpool.catalog.condition import Condition, ConditionUnmet
from ringpool.catalog.store import _LOCK
from ringpool.model import Account, Configuration, Entity, Pool
from tests.ringpool.conftest import Bench

_ROUNDS_A_STORE = 25
"""Before the store is emptied: each round leaves a pool, and every change reads them all."""


class Interrupted:
    """A store of one writer, who pauses before a call."""

    def __init__(self, store: Store, at: int, pause: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._at = at
        self._pause = pause
        self.calls = 0
        self.stands = asyncio.Event()
        """It can't go on alone: it has ended, or the other one has the lock."""

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self.calls += 1
        if self.calls == self._at:
            await self._pause()
        reply = await self._store.run(script, keys, args)
        if script is _LOCK and not msgspec.msgpack.decode(reply):
            self.stands.set()
        return reply

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


def pool_of(account: str, pool_id: str) -> Pool:
    """Every field says whose it is."""
    return Pool(
        id=pool_id,
        account=account,
        name=f"of {account}",
        key=f"key-of-{account}-0123456789",
        parameters=(f"of_{account}",),
        allow_overflow=False,
        numbers=(),
    )


Change = Callable[[Store], Awaitable[object]]


async def race(bench: Bench, first: Change, second: Change, one: int, other: int) -> list[object]:
    """The first pauses before its call ``one`` and the second comes between.

    The second pauses before its call ``other``, until the first has ended or waits for the lock.
    Returns what came of those that came so far: both, the first alone, or none.
    """

    async def run(change: Change, store: Interrupted) -> object:
        try:
            return await change(store)
        except Exception as error:
            return error
        finally:
            store.stands.set()

    async def second_comes() -> None:
        tasks.append(asyncio.create_task(run(second, theirs)))
        await theirs.stands.wait()

    async def first_goes_on() -> None:
        theirs.stands.set()
        await ours.stands.wait()

    ours = Interrupted(bench.store, one, second_comes)
    theirs = Interrupted(bench.store, other, first_goes_on)
    tasks: list[asyncio.Task[object]] = []
    came = [await run(first, ours), *[await task for task in tasks]]
    return came[: (one <= ours.calls) + (one <= ours.calls and other <= theirs.calls)]


def making(bench: Bench, account: str, pool_id: str) -> Change:
    async def make(_: Entity | None) -> Entity:
        return pool_of(account, pool_id)

    async def change(store: Store) -> object:
        condition = Condition(account=account, named=True)
        return await bench.catalog_on(store).change("pool", pool_id, make, condition)

    return change


def removing(bench: Bench, account: str, pool_id: str) -> Change:
    async def change(store: Store) -> object:
        return await bench.catalog_on(store).delete_pool(pool_id, Condition(account=account))

    return change


@pytest.mark.parametrize("removed", [False, True], ids=["both make it", "one removes it"])
async def test_never_a_foreign_field(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """One of two gets the id, with all fields its own, and the other one learns nothing of it."""
    monkeypatch.setattr(writer, "_LOCK_POLL_SECONDS", 0.0005)
    owners: Counter[str] = Counter()
    rounds = itertools.count()
    came: list[object] = []
    for one in itertools.count(1):
        for other in itertools.count(1):
            number = next(rounds)
            if number % _ROUNDS_A_STORE == 0:
                bench.server.command("FLUSHALL")
                await bench.catalog.apply(
                    Configuration(accounts=(Account(id="ann"), Account(id="bob")))
                )
            pool_id = f"raced-{number}"
            first, second = making(bench, "ann", pool_id), making(bench, "bob", pool_id)
            if removed:
                await first(bench.store)
                first = removing(bench, "ann", pool_id)
            came = await race(bench, first, second, one, other)
            owners[await owner(bench, pool_id)] += 1
            for mine, their in (("ann", "bob"), ("bob", "ann")):
                result = came[mine == "bob"] if len(came) == 2 else None
                if isinstance(result, Exception):
                    assert isinstance(result, ConditionUnmet)
                    assert their not in str(result)
                elif isinstance(result, Saved):
                    assert result.made
                    assert isinstance(result.entity, Pool)
                    kept = msgspec.structs.replace(result.entity, numbers=())
                    assert kept == pool_of(mine, pool_id)
            if len(came) < 2:
                break
        if not came:
            break
    assert next(rounds) > 50
    assert set(owners) == ({"bob", ""} if removed else {"ann", "bob"})


async def owner(bench: Bench, pool_id: str) -> str:
    """Whose a pool is, having seen that all of it is; "" when it isn't there."""
    pools = [pool for pool in (await bench.catalog.read()).pools if pool.id == pool_id]
    for pool in pools:
        assert pool == pool_of(pool.account, pool_id)
    return "".join(pool.account for pool in pools)
