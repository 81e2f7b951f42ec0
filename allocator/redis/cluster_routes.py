"""The short way to a cluster's primaries: one line to each, and which slot is whose.

The client library spends several times a line's processor time on a call. So it is asked for what
it alone knows, and for calls that don't go the usual way; here is only what was learned from it.
A route that has become wrong costs a call's detour: the node says so, and nothing has run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import lru_cache

from aioredis_cluster.cluster import Cluster
from aioredis_cluster.crc import key_slot
from aioredis_cluster.errors import UncoveredSlotError
from aioredis_cluster.structs import Address
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from allocator.redis.connection import PipelinedConnection, packed

Connect = Callable[[str, int], AbstractConnection]
"""An unconnected connection to a host and port."""


class ClusterRoutes:
    """Lines to the primaries that calls have found. Every connection ends with ``aclose``."""

    def __init__(self, connection: Connect, *, connect_seconds: float) -> None:
        self._connection = connection
        self._connect_seconds = connect_seconds
        self._primaries: dict[int, Address] = {}  # by slot
        self._lines: dict[Address, PipelinedConnection] = {}
        self._waking: dict[Address, asyncio.Task[None]] = {}
        self._all: set[PipelinedConnection] = set()  # with those that are about to end
        self._closed = False

    def ready(self, key: str) -> PipelinedConnection | None:
        """The line to the primary of the key's slot, if it may be asked at once."""
        address = self._primaries.get(_slot(key))
        line = self._lines.get(address) if address is not None else None
        return line if line is not None and line.ready else None

    async def learn(self, key: str, cluster: Cluster) -> None:
        """Take over where the library sends the key, and prepare a line there."""
        state = await cluster.get_cluster_state()
        if self._closed:
            return
        try:
            address = state.slot_master(_slot(key)).addr
        except UncoveredSlotError:
            return
        self._primaries[_slot(key)] = address
        line = self._lines.get(address)
        if line is None or not line.usable:
            connection = self._connection(address.host, address.port)
            line = PipelinedConnection(connection, self._connect_seconds, self._all.discard)
            self._all.add(line)
            self._lines[address] = line
        elif not line.ready and address not in self._waking:
            waking = asyncio.create_task(self._wake(line))
            self._waking[address] = waking
            waking.add_done_callback(lambda _: self._waking.pop(address, None))

    def forget(self, key: str) -> None:
        """Have the library find the key's primary next time."""
        self._primaries.pop(_slot(key), None)

    def leave(self) -> None:
        """Forget everything: the whole cluster may be elsewhere."""
        self._primaries.clear()
        for line in self._lines.values():
            line.retire()
        self._lines.clear()

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        self.leave()
        await asyncio.gather(*[line.close() for line in self._all])
        await asyncio.gather(*self._waking.values(), return_exceptions=True)

    async def _wake(self, line: PipelinedConnection) -> None:
        """A line that was idle is ready once it has answered."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(self._connect_seconds):
                if await line.become_ready():
                    await line.ask(packed("PING"), loop.time() + self._connect_seconds)


@lru_cache(maxsize=16384)
def _slot(key: str) -> int:
    slot: int = key_slot(key.encode())
    return slot
