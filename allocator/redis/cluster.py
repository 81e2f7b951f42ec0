"""The port on aioredis-cluster: a Redis or Valkey Cluster of any number of primaries.

The library knows the slots, follows MOVED and ASK, and reloads its map when nodes fail. It would
also send a command again after its connection was lost, when nobody knows whether it ran; the
connection class here stops that, and adds WAIT, which must follow on the same connection.

Where a call may go the short way (``allocator.cluster_lines``) it does; the library has the rest:
the first call of a slot, one that its node sends elsewhere, one after a pause, WAIT.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

from aioredis_cluster.aioredis.errors import ConnectionClosedError, RedisError, ReplyError
from aioredis_cluster.cluster import Cluster
from aioredis_cluster.connection import RedisConnection
from aioredis_cluster.errors import RedisClusterError
from aioredis_cluster.pool import ConnectionsPool
from aioredis_cluster.structs import Address
from redis.exceptions import RedisError as LineError

from allocator.port import Argument, StoreUnavailable
from allocator.redis.cluster_routes import ClusterRoutes, Connect
from allocator.redis.connection import PipelinedConnection, packed, refusal, replies
from allocator.redis.errors import reason
from allocator.redis.replicas import too_few, wait
from allocator.scripts import Script

Command = tuple[Any, ...]  # number of keys, keys, arguments
_T = TypeVar("_T")

_CONNECT_SECONDS = 1.0
_ATTEMPTS = 16  # bounded by the deadline long before
_RETRY_SECONDS = (0.01, 0.1)
_NOTHING_RAN = ("NOSCRIPT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING")
"""Error replies after which a call may go the library's way."""

_RENEW_SECONDS = 3.0
"""After so long without any success, begin anew from the nodes in the URL: all may have moved."""

# The library warns of every reply and every node it tries again; what is left of it in the end is
# in our StoreUnavailable.
logging.getLogger("aioredis_cluster").setLevel(logging.ERROR)


class ClusterStore:
    """``Store`` on the cluster that any of ``nodes`` (host, port) belongs to."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, int]],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None,
        connection: Connect,
        timeout_ms: int,
        wait_replicas: int,
    ) -> None:
        self._nodes = [Address(host, port) for host, port in nodes]
        self._settings: dict[str, Any] = {
            "username": username,
            "password": password,
            "ssl": tls,
            "pool_cls": _Pool,
            "follow_cluster": True,
            "connect_timeout": _CONNECT_SECONDS,
            "attempt_timeout": max(_CONNECT_SECONDS, timeout_ms / 1000),
            "max_attempts": _ATTEMPTS,
            "retry_min_delay": _RETRY_SECONDS[0],
            "retry_max_delay": _RETRY_SECONDS[1],
        }
        self._timeout = timeout_ms / 1000
        self._too_late = f"no answer within {timeout_ms} ms"
        self._wait_replicas = wait_replicas
        self._lines = ClusterRoutes(
            connection, connect_seconds=max(_CONNECT_SECONDS, timeout_ms / 1000)
        )
        self._loop = asyncio.get_running_loop()
        self._cluster: Cluster | None = None
        self._joining: asyncio.Task[Any] | None = None
        self._well = 0.0  # when a call last succeeded, or the cluster was last joined
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        rest = (len(keys), *keys, *args)
        deadline = self._loop.time() + self._timeout
        replicas = 0 if script.read_only else self._wait_replicas
        line = None if replicas else self._lines.ready(keys[0])
        if line is None:
            return self._run(script, rest, replicas, deadline)
        reply = line.ask(packed("EVALSHA", script.sha, *rest), deadline)
        return self._answer(line, reply, script, rest, deadline)

    async def ping(self) -> None:
        async def call(cluster: Cluster) -> None:
            await cluster.all_masters()  # asks each for a PONG

        await self._in_time(call, self._loop.time() + self._timeout)

    async def aclose(self) -> None:
        self._closed = True
        self._leave()
        await asyncio.gather(self._lines.aclose(), *self._closing)

    async def _answer(
        self,
        line: PipelinedConnection,
        reply: asyncio.Future[bytes],
        script: Script,
        rest: Command,
        deadline: float,
    ) -> bytes:
        """What was asked the short way."""
        try:
            answer = await reply
        except (LineError, TimeoutError) as error:
            if not replies(error, "NOSCRIPT"):
                self._lines.forget(rest[1])
            if not replies(error, *_NOTHING_RAN):
                if isinstance(error, TimeoutError):
                    line.retire_if_silent_since(deadline - self._timeout)
                    raise StoreUnavailable(self._too_late) from None
                refused = refusal(error)
                raise (error if refused is None else StoreUnavailable(refused)) from None
        else:
            self._well = self._loop.time()
            return answer
        return await self._run(script, rest, 0, deadline)

    async def _run(self, script: Script, rest: Command, replicas: int, deadline: float) -> bytes:
        """Have the library ask."""
        limits = {"deadline": deadline, "replicas": replicas}

        async def call(cluster: Cluster) -> bytes:
            reply: bytes
            try:
                reply = await cluster.execute(b"EVALSHA", script.sha, *rest, **limits)
            except ReplyError as error:
                if not str(error).startswith("NOSCRIPT"):
                    raise
                reply = await cluster.execute(b"EVAL", script.text, *rest, **limits)
            if not replicas:
                await self._lines.learn(rest[1], cluster)
            return reply

        return await self._in_time(call, deadline)

    async def _in_time(self, call: Callable[[Cluster], Awaitable[_T]], deadline: float) -> _T:
        """Do ``call`` within the deadline, every failure translated."""
        try:
            async with asyncio.timeout_at(deadline):
                result = await call(await self._joined())
        except (RedisError, OSError) as error:  # asyncio's TimeoutError is an OSError
            refused = self._refusal(error)
            if refused is None:
                raise
            if self._loop.time() - self._well > _RENEW_SECONDS:
                self._leave()
            raise StoreUnavailable(refused) from None
        self._well = self._loop.time()
        return result

    async def _joined(self) -> Cluster:
        """The cluster with its map of slots. Loaded once for all who wait for it."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._cluster is None:
            self._cluster = Cluster(self._nodes, **self._settings)
            self._joining = None
            self._well = self._loop.time()
        if self._joining is None or (self._joining.done() and _failed(self._joining)):
            self._joining = asyncio.create_task(self._cluster.get_cluster_state())
            self._joining.add_done_callback(_failed)
        cluster, joining = self._cluster, self._joining
        if not joining.done():
            await asyncio.wait([joining])
            if joining.cancelled():  # a call that failed has left this cluster client
                raise StoreUnavailable(self._too_late)
            joining.result()
        return cluster

    def _leave(self) -> None:
        """Close the present cluster client in the background; the next call makes another."""
        self._lines.leave()
        cluster, self._cluster = self._cluster, None
        joining, self._joining = self._joining, None
        if cluster is None:
            return
        task = asyncio.create_task(_close(cluster, joining))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _refusal(self, error: Exception) -> str | None:
        """Why the cluster can't be had; None for a bug. Names no more than hosts."""
        if isinstance(error, _UnconfirmedError):
            return str(error)
        if isinstance(error, TimeoutError):
            return self._too_late
        if isinstance(error, ReplyError):
            return reason(str(error))
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
            confirmed = super().execute(*wait(replicas, deadline - self._loop.time()))
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
            if self._loop.time() >= deadline:
                self.close()
            raise
        if not replicas:
            return answer
        answer, confirmed = answer
        if confirmed < replicas:
            raise _UnconfirmedError(too_few(confirmed, replicas))
        return answer


class _Pool(ConnectionsPool):
    """The library's pool of one node's connections, with our connections in it."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "connection_cls": _Connection})


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is not None


async def _close(cluster: Cluster, joining: asyncio.Task[Any] | None) -> None:
    cluster.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CONNECT_SECONDS):
            await cluster.wait_closed()
    if joining is not None:
        # Not cancelled at once: calls wait for it.
        await asyncio.wait({joining}, timeout=_CONNECT_SECONDS)
        joining.cancel()
