"""A connection to each primary of a cluster, and which slot is whose.

The client library spends several times a connection's processor time on a call. So it is asked for
what it alone knows, and for calls that don't go the usual way; here is only what was learned from
it. A route that has become wrong costs a call's detour: the node says so, and nothing has run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from allocator.redis.cluster_client import ClusterClient, Node, slot_of
from allocator.redis.connection import PipelinedConnection, encode_command

Connect = Callable[[str, int], AbstractConnection]
"""An unconnected connection of redis-py to a host and port."""


class ClusterRoutes:
    """Connections to the primaries that calls have found. Every one ends with ``aclose``."""

    def __init__(self, connect: Connect, *, connect_seconds: float) -> None:
        self._connect = connect
        self._connect_seconds = connect_seconds
        self._primaries: dict[int, Node] = {}  # by slot
        self._connections: dict[Node, PipelinedConnection] = {}
        self._waking: dict[Node, asyncio.Task[None]] = {}
        self._all: set[PipelinedConnection] = set()  # with those that are about to end
        self._closed = False

    def ready(self, key: str) -> PipelinedConnection | None:
        """The connection to the primary of the key's slot, if it may be used at once."""
        node = self._primaries.get(slot_of(key))
        connection = self._connections.get(node) if node is not None else None
        return connection if connection is not None and connection.ready else None

    async def learn(self, key: str, client: ClusterClient) -> None:
        """Take over where the library sends the key, and prepare a connection there."""
        node = await client.primary_of(key)
        if node is None or self._closed:
            return
        self._primaries[slot_of(key)] = node
        connection = self._connections.get(node)
        if connection is None or not connection.usable:
            connection = PipelinedConnection(
                self._connect(node.host, node.port), self._connect_seconds, self._all.discard
            )
            self._all.add(connection)
            self._connections[node] = connection
        elif not connection.ready and node not in self._waking:
            waking = asyncio.create_task(self._wake(connection))
            self._waking[node] = waking
            waking.add_done_callback(lambda _: self._waking.pop(node, None))

    def forget(self, key: str) -> None:
        """Have the library find the key's primary next time."""
        self._primaries.pop(slot_of(key), None)

    def leave(self) -> None:
        """Forget everything: the whole cluster may be elsewhere."""
        self._primaries.clear()
        for connection in self._connections.values():
            connection.retire()
        self._connections.clear()

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        self.leave()
        await asyncio.gather(*[connection.close() for connection in self._all])
        await asyncio.gather(*self._waking.values(), return_exceptions=True)

    async def _wake(self, connection: PipelinedConnection) -> None:
        """Have an idle connection answer, after which it is ready."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(self._connect_seconds):
                if await connection.become_ready():
                    deadline = loop.time() + self._connect_seconds
                    await connection.send(encode_command("PING"), deadline)
