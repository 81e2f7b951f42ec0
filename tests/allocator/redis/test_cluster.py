"""What only a store on a cluster has to cope with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from aioredis_cluster.cluster import Cluster

from allocator.port import Store, StoreUnavailable, Unconfirmed
from allocator.redis import cluster as cluster_store_module
from allocator.redis import cluster_client, connection
from allocator.redis.cluster import ClusterStore
from allocator.redis.replicas import Confirmations
from allocator.redis.url import connect
from tests.allocator.lua_scripts import COUNT, ECHO, READ
from tests.allocator.test_port import answering, echo
from tests.conftest import PATIENT_MS
from tests.servers import cluster as servers
from tests.servers.process import free_port

unpack = msgspec.msgpack.decode
PATIENCE_SECONDS = 60.0


@pytest.fixture
async def cluster_store(cluster_server: servers.Cluster) -> AsyncIterator[Store]:
    store = await connect(cluster_server.url, timeout_ms=PATIENT_MS)
    yield store
    await store.aclose()


@pytest.fixture(scope="module")
def replicated() -> Iterator[servers.Cluster]:
    """A cluster of its own, whose first primary has a replica."""
    with servers.cluster3(replicas=1, cluster_node_timeout=2000) as cluster:
        yield cluster


def _key_on(cluster: servers.Cluster, position: int, unique: str) -> tuple[str, int]:
    """A key, and its slot, that belongs to the primary at that position."""
    for number in range(1000):
        key = f"{{{unique}-{number}}}"
        slot = int(cluster.primaries[0].command("CLUSTER KEYSLOT", key))
        if slot * 3 // 16384 == position and slot not in (5461, 10922):
            return key, slot
    raise AssertionError


async def pinging(store: Store) -> None:
    """Wait until a ping gets through."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await store.ping()
            except StoreUnavailable:
                await asyncio.sleep(0.02)


async def test_pools_lie_on_every_primary(
    cluster_server: servers.Cluster, cluster_store: Store, unique: str
) -> None:
    """Each primary gets the calls of its own slots, and its own copy of the script."""
    for node in cluster_server.primaries:
        node.command("SCRIPT FLUSH")
    for position, node in enumerate(cluster_server.primaries):
        key, _ = _key_on(cluster_server, position, unique)
        assert unpack(await cluster_store.run(COUNT, [key], [5])) == 5
        assert node.command("GET", key) == b"5"


async def test_a_slot_that_moved_is_followed(
    cluster_server: servers.Cluster, cluster_store: Store, unique: str
) -> None:
    """While a slot moves (ASK) and after it has (MOVED), calls reach the node that has the key."""
    source, target = cluster_server.primaries[:2]
    key, slot = _key_on(cluster_server, 0, unique)
    await cluster_store.ping()
    from_id, to_id = source.command("CLUSTER MYID"), target.command("CLUSTER MYID")
    target.command("CLUSTER SETSLOT", slot, "IMPORTING", from_id)
    source.command("CLUSTER SETSLOT", slot, "MIGRATING", to_id)
    assert unpack(await cluster_store.run(COUNT, [key], [1])) == 1
    assert source.command("CLUSTER COUNTKEYSINSLOT", slot) == 0
    for node in (target, source, cluster_server.primaries[2]):
        node.command("CLUSTER SETSLOT", slot, "NODE", to_id)
    assert unpack(await cluster_store.run(COUNT, [key], [1])) == 2
    assert target.command("GET", key) == b"2"


async def shortly(store: Store, key: str) -> None:
    """Call until calls for the key go over a connection of our own."""
    assert isinstance(store, ClusterStore)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while store._routes.ready(key) is None:
            await answering(store, key)
            await asyncio.sleep(0.01)


async def test_what_the_library_has_found_is_asked_directly(
    cluster_server: servers.Cluster,
    cluster_store: Store,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Later calls of a slot don't go through the library, scripts that its node forgot apart."""
    key, _ = _key_on(cluster_server, 1, unique)
    await shortly(cluster_store, key)
    cluster_server.primaries[1].command("SCRIPT FLUSH")
    assert unpack(await cluster_store.run(COUNT, [key], [1])) == 1
    monkeypatch.setattr(
        connection, "_IDLE_SECONDS", PATIENCE_SECONDS
    )  # else a pause closes the connection
    monkeypatch.delattr(Cluster, "execute")
    counted = await asyncio.gather(*[cluster_store.run(COUNT, [key], [1]) for _ in range(50)])
    assert sorted(map(unpack, counted)) == list(range(2, 52))


async def test_an_idle_connection_is_woken(
    cluster_server: servers.Cluster, cluster_store: Store, unique: str
) -> None:
    """After a pause one call goes through the library, then our own connection is used again."""
    key, _ = _key_on(cluster_server, 0, unique)
    await shortly(cluster_store, key)
    assert isinstance(cluster_store, ClusterStore)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while cluster_store._routes.ready(key):
            await asyncio.sleep(0.05)
    await shortly(cluster_store, key)


async def test_a_slot_that_moved_away_from_a_known_primary_is_followed(
    cluster_server: servers.Cluster, cluster_store: Store, unique: str
) -> None:
    """The node that was asked directly says where the slot is, and the call goes on there."""
    source, target = cluster_server.primaries[1:]
    key, slot = _key_on(cluster_server, 1, unique)
    await shortly(cluster_store, key)
    from_id, to_id = source.command("CLUSTER MYID"), target.command("CLUSTER MYID")
    target.command("CLUSTER SETSLOT", slot, "IMPORTING", from_id)
    source.command("CLUSTER SETSLOT", slot, "MIGRATING", to_id)
    assert unpack(await cluster_store.run(COUNT, [key], [1])) == 1
    for node in (target, source, cluster_server.primaries[0]):
        node.command("CLUSTER SETSLOT", slot, "NODE", to_id)
    assert unpack(await cluster_store.run(COUNT, [key], [1])) == 2
    assert target.command("GET", key) == b"2"


async def test_keys_of_two_slots_are_a_bug_not_an_outage(cluster_store: Store) -> None:
    """Keys without a common hash tag raise the client's exception."""
    with pytest.raises(Exception, match="slot") as caught:
        await cluster_store.run(ECHO, ["{one}", "{two}"])
    assert not isinstance(caught.value, StoreUnavailable)


async def test_ping_misses_a_single_primary(cluster_server: servers.Cluster) -> None:
    """A cluster is ready when all of its primaries answer, not one of them."""
    store = await connect(cluster_server.url, timeout_ms=300)
    await pinging(store)
    cluster_server.primaries[2].pause()
    try:
        with pytest.raises(StoreUnavailable):
            await store.ping()
    finally:
        cluster_server.primaries[2].resume()
    await pinging(store)
    await store.aclose()


async def test_a_node_of_the_url_may_be_away(cluster_server: servers.Cluster, unique: str) -> None:
    """One reachable node is enough to find the others."""
    nobody = free_port()
    url = cluster_server.url.replace("//", f"//127.0.0.1:{nobody},")
    store = await connect(url, timeout_ms=PATIENT_MS)
    assert await echo(store, f"{{{unique}}}", "found") == "found"
    await store.aclose()


async def test_a_cluster_that_is_away_is_an_outage_and_found_later(unique: str) -> None:
    """A store may be made before its cluster; calls fail until it is there."""
    port = free_port()
    store = await connect(f"redis+cluster://127.0.0.1:{port}", timeout_ms=200)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.run(READ, [unique])
    await store.aclose()


async def test_a_join_that_another_call_gave_up_fails_for_those_who_wait(
    monkeypatch: pytest.MonkeyPatch, unique: str
) -> None:
    """It is an outage like any other, and no cancelling: what runs in a task goes on."""
    monkeypatch.setattr(cluster_store_module, "_RENEW_SECONDS", 0.0)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        hosts = ",".join(f"127.0.0.1:{server.getsockname()[1]}" for server in silent)
        store = await connect(f"redis+cluster://{hosts}", timeout_ms=1000)
        monkeypatch.setattr(cluster_store_module, "_CONNECT_SECONDS", 0.05)
        first = asyncio.create_task(store.run(READ, [unique]))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(store.run(READ, [unique]))
        await asyncio.wait([first, second])
        for call in (first, second):
            with pytest.raises(StoreUnavailable):
                call.result()
        await store.aclose()


async def test_a_connection_that_is_lost_while_another_is_dropped_is_given_to_nobody(
    cluster_server: servers.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a node that dies all connections end at about one time, and calls come meanwhile."""
    address = ("127.0.0.1", cluster_server.primaries[0].port)
    pool = cluster_client._Pool(address, minsize=1, maxsize=4)
    try:
        one, other = await pool.acquire(), await pool.acquire()
        for connection_ in (one, other):
            pool.release(connection_)
        while pool.freesize < 2:
            await asyncio.sleep(0)

        async def wait_closed() -> None:
            other.close()

        monkeypatch.setattr(one, "wait_closed", wait_closed, raising=False)
        one.close()
        assert not (await pool.acquire()).closed
    finally:
        pool.close()
        await pool.wait_closed()


async def test_a_connection_that_uvloop_has_closed_already_has_sent_nothing(
    cluster_server: servers.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its transport raises is what the library takes for a lost connection."""
    address = ("127.0.0.1", cluster_server.primaries[0].port)
    pool = cluster_client._Pool(address, minsize=1, maxsize=1)
    try:
        lost = await pool.acquire()

        def write(_: bytes) -> None:
            raise RuntimeError(
                "unable to perform operation on <TCPTransport>; the handler is closed"
            )

        monkeypatch.setattr(lost._writer, "write", write)
        with pytest.raises(cluster_client.ConnectionClosedError):
            await lost.execute(b"GET", "x", deadline=asyncio.get_running_loop().time() + 1)
    finally:
        pool.close()
        await pool.wait_closed()


async def test_it_begins_anew_when_every_node_has_moved(
    cluster_server: servers.Cluster, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a time without any success, the cluster is looked up in the URL again."""
    monkeypatch.setattr("allocator.redis.cluster._RENEW_SECONDS", 0.2)
    store = await connect(cluster_server.url, timeout_ms=200)
    assert isinstance(store, ClusterStore)
    await answering(store, f"{{{unique}}}")
    before = store._client
    for node in cluster_server.primaries:
        node.pause()
    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.run(READ, [f"{{{unique}}}"])
    finally:
        for node in cluster_server.primaries:
            node.resume()
    await answering(store, f"{{{unique}}}")
    assert store._client is not before
    await store.aclose()


async def test_all_means_all_of_the_primary_that_took_the_write(
    replicated: servers.Cluster, unique: str
) -> None:
    """Of a primary without replicas none; of another those that are away, too, unless allowed."""
    key, _ = _key_on(replicated, 0, unique)
    other, _ = _key_on(replicated, 1, unique)
    [replica] = replicated.replicas
    everyone = await connect(replicated.url, timeout_ms=1000, wait_replicas=Confirmations(None))
    most = await connect(replicated.url, timeout_ms=1000, wait_replicas=Confirmations(None, 1))
    for store in (everyone, most):
        await answering(store, key)
        for slot in (key, other):
            await store.run(COUNT, [slot], [1])
        await store.ping()
    replica.kill()
    late = await connect(replicated.url, timeout_ms=1000, wait_replicas=Confirmations(None))
    try:
        for store in (everyone, late):  # by what the cluster knows, not what was seen
            with pytest.raises(Unconfirmed, match="0 of 1 replicas"):
                await store.run(COUNT, [key], [1])
        assert unpack(await everyone.run(COUNT, [other], [1])) == 3
        with pytest.raises(Unconfirmed, match="0 of 1 replicas"):
            await everyone.ping()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:  # until the cluster has given it up
                try:
                    await most.run(COUNT, [key], [1])
                except Unconfirmed:
                    await asyncio.sleep(0.05)
                else:
                    break
        assert [doubt.stops for doubt in await everyone.doubts()] == [True]
    finally:
        replica.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await everyone.run(COUNT, [key], [1])
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                break
    for store in (everyone, most, late):
        await store.aclose()


async def test_a_write_returns_when_the_replica_has_it_and_outlives_the_primary(
    replicated: servers.Cluster, unique: str
) -> None:
    """WAIT goes to the node that took the write; after a failover the value is still there."""
    store = await connect(replicated.url, timeout_ms=PATIENT_MS, wait_replicas=1)
    key, _ = _key_on(replicated, 0, unique)
    other, _ = _key_on(replicated, 1, unique)
    counted = await asyncio.gather(*[store.run(COUNT, [key], [1]) for _ in range(30)])
    assert sorted(map(unpack, counted)) == list(range(1, 31))
    await store.aclose()

    store = await connect(replicated.url, timeout_ms=1000)
    await answering(store, other)
    await shortly(store, key)
    replicated.primaries[0].kill()
    assert unpack(await answering(store, key)) == "30"
    await store.aclose()
