"""All that is used of aioredis-cluster, its inner parts included: no other module imports it.

The library knows the slots, follows MOVED and ASK, and reloads its map when nodes fail. It would
also send a command again after its connection was lost, when nobody knows whether it ran; the
connection class here stops that, and adds WAIT, which must follow on the same connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from aioredis_cluster.aioredis.errors import ConnectionClosedError, RedisError, ReplyError
from aioredis_cluster.cluster import Cluster
from aioredis_cluster.connection import RedisConnection
from aioredis_cluster.crc import key_slot
from aioredis_cluster.errors import RedisClusterError, UncoveredSlotError
from aioredis_cluster.pool import ConnectionsPool
from aioredis_cluster.structs import Address

from allocator.port import Argument
from allocator.redis.errors import outage_in_reply
from allocator.redis.replicas import too_few_confirmed, wait_command
from allocator.scripts import Script

ClientError: tuple[type[Exception], ...] = (RedisError, OSError)
"""What a call raises; asyncio's TimeoutError is an OSError."""

_ATTEMPTS = 16  # bounded by the deadline long before
_RETRY_SECONDS = (0.01, 0.1)

# The library warns of every reply and every node it tries again; what is left of it in the end is
# in our StoreUnavailable.
logging.getLogger("aioredis_cluster").setLevel(logging.ERROR)


class Node(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


class ClusterClient:
    """A client of the cluster that any of ``nodes`` belongs to."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, int]],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        attempt_seconds: float,
    ) -> None:
        self._cluster = Cluster(
            [Address(host, port) for host, port in nodes],
            username=username,
            password=password,
            ssl=tls,
            pool_cls=_Pool,
            follow_cluster=True,
            connect_timeout=connect_seconds,
            attempt_timeout=attempt_seconds,
            max_attempts=_ATTEMPTS,
            retry_min_delay=_RETRY_SECONDS[0],
            retry_max_delay=_RETRY_SECONDS[1],
        )

    async def load_slots(self) -> None:
        """Load the map of slots, unless it is there."""
        await self._cluster.get_cluster_state()

    async def run(
        self, script: Script, arguments: Sequence[Any], deadline: float, replicas: int
    ) -> bytes:
        """Run a script by EVALSHA, by EVAL where its node doesn't know it.

        ``arguments``: number of keys, keys, arguments. ``deadline``: loop time after which the
        connection is given up. Raises ClientError.
        """
        limits = {"deadline": deadline, "replicas": replicas}
        reply: bytes
        try:
            reply = await self._cluster.execute(b"EVALSHA", script.sha, *arguments, **limits)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = await self._cluster.execute(b"EVAL", script.text, *arguments, **limits)
        return reply

    async def ping_primaries(self) -> None:
        """Have each primary answer a PING. Raises ClientError."""
        await self._cluster.all_masters()

    async def primary_of(self, key: str) -> Node | None:
        """The primary of a key's slot by the client's map; None when no node serves it."""
        state = await self._cluster.get_cluster_state()
        try:
            address = state.slot_master(slot_of(key)).addr
        except UncoveredSlotError:
            return None
        return Node(address.host, address.port)

    async def close(self, seconds: float) -> None:
        """Close every connection, within so many seconds."""
        self._cluster.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._cluster.wait_closed()


@lru_cache(maxsize=16384)
def slot_of(key: str) -> int:
    """The hash slot of a key."""
    slot: int = key_slot(key.encode())
    return slot


def outage_in_client_error(error: Exception) -> str | None:
    """Why the cluster can't be had; None for a bug. Names no more than hosts.

    "" for a TimeoutError that is the caller's own: it knows how long it waited.
    """
    if isinstance(error, _UnconfirmedError):
        return str(error)
    if isinstance(error, TimeoutError):
        return ""
    if isinstance(error, ReplyError):
        return outage_in_reply(str(error))
    if type(error) is RedisClusterError:  # keys of several slots
        return None
    return (str(error) or type(error).__name__).split("\n", 1)[0][:200]


class _UnconfirmedError(TimeoutError):
    """The command was sent, and whether it ran or lasts is unknown. Being a TimeoutError, it makes
    the library reload its map and not send a command that writes again."""


class _Connection(RedisConnection):
    """A connection whose commands have a ``deadline`` (loop time) and wait for ``replicas``."""

    def execute(
        self,
        command: str | bytes,
        *args: Argument,
        deadline: float | None = None,
        replicas: int = 0,
        **options: Any,
    ) -> Awaitable[Any]:
        # Raises ConnectionClosedError when the connection is known to be dead: nothing was sent
        # then, and the library tries again elsewhere.
        reply = super().execute(command, *args, **options)
        if deadline is None:
            return cast("Awaitable[Any]", reply)  # the library's own commands
        if replicas:
            left = deadline - asyncio.get_running_loop().time()
            confirmed = super().execute(*wait_command(replicas, left))
            reply = asyncio.gather(reply, confirmed)
        return self._answered(reply, replicas, deadline)

    async def _answered(self, reply: asyncio.Future[Any], replicas: int, deadline: float) -> Any:
        try:
            answer = await reply
        except (ConnectionClosedError, OSError):
            raise _UnconfirmedError("connection lost before the reply") from None
        except asyncio.CancelledError:
            # Out of time, not merely unwanted: the peer may be dead, so reach it anew next time.
            # The reply of a call that was merely cancelled is thrown away at its place.
            if asyncio.get_running_loop().time() >= deadline:
                self.close()
            raise
        if not replicas:
            return answer
        answer, confirmed = answer
        if confirmed < replicas:
            raise _UnconfirmedError(too_few_confirmed(confirmed, replicas))
        return answer


class _Pool(ConnectionsPool):
    """The library's pool of one node's connections, with our connections in it."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "connection_cls": _Connection})
