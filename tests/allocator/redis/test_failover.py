"""What a failover loses, by what confirms a change before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
import redis

from allocator.port import Store, StoreMisconfigured, StoreUnavailable, Unconfirmed
from allocator.redis import sentinels
from allocator.redis.replicas import Confirmations
from allocator.redis.url import connect
from tests.allocator.lua_scripts import COUNT, READ
from tests.allocator.test_port import answering
from tests.conftest import PATIENT_MS
from tests.servers import stores
from tests.servers.process import until
from tests.servers.sentinel import STUBBORN, sentinel

unpack = msgspec.msgpack.decode
ALL = Confirmations(None)


@asynccontextmanager
async def opened(url: str, wait_replicas: Confirmations | int, **more: Any) -> AsyncIterator[Store]:
    store = await connect(url, wait_replicas=wait_replicas, **{"timeout_ms": 400, **more})
    try:
        yield store
    finally:
        await store.aclose()


async def count(store: Store, key: str) -> int:
    """Count one more, however often that takes."""
    async with asyncio.timeout(60):
        while True:
            try:
                counted: int = unpack(await store.run(COUNT, [key], [1]))
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                return counted


async def confirms(store: Store, key: str) -> bool:
    """Whether one more is confirmed, by whichever server it ends up at."""
    while True:
        try:
            await store.run(COUNT, [key], [1])
        except Unconfirmed:
            return False
        except StoreUnavailable:  # its connection was left while it was asked
            await asyncio.sleep(0.02)
        else:
            return True


def is_primary(server: stores.Server) -> bool:
    """Whether it is; False while it closes connections, as one that is promoted does."""
    with suppress(redis.ConnectionError):
        return bool(server.command("ROLE")[0] == b"master")
    return False


async def count_second(store: Store, key: str, *, answered: bool) -> None:
    """Count what one of two replicas confirms: it is told, or isn't."""
    if answered:
        assert unpack(await store.run(COUNT, [key], [1])) == 2
    else:
        with pytest.raises(Unconfirmed, match="1 of 2 replicas"):
            await store.run(COUNT, [key], [1])


@pytest.mark.parametrize(("wanted", "answered"), [(Confirmations(1), True), (ALL, False)])
async def test_one_confirmation_of_two_may_be_lost_all_never(
    unique: str, wanted: Confirmations, answered: bool
) -> None:
    """A replica that lags is promoted: what only the other confirmed is lost, or isn't told."""
    with (
        stores.valkey() as primary,
        stores.replica_of(primary) as lagging,
        stores.replica_of(primary),
    ):
        async with opened(primary.url, wanted) as store:
            assert await count(store, unique) == 1
            until(lambda: lagging.command("GET", unique) == b"1")
            lagging.pause()  # and no byte more reaches it
            primary.command("CLIENT", "KILL", "TYPE", "replica")
            until(lambda: primary.command("INFO", "replication")["connected_slaves"] == 1)
            await count_second(store, unique, answered=answered)
            primary.kill()
            lagging.resume()
            lagging.command("REPLICAOF", "NO", "ONE")
        assert lagging.command("GET", unique) == b"1"  # the second is gone


@pytest.mark.parametrize(("wanted", "answered"), [(Confirmations(1), True), (ALL, False)])
async def test_a_demoted_primary_that_still_confirms(
    unique: str, wanted: Confirmations, answered: bool
) -> None:
    """One replica was promoted, the other follows the old primary still: only ``all`` notices."""
    with (
        stores.valkey() as primary,
        stores.replica_of(primary) as promoted,
        stores.replica_of(primary),
    ):
        async with opened(primary.url, wanted) as store:
            assert await count(store, unique) == 1
            promoted.command("REPLICAOF", "NO", "ONE")
            until(lambda: primary.command("INFO", "replication")["connected_slaves"] == 1)
            await count_second(store, unique, answered=answered)


@pytest.mark.parametrize("heard", [True, False])
async def test_sentinel_says_which_connections_to_leave(
    unique: str, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demoted primary that knows nothing of it, and has a replica that confirms, is left.

    By what its Sentinel publishes, and where that isn't heard by asking.
    """
    if heard:
        monkeypatch.setattr(sentinels, "_POLL_SECONDS", 600.0)
    else:
        monkeypatch.setattr(sentinels, "_CHANNELS", ("nothing",))
    unfit = {"replica-priority": 0}
    with sentinel(STUBBORN | unfit, primary_settings=STUBBORN) as watched:
        async with (
            opened(watched.url, 0, timeout_ms=3000) as hasty,
            opened(watched.url, 1, timeout_ms=3000) as store,
            opened(watched.url, ALL, timeout_ms=3000) as careful,
        ):
            for one in (hasty, store, careful):
                counted = await count(one, unique)
            until(lambda: watched.sentinel.command("SENTINEL", "FAILOVER", "numbers"))
            while not is_primary(watched.replica):
                with suppress(StoreUnavailable):
                    counted = unpack(await careful.run(COUNT, [unique], [1]))
            # what all confirmed is on the one that was promoted
            assert int(watched.replica.command("GET", unique)) >= counted > 1
            async with asyncio.timeout(10):
                while watched.replica.command("GET", f"{unique}-2") is None:
                    await count(hasty, f"{unique}-2")
            facts = watched.primary.command("INFO", "replication")
            assert (facts["role"], facts["connected_slaves"]) == ("master", 1)  # nobody told it
            # Each hears or asks by itself, so these may leave later than ``hasty``. The old one has
            # a replica that confirms, the new one none yet.
            async with asyncio.timeout(10):
                for one in (store, careful):
                    while await confirms(one, unique):
                        await asyncio.sleep(0.02)


async def test_a_demotion_under_a_write_is_an_outage(unique: str) -> None:
    """A write that waits for replicas when its server becomes one is no bug."""
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        async with opened(primary.url, 1, timeout_ms=PATIENT_MS) as store:
            await count(store, unique)
            replica.pause()
            write = asyncio.create_task(store.run(COUNT, [unique], [1]))
            while primary.command("GET", unique) != b"2":
                await asyncio.sleep(0.01)
            primary.command("REPLICAOF", "127.0.0.1", replica.port)
            with pytest.raises(StoreUnavailable, match="demoted"):
                await write
            with pytest.raises(StoreUnavailable, match="read-only"):  # the role is looked at
                await store.run(READ, [unique])
            replica.resume()


async def test_without_replicas_nothing_is_run(unique: str) -> None:
    """No number is used up by who can't be told; the first replica ends that, and ping says it."""
    with stores.valkey() as primary:
        told: list[int] = []
        async with opened(primary.url, 1, unconfirmed=lambda: told.append(1)) as store:
            for _ in range(3):
                with pytest.raises(Unconfirmed, match="0 of 1 replicas"):
                    await store.run(COUNT, [unique], [1])
            with pytest.raises(Unconfirmed, match="0 of 1 replicas"):
                await store.ping()
            assert primary.command("GET", unique) is None
            assert len(told) == 3
            assert await answering(store, unique)  # reads need nobody
            with stores.replica_of(primary) as replica:
                assert await count(store, unique) == 1
                await store.ping()
                replica.pause()
                with pytest.raises(Unconfirmed):
                    await store.run(COUNT, [unique], [1])
                for _ in range(5):  # it is connected, but lags: nothing more runs
                    with pytest.raises(Unconfirmed):
                        await store.run(COUNT, [unique], [1])
                with pytest.raises(Unconfirmed):
                    await store.ping()
                assert primary.command("GET", unique) == b"2"
                replica.resume()
                assert await count(store, unique) == 3


async def test_replicas_that_are_away_are_waited_for_unless_allowed(unique: str) -> None:
    """A Sentinel knows of a dead replica: ``all`` waits for it, ``all-1`` once it is given up."""
    with sentinel({}) as watched:
        async with (
            opened(watched.url, ALL) as careful,
            opened(watched.url, Confirmations(None, 1)) as store,
        ):
            await count(careful, unique)
            await count(store, unique)
            watched.replica.kill()
            with pytest.raises(Unconfirmed, match="1 of 2 replicas"):
                await store.run(COUNT, [unique], [1])
            assert await count(store, unique) > 2  # after down-after-milliseconds
            async with opened(watched.url, ALL) as late:
                for one in (careful, late):
                    with pytest.raises(Unconfirmed, match="1 of 2 replicas"):
                        await one.run(COUNT, [unique], [1])


async def test_on_disk_before_it_is_answered(unique: str) -> None:
    """With RINGPOOL_WAIT_AOF; where the store has no such thing, the setting is at fault."""
    disk = {"appendonly": "yes", "appendfsync": "always"}
    with stores.valkey(**disk) as primary, stores.replica_of(primary, **disk) as replica:
        for wanted in (0, 1, ALL):
            async with opened(primary.url, wanted, wait_aof=True, timeout_ms=PATIENT_MS) as store:
                await store.ping()
                await count(store, unique)
        replica.command("CONFIG", "SET", "appendonly", "no")
        async with opened(primary.url, 1, wait_aof=True) as store:
            with pytest.raises(Unconfirmed, match="0 of 1 replicas"):
                await store.run(COUNT, [unique], [1])
        primary.command("CONFIG", "SET", "appendonly", "no")
        async with opened(primary.url, 0, wait_aof=True) as store:
            with pytest.raises(StoreMisconfigured, match="append-only file is off") as caught:
                await store.run(COUNT, [unique], [1])
            assert caught.value.setting == "wait_aof"


async def test_a_store_without_waitaof_is_named(redis7_server: stores.Server, unique: str) -> None:
    """Redis 7.0 has none, and nothing is run on it."""
    if not redis7_server.command("INFO", "server")["redis_version"].startswith(("7.0", "6.")):
        pytest.skip("this Redis has WAITAOF")
    async with opened(redis7_server.url, 0, wait_aof=True) as store:
        with pytest.raises(StoreMisconfigured, match=r"needs Redis 7\.2"):
            await store.run(COUNT, [unique], [1])
    assert redis7_server.command("GET", unique) is None
