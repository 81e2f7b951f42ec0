"""The port on redis-py: one server over TCP, TLS or a Unix socket, or the primary Sentinel names.

A call is written to a connection that other calls are using too, and its reply is known by its
place in the stream: the server answers in order. Next to a pool of connections this is a third of
the processor time a call, cannot run out of connections, and makes giving up safe: a call that
timed out or was cancelled keeps its place, and its late reply is thrown away there.

Commands are packed by hiredis in C, which takes a sixth of redis-py's time. aioredis-cluster keeps
hiredis below 3, and redis-py then reads replies in Python: with one bulk string a call, whatever
the number of tuples, that costs some µs a call (``python -m loadtests.bench --only hiredis``).

Nothing is sent twice: after a lost connection nobody knows whether the script ran.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from hiredis import pack_command
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    InvalidResponse,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from allocator.port import Argument, StoreUnavailable
from allocator.refusals import reason
from allocator.replicas import too_few, wait
from allocator.scripts import Script

Command = tuple[Argument, ...]
_T = TypeVar("_T")

_LINES = 1
_LINES_WITH_WAIT = 16
"""Connections a store opens. WAIT stops its whole connection until the replicas have answered."""

_CONNECT_SECONDS = 1.0
"""Least time to connect in. It may outlast the call that began it: later calls find it ready."""

_IDLE_SECONDS = 0.5
"""After so long without a reply, look whether the server has closed before writing."""


class RedisStore:
    """``Store`` on the server that ``connections`` leads to.

    ``connections`` is used as a factory alone: nothing is taken from it but new connections.
    They must neither retry nor time out by themselves.
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
        self._lines: set[_Line] = set()
        self._closed = False

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        rest = (len(keys), *keys, *args)
        replicas = 0 if script.read_only else self._wait_replicas

        async def call(line: _Line, deadline: float) -> bytes:
            try:
                return await _confirmed(line, ("EVALSHA", script.sha, *rest), replicas, deadline)
            except NoScriptError:
                return await _confirmed(line, ("EVAL", script.text, *rest), replicas, deadline)

        return await self._in_time(call)

    async def ping(self) -> None:
        async def call(line: _Line, deadline: float) -> None:
            await line.ask(("PING",))

        await self._in_time(call)

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.gather(*[line.close() for line in self._lines])
        if self._sentinel is not None:
            await self._sentinel.aclose()

    async def _in_time(self, call: Callable[[_Line, float], Awaitable[_T]]) -> _T:
        """Do ``call`` on a connection, all within the deadline, every failure translated."""
        start = asyncio.get_running_loop().time()
        deadline = start + self._timeout
        line: _Line | None = None
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    line = self._line()
                    with line:
                        if await line.ready():
                            return await call(line, deadline)
        except TimeoutError:
            if line is not None:
                line.retire_if_silent_since(start)
            raise StoreUnavailable(f"no answer within {self._timeout * 1000:.0f} ms") from None
        except RedisError as error:
            if isinstance(error, ReadOnlyError) and line is not None:
                line.retire()  # the server was demoted: look for the primary anew
            refused = _refusal(error)
            if refused is None:
                raise
            raise StoreUnavailable(refused) from None

    def _line(self) -> _Line:
        """The least busy connection; a new one when all are busy and more are allowed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        usable = [line for line in self._lines if line.usable]
        line = min(usable, key=_Line.load, default=None)
        if line is None or (line.load() and len(usable) < self._max_lines):
            connection: AbstractConnection = self._connections.make_connection()  # type: ignore[no-untyped-call]
            line = _Line(connection, self._timeout, self._lines.discard)
            self._lines.add(line)
        return line


class _Line:
    """A connection that carries any number of calls at a time.

    It is ``usable`` until it fails or is retired; a retired one ends with the last call on it.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        timeout: float,
        ended: Callable[[_Line], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._heard = 0.0  # when the last reply came
        self._calls = 0
        self.usable = True
        self._reader = self._loop.create_task(self._read(max(timeout, _CONNECT_SECONDS)))
        self._reader.add_done_callback(lambda _: ended(self))

    def __enter__(self) -> None:
        self._calls += 1

    def __exit__(self, *_: object) -> None:
        self._calls -= 1
        self._end_when_unused()

    def load(self) -> int:
        """How many calls are on this line."""
        return self._calls

    def retire(self) -> None:
        """Take no further calls; those under way may still end here."""
        self.usable = False
        self._end_when_unused()

    def retire_if_silent_since(self, moment: float) -> None:
        """Give up on a peer that has said nothing for a whole call: it may be dead."""
        if self._connected.done() and self._heard < moment:
            self.retire()

    async def ready(self) -> bool:
        """Wait for the connection; raises what stopped it. False: closed while idle, not ours."""
        if not self._connected.done():
            await asyncio.shield(self._connected)
        elif self._loop.time() - self._heard > _IDLE_SECONDS and not self._waiting:
            # The server may have closed it, and this loop not have come to see that yet: an end
            # of stream passes through the selector, the stream and the reader, a turn each.
            for _ in range(4):
                await asyncio.sleep(0)
        return self.usable

    async def ask(self, *commands: Command) -> list[Any]:
        """Send commands in one go and return their replies; raises the first error reply."""
        if not self._connection.is_connected:
            raise RedisConnectionError("connection lost")
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]
        replies = [self._loop.create_future() for _ in commands]
        # Up to the write nothing below gives way to another task: places match the stream.
        self._waiting.extend(replies)
        try:
            await self._connection.send_packed_command(packed, check_health=False)
            return [await reply for reply in replies]
        finally:
            for reply in replies:
                reply.cancel()  # no effect on those that came

    async def close(self) -> None:
        self.usable = False
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, connect_seconds: float) -> None:
        """Connect, then give each reply to the call whose turn it is, until the end."""
        ending: Exception = RedisConnectionError("connection closed")
        try:
            async with asyncio.timeout(connect_seconds):
                await self._connection.connect()  # type: ignore[no-untyped-call]
            self._heard = self._loop.time()
            self._connected.set_result(None)
            while True:
                await self._read_one()
        except TimeoutError:
            ending = RedisTimeoutError("can't connect: no answer")
        except Exception as error:
            ending = error
        finally:
            self.usable = False
            for future in (self._connected, *self._waiting):
                _fail(future, ending)
            with contextlib.suppress(RedisError, OSError):
                await self._connection.disconnect(nowait=True)

    async def _read_one(self) -> None:
        reply: Any
        try:
            reply = await self._connection.read_response(disable_decoding=True, timeout=math.inf)
        except ResponseError as error:
            reply = error
        self._heard = self._loop.time()
        waiting = self._waiting.popleft()
        if isinstance(reply, ResponseError):
            _fail(waiting, reply)
        elif not waiting.done():  # else its call has given up
            waiting.set_result(reply)

    def _end_when_unused(self) -> None:
        if not self.usable and not self._calls:
            self._reader.cancel()


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # counts as seen: its call may have given up, or never come to wait


async def _confirmed(line: _Line, command: Command, replicas: int, deadline: float) -> bytes:
    """The reply to ``command``, once that many replicas have what it wrote."""
    reply: bytes
    if not replicas:
        [reply] = await line.ask(command)
        return reply
    left = deadline - asyncio.get_running_loop().time()
    reply, confirmed = await line.ask(command, wait(replicas, left))
    if confirmed < replicas:
        raise StoreUnavailable(too_few(confirmed, replicas))
    return reply


def _refusal(error: RedisError) -> str | None:
    """Why the store can't be had; None for a bug. Carries no secret: redis-py's texts name hosts,
    but a Sentinel's would carry the settings of its client."""
    if isinstance(error, MasterNotFoundError):
        return "no Sentinel knows a primary of that name"
    if known := reason(error.status_code or str(error)):
        return known
    if isinstance(error, InvalidResponse):
        return "the answer is not in the Redis protocol"
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return str(error).split("\n", 1)[0][:200]
    return None
