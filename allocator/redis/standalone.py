"""The port on redis-py: one server over TCP, TLS or a Unix socket, or the primary Sentinel names.

Calls share a connection (``allocator.redis.connection``), and are with the server when ``run``
returns, before its result is awaited, unless the connection isn't ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.exceptions import RedisError, ResponseError

from allocator.port import Argument, StoreUnavailable
from allocator.redis.connection import PipelinedConnection, encode_command
from allocator.redis.errors import is_error_reply, outage_in_error
from allocator.redis.replicas import too_few_confirmed, wait_command
from allocator.scripts import Script

Command = tuple[Argument, ...]
_T = TypeVar("_T")

_CONNECTIONS = 1
_CONNECTIONS_WITH_WAIT = 16
"""Connections a store opens. WAIT stops its whole connection until the replicas have answered."""

_CONNECT_SECONDS = 1.0
"""Least time to connect in. It may outlast the call that began it: later calls find it ready."""


class StandaloneStore:
    """``Store`` on the server that ``pool`` connects to.

    ``pool`` is used as a factory alone: nothing is taken from it but new connections. They must
    speak RESP2, and neither retry nor time out by themselves.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        timeout_ms: int,
        wait_replicas: int,
        sentinel: Sentinel | None = None,
    ) -> None:
        self._pool = pool
        self._sentinel = sentinel
        self._timeout = timeout_ms / 1000
        self._wait_replicas = wait_replicas
        self._max_connections = _CONNECTIONS_WITH_WAIT if wait_replicas else _CONNECTIONS
        self._connections: set[PipelinedConnection] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        rest = (len(keys), *keys, *args)
        deadline = self._loop.time() + self._timeout
        replicas = self._wait_replicas
        if not replicas:
            for connection in self._connections:
                if connection.ready:
                    reply = connection.send(encode_command("EVALSHA", script.sha, *rest), deadline)
                    return self._answer(connection, reply, script, rest, deadline)
        elif script.read_only:
            replicas = 0
        return self._run(script, rest, replicas, deadline)

    async def ping(self) -> None:
        deadline = self._loop.time() + self._timeout

        async def call(connection: PipelinedConnection) -> None:
            await connection.send(encode_command("PING"), deadline)

        await self._in_time(call, deadline)

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.gather(*[connection.close() for connection in self._connections])
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _answer(
        self,
        connection: PipelinedConnection,
        reply: asyncio.Future[bytes],
        script: Script,
        rest: Command,
        deadline: float,
    ) -> bytes:
        """Await the usual case: sent on a connection that was ready, no replicas to wait for."""
        try:
            return await reply
        except (RedisError, TimeoutError) as error:
            if not is_error_reply(error, "NOSCRIPT"):
                raise self._translate(error, connection, deadline) from None
        return await self._run(script, rest, 0, deadline)

    async def _run(self, script: Script, rest: Command, replicas: int, deadline: float) -> bytes:
        async def call(connection: PipelinedConnection) -> bytes:
            try:
                return await _confirmed(
                    connection, ("EVALSHA", script.sha, *rest), replicas, deadline
                )
            except ResponseError as error:
                if not is_error_reply(error, "NOSCRIPT"):
                    raise
                return await _confirmed(
                    connection, ("EVAL", script.text, *rest), replicas, deadline
                )

        return await self._in_time(call, deadline)

    async def _in_time(
        self, call: Callable[[PipelinedConnection], Awaitable[_T]], deadline: float
    ) -> _T:
        """Do ``call`` on a connection, all within the deadline, every failure translated."""
        connection: PipelinedConnection | None = None
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    connection = self._least_busy()
                    if await connection.become_ready():
                        return await call(connection)
        except (RedisError, TimeoutError) as error:
            raise self._translate(error, connection, deadline) from None

    def _least_busy(self) -> PipelinedConnection:
        """The least busy connection; a new one when all are busy and more are allowed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        usable = [connection for connection in self._connections if connection.usable]
        connection = min(usable, key=PipelinedConnection.load, default=None)
        if connection is None or (connection.load() and len(usable) < self._max_connections):
            redis_connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            connection = PipelinedConnection(
                redis_connection, max(self._timeout, _CONNECT_SECONDS), self._connections.discard
            )
            self._connections.add(connection)
        return connection

    def _translate(
        self, error: Exception, connection: PipelinedConnection | None, deadline: float
    ) -> Exception:
        """What a failed call raises, and its connection given up where that is why."""
        if isinstance(error, TimeoutError):
            if connection is not None:
                connection.retire_if_silent_since(deadline - self._timeout)
            return StoreUnavailable(f"no answer within {self._timeout * 1000:.0f} ms")
        if connection is not None and is_error_reply(error, "READONLY"):
            connection.retire()  # the server was demoted: look for the primary anew
        if isinstance(error, MasterNotFoundError):  # whose text has the Sentinel client's settings
            return StoreUnavailable("no Sentinel knows a primary of that name")
        outage = outage_in_error(error)
        return error if outage is None else StoreUnavailable(outage)


async def _confirmed(
    connection: PipelinedConnection, command: Command, replicas: int, deadline: float
) -> bytes:
    """The reply to ``command``, once that many replicas have what it wrote."""
    reply: asyncio.Future[bytes] = connection.send(encode_command(*command), deadline)
    if not replicas:
        return await reply
    left = deadline - asyncio.get_running_loop().time()
    confirmed: asyncio.Future[int] = connection.send(
        encode_command(*wait_command(replicas, left)), deadline
    )
    try:
        answer = await reply
        count = await confirmed
    finally:
        reply.cancel()  # no effect on those that came
        confirmed.cancel()
    if count < replicas:
        raise StoreUnavailable(too_few_confirmed(count, replicas))
    return answer
