"""The port on redis-py: one server over TCP, TLS or a Unix socket, or the primary Sentinel names.

Calls share a connection (``allocator.line``), and are with the server when ``run`` returns, before
its result is awaited, unless the connection isn't ready.
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
from allocator.redis.connection import PipelinedConnection, packed, refusal, replies
from allocator.redis.replicas import too_few, wait
from allocator.scripts import Script

Command = tuple[Argument, ...]
_T = TypeVar("_T")

_LINES = 1
_LINES_WITH_WAIT = 16
"""Connections a store opens. WAIT stops its whole connection until the replicas have answered."""

_CONNECT_SECONDS = 1.0
"""Least time to connect in. It may outlast the call that began it: later calls find it ready."""


class StandaloneStore:
    """``Store`` on the server that ``connections`` leads to.

    ``connections`` is used as a factory alone: nothing is taken from it but new connections.
    They must speak RESP2, and neither retry nor time out by themselves.
    """

    def __init__(
        self,
        connections: ConnectionPool,
        *,
        timeout_ms: int,
        wait_replicas: int,
        sentinel: Sentinel | None = None,
    ) -> None:
        self._connections = connections
        self._sentinel = sentinel
        self._timeout = timeout_ms / 1000
        self._wait_replicas = wait_replicas
        self._max_lines = _LINES_WITH_WAIT if wait_replicas else _LINES
        self._lines: set[PipelinedConnection] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Coroutine[Any, Any, bytes]:
        rest = (len(keys), *keys, *args)
        deadline = self._loop.time() + self._timeout
        replicas = self._wait_replicas
        if not replicas:
            for line in self._lines:
                if line.ready:
                    reply = line.ask(packed("EVALSHA", script.sha, *rest), deadline)
                    return self._answer(line, reply, script, rest, deadline)
        elif script.read_only:
            replicas = 0
        return self._run(script, rest, replicas, deadline)

    async def ping(self) -> None:
        deadline = self._loop.time() + self._timeout

        async def call(line: PipelinedConnection) -> None:
            await line.ask(packed("PING"), deadline)

        await self._in_time(call, deadline)

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.gather(*[line.close() for line in self._lines])
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _answer(
        self,
        line: PipelinedConnection,
        reply: asyncio.Future[bytes],
        script: Script,
        rest: Command,
        deadline: float,
    ) -> bytes:
        """What was asked in the usual case: on a line that was ready, no replicas to wait for."""
        try:
            return await reply
        except (RedisError, TimeoutError) as error:
            if not replies(error, "NOSCRIPT"):
                raise self._fault(error, line, deadline) from None
        return await self._run(script, rest, 0, deadline)

    async def _run(self, script: Script, rest: Command, replicas: int, deadline: float) -> bytes:
        async def call(line: PipelinedConnection) -> bytes:
            try:
                return await _confirmed(line, ("EVALSHA", script.sha, *rest), replicas, deadline)
            except ResponseError as error:
                if not replies(error, "NOSCRIPT"):
                    raise
                return await _confirmed(line, ("EVAL", script.text, *rest), replicas, deadline)

        return await self._in_time(call, deadline)

    async def _in_time(
        self, call: Callable[[PipelinedConnection], Awaitable[_T]], deadline: float
    ) -> _T:
        """Do ``call`` on a connection, all within the deadline, every failure translated."""
        line: PipelinedConnection | None = None
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    line = self._line()
                    if await line.become_ready():
                        return await call(line)
        except (RedisError, TimeoutError) as error:
            raise self._fault(error, line, deadline) from None

    def _line(self) -> PipelinedConnection:
        """The least busy connection; a new one when all are busy and more are allowed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        usable = [line for line in self._lines if line.usable]
        line = min(usable, key=PipelinedConnection.load, default=None)
        if line is None or (line.load() and len(usable) < self._max_lines):
            connection: AbstractConnection = self._connections.make_connection()  # type: ignore[no-untyped-call]
            line = PipelinedConnection(
                connection, max(self._timeout, _CONNECT_SECONDS), self._lines.discard
            )
            self._lines.add(line)
        return line

    def _fault(
        self, error: Exception, line: PipelinedConnection | None, deadline: float
    ) -> Exception:
        """What a failed call raises, and its line given up where that is why."""
        if isinstance(error, TimeoutError):
            if line is not None:
                line.retire_if_silent_since(deadline - self._timeout)
            return StoreUnavailable(f"no answer within {self._timeout * 1000:.0f} ms")
        if line is not None and replies(error, "READONLY"):
            line.retire()  # the server was demoted: look for the primary anew
        if isinstance(error, MasterNotFoundError):  # whose text has the Sentinel client's settings
            return StoreUnavailable("no Sentinel knows a primary of that name")
        refused = refusal(error)
        return error if refused is None else StoreUnavailable(refused)


async def _confirmed(
    line: PipelinedConnection, command: Command, replicas: int, deadline: float
) -> bytes:
    """The reply to ``command``, once that many replicas have what it wrote."""
    reply: asyncio.Future[bytes] = line.ask(packed(*command), deadline)
    if not replicas:
        return await reply
    left = deadline - asyncio.get_running_loop().time()
    confirmed: asyncio.Future[int] = line.ask(packed(*wait(replicas, left)), deadline)
    try:
        answer = await reply
        count = await confirmed
    finally:
        reply.cancel()  # no effect on those that came
        confirmed.cancel()
    if count < replicas:
        raise StoreUnavailable(too_few(count, replicas))
    return answer
