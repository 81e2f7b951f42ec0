"""A connection to one server that carries any number of calls at a time.

A call is written while others wait for their replies, and its reply is known by its place in the
stream: the server answers in order. Compared with a pool of connections this takes a fraction of
the processor time a call, cannot run out of connections, and makes giving up safe: a call that
timed out or was cancelled keeps its place, and its late reply is thrown away there.

redis-py connects: TLS, password, database, Sentinel. Then this takes its transport over, and
hiredis reads the replies as they come, in C, where redis-py would wake a task for each and parse
in Python.

Nothing is sent twice: after a lost connection nobody knows whether a command ran.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from hiredis import Reader, pack_command
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from allocator.port import Argument

_IDLE_SECONDS = 0.5
"""After so long without a reply, look whether the server has closed before writing."""


class PipelinedConnection(asyncio.Protocol):
    """Made connecting. It is ``usable`` until it fails or is retired; a retired one ends with the
    last call on it, and ``ended`` is called with it."""

    def __init__(
        self,
        redis_connection: AbstractConnection,
        connect_seconds: float,
        ended: Callable[[PipelinedConnection], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._redis_connection = redis_connection
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._replies = Reader(protocolError=InvalidResponse, replyError=ResponseError)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()  # with its deadline
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._last_reply_at = 0.0
        self._awaiting_ready = 0  # calls
        self._writable: asyncio.Future[None] | None = None  # while the peer reads too slowly
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self.usable = True
        self._task = self._loop.create_task(self._run(connect_seconds))
        self._task.add_done_callback(lambda _: ended(self))

    def load(self) -> int:
        """How many calls are on it."""
        return len(self._waiting) + self._awaiting_ready

    @property
    def ready(self) -> bool:
        """Whether ``send`` may be called at once."""
        return (
            self.usable
            and self._transport is not None
            and self._writable is None
            and (bool(self._waiting) or self._loop.time() - self._last_reply_at <= _IDLE_SECONDS)
        )

    async def become_ready(self) -> bool:
        """Wait until it is; raises what stopped it. False: it was closed meanwhile."""
        self._awaiting_ready += 1
        try:
            await asyncio.shield(self._connected)
            if not self._waiting and self._loop.time() - self._last_reply_at > _IDLE_SECONDS:
                # The server may have closed it, and this loop not have come to see that yet: an
                # end of stream passes through the selector and the transport, a turn each.
                for _ in range(4):
                    await asyncio.sleep(0)
            while self.usable and self._writable is not None:
                await asyncio.shield(self._writable)
        finally:
            self._awaiting_ready -= 1
        return self.usable

    def send(self, command: bytes, deadline: float) -> asyncio.Future[Any]:
        """Send an encoded command now; the connection must be ready.

        The future raises the server's error reply, what became of the connection, or TimeoutError
        at ``deadline`` (loop time). It may be cancelled.
        """
        assert self._transport is not None
        reply: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((reply, deadline))
        if deadline < self._alarm_at:
            self._wake_at(deadline)
        self._transport.write(command)
        return reply

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it leads to; None over a Unix socket, and before that is known."""
        host = getattr(self._redis_connection, "host", None)
        port = getattr(self._redis_connection, "port", None)
        return (host, port) if host and port else None

    def abandon(self, reason: str) -> None:
        """End it at once, and fail what is under way: its server isn't the one to ask."""
        self._fail_all(RedisConnectionError(reason))
        if self._transport is None:
            self._task.cancel()

    def retire(self) -> None:
        """Take no further calls; those under way may still end here."""
        self.usable = False
        self._end_when_unused()

    def retire_if_silent_since(self, seconds: float) -> None:
        """Give up on a peer that hasn't replied since that loop time: it may be dead."""
        if self._transport is not None and self._last_reply_at < seconds:
            self.retire()

    async def close(self) -> None:
        """End it and what is under way; returns when it is closed."""
        self.abandon("connection closed")
        await asyncio.wait([self._task])

    def data_received(self, data: bytes) -> None:
        """Give each reply to the call that is next."""
        self._last_reply_at = self._loop.time()
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not False:
                waiting, _ = self._waiting.popleft()
                if isinstance(reply, ResponseError):
                    _fail(waiting, reply)
                elif not waiting.done():  # else its call has given up
                    waiting.set_result(reply)
        except InvalidResponse as error:
            self._fail_all(error)
        except IndexError:
            self._fail_all(InvalidResponse("a reply that nobody asked for"))
        if not self.usable:
            self._end_when_unused()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or this end, has closed."""
        self._fail_all(
            RedisConnectionError(f"connection lost: {exc}" if exc else "connection lost")
        )

    def pause_writing(self) -> None:
        """The peer reads too slowly: new calls wait, in ``become_ready``."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    async def _run(self, connect_seconds: float) -> None:
        """Connect, carry calls until the end, and close."""
        try:
            async with asyncio.timeout(connect_seconds):
                await self._redis_connection.connect()  # type: ignore[no-untyped-call]
            await self._adopt_transport()
            await self._ended
        except TimeoutError:
            self._fail_all(RedisTimeoutError("can't connect: no answer"))
        except Exception as error:
            self._fail_all(error)
        finally:
            self._fail_all(RedisConnectionError("connection closed"))
            if self._transport is not None:
                self._transport.abort()  # a dead peer would never read what is left in it
            with contextlib.suppress(RedisError, OSError):
                await self._redis_connection.disconnect(nowait=True)

    async def _adopt_transport(self) -> None:
        """Have the transport's data come here. Nothing may be under way on it."""
        transport = transport_of(self._redis_connection)
        transport.set_protocol(self)
        if await self._redis_connection.can_read() or transport.is_closing():
            raise RedisConnectionError("connection lost")
        self._transport = transport
        self._last_reply_at = self._loop.time()
        if not self._connected.done():  # else it was closed meanwhile
            self._connected.set_result(None)

    def _fail_all(self, error: Exception) -> None:
        """Fail all calls under way, and end. Only the first error counts."""
        self.usable = False
        while self._waiting:
            _fail(self._waiting.popleft()[0], error)
        _fail(self._connected, error)
        self.resume_writing()
        if self._alarm is not None:
            self._alarm.cancel()
        if not self._ended.done():
            self._ended.set_result(None)

    def _end_when_unused(self) -> None:
        if all(reply.done() for reply, _ in self._waiting):
            self._fail_all(RedisConnectionError("connection closed"))

    def _wake_at(self, deadline: float) -> None:
        # One timer for all calls: nearly all have the same time, so it fires once in that time.
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = deadline
        self._alarm = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        """Calls whose time is over fail, and keep their places."""
        now = self._loop.time()
        self._alarm, self._alarm_at = None, math.inf
        following = math.inf
        for reply, deadline in self._waiting:
            if reply.done():
                continue
            if deadline <= now:
                _fail(reply, TimeoutError())
            else:
                following = min(following, deadline)
        if following < math.inf:
            self._wake_at(following)
        if not self.usable:
            self._end_when_unused()


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # counts as seen: its call may have given up, or never come to wait


def encode_command(*words: Argument) -> bytes:
    """A command as it is sent; encoded in C, which takes a sixth of redis-py's time."""
    command: bytes = pack_command(words)  # type: ignore[arg-type]  # it declares a single word
    return command


def transport_of(connection: AbstractConnection) -> asyncio.Transport:
    """The transport of a connected connection of redis-py, from an attribute that isn't public."""
    writer: Any = connection._writer
    transport: asyncio.Transport = writer.transport
    return transport
