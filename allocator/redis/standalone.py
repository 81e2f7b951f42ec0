"""The port on redis-py: one server over TCP, TLS or a Unix socket, or the primary Sentinel names.

Calls share a connection (``allocator.redis.connection``), and are with the server when ``run``
returns, before its result is awaited, unless the connection isn't ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from allocator.port import Argument, StoreUnavailable, Unconfirmed
from allocator.redis.connection import PipelinedConnection, encode_command
from allocator.redis.errors import check_kind, failure_in_error, is_error_reply
from allocator.redis.replicas import Demoted, Doubt, Replicas, Send
from allocator.redis.report import ServerReport, report
from allocator.redis.sentinels import Address, Sentinels
from allocator.scripts import Script

Command = tuple[Argument, ...]
_T = TypeVar("_T")

_CONNECTIONS = 1
_CONNECTIONS_WITH_WAIT = 16
"""Connections a store opens. WAIT stops its whole connection until the replicas have answered."""

_RENEW_SECONDS = 1.0
"""Least time between two times that connections are left for want of confirmations."""

_CONNECT_SECONDS = 1.0
"""Least time to connect in. It may outlast the call that began it: later calls find it ready."""


class StandaloneStore:
    """``Store`` on the server that ``connect`` makes unconnected connections to.

    They must speak RESP2, and neither retry nor time out by themselves. ``sentinels``, if any,
    say when there is another primary, and are closed in the end.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractConnection],
        replicas: Replicas,
        *,
        timeout_ms: int,
        sentinels: Sentinels | None = None,
    ) -> None:
        self._connect = connect
        self._replicas = replicas
        self._sentinels = sentinels
        if sentinels is not None:
            sentinels.moved = self._follow
        self._timeout = timeout_ms / 1000
        self._confirms = bool(replicas.wanted)
        self._max_connections = _CONNECTIONS_WITH_WAIT if self._confirms else _CONNECTIONS
        self._connections: set[PipelinedConnection] = set()
        self._renewed = float("-inf")
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        rest = (len(keys), *keys, *args)
        deadline = self._loop.time() + self._timeout
        confirm = False
        if not self._confirms:
            for connection in self._connections:
                if connection.ready:
                    reply = connection.send(encode_command("EVALSHA", script.sha, *rest), deadline)
                    return self._answer(connection, reply, script, rest, deadline)
        elif not script.read_only:
            confirm = True
        return self._run(script, rest, confirm, deadline)

    async def ping(self) -> None:
        deadline = self._loop.time() + self._timeout

        async def call(connection: PipelinedConnection) -> None:
            send = _sender(connection, deadline)
            await send("PING")
            if self._confirms:
                await self._replicas.check(send)

        await self._in_time(call, deadline)

    async def doubts(self) -> list[Doubt]:
        """Reach the store, and say what ``RINGPOOL_WAIT_REPLICAS`` can't hold on it."""
        deadline = self._loop.time() + self._timeout

        async def call(connection: PipelinedConnection) -> list[Doubt]:
            send = _sender(connection, deadline)
            check_kind(*await asyncio.gather(send("ROLE"), send("INFO", "server")))
            with suppress(Unconfirmed):  # which is one of the doubts
                await self._replicas.check(send)
            return self._replicas.doubts()

        return await self._in_time(call, deadline)

    async def servers(self) -> list[ServerReport]:
        """Ask the server how it is set up."""
        deadline = self._loop.time() + self._timeout

        async def call(connection: PipelinedConnection) -> list[ServerReport]:
            send = _sender(connection, deadline)
            return [await report(connection.address, send, ResponseError)]

        return await self._in_time(call, deadline)

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.gather(*[connection.close() for connection in self._connections])
        if self._sentinels is not None:
            await self._sentinels.aclose()

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
        return await self._run(script, rest, False, deadline)

    async def _run(self, script: Script, rest: Command, confirm: bool, deadline: float) -> bytes:
        async def execute(connection: PipelinedConnection, command: Command) -> bytes:
            send = _sender(connection, deadline)
            reply: bytes
            if confirm:
                left = lambda: deadline - self._loop.time()  # noqa: E731
                reply = await self._replicas.confirm(send, command, left)
            else:
                reply = await send(*command)
            return reply

        async def call(connection: PipelinedConnection) -> bytes:
            try:
                return await execute(connection, ("EVALSHA", script.sha, *rest))
            except ResponseError as error:
                if not is_error_reply(error, "NOSCRIPT"):
                    raise
                return await execute(connection, ("EVAL", script.text, *rest))

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
        except (RedisError, TimeoutError, StoreUnavailable) as error:
            raise self._translate(error, connection, deadline) from None

    def _least_busy(self) -> PipelinedConnection:
        """The least busy connection; a new one when all are busy and more are allowed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        usable = [connection for connection in self._connections if connection.usable]
        connection = min(usable, key=PipelinedConnection.load, default=None)
        if connection is None or (connection.load() and len(usable) < self._max_connections):
            connection = PipelinedConnection(
                self._connect(), max(self._timeout, _CONNECT_SECONDS), self._connections.discard
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
        demoted = isinstance(error, Demoted) or is_error_reply(error, "READONLY", "UNBLOCKED")
        if connection is not None and demoted:
            connection.retire()  # look for the primary anew
        elif isinstance(error, Unconfirmed) and self._loop.time() > self._renewed + _RENEW_SECONDS:
            self._renewed = self._loop.time()
            for line in list(self._connections):
                line.retire()  # the server may have been demoted without knowing it
        return failure_in_error(error) or error

    def _follow(self, primary: Address) -> None:
        """Leave every connection to another server, with what is under way there."""
        self._replicas.start_over()
        for connection in list(self._connections):
            if connection.address not in (None, primary):
                connection.abandon("the primary was demoted")


def _sender(connection: PipelinedConnection, deadline: float) -> Send:
    return lambda *words: connection.send(encode_command(*words), deadline)
