"""A connection to one server that carries any number of calls at a time.

A call is written while others wait for their replies, and its reply is known by its place in the
stream: the server answers in order. Next to a pool of connections that is a fraction of the
processor time a call, cannot run out of connections, and makes giving up safe: a call that timed
out or was cancelled keeps its place, and its late reply is thrown away there.

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
from allocator.redis.errors import reason

_IDLE_SECONDS = 0.5
"""After so long without a reply, look whether the server has closed before writing."""


class PipelinedConnection(asyncio.Protocol):
    """Made connecting. It is ``usable`` until it fails or is retired; a retired one ends with the
    last call on it, and ``ended`` is called with it."""

    def __init__(
        self,
        connection: AbstractConnection,
        connect_seconds: float,
        ended: Callable[[PipelinedConnection], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._replies = Reader(protocolError=InvalidResponse, replyError=ResponseError)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()  # with its deadline
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._heard = 0.0  # when the last reply came
        self._coming = 0  # calls that wait for it to be ready
        self._writable: asyncio.Future[None] | None = None  # while the peer reads too slowly
        self._end: asyncio.Future[None] = self._loop.create_future()
        self.usable = True
        self._life = self._loop.create_task(self._live(connect_seconds))
        self._life.add_done_callback(lambda _: ended(self))

    def load(self) -> int:
        """How many calls are on this line."""
        return len(self._waiting) + self._coming

    @property
    def ready(self) -> bool:
        """Whether ``ask`` may be called at once."""
        return (
            self.usable
            and self._transport is not None
            and self._writable is None
            and (bool(self._waiting) or self._loop.time() - self._heard <= _IDLE_SECONDS)
        )

    async def become_ready(self) -> bool:
        """Wait until it is; raises what stopped it. False: it was closed meanwhile."""
        self._coming += 1
        try:
            await asyncio.shield(self._connected)
            if not self._waiting and self._loop.time() - self._heard > _IDLE_SECONDS:
                # The server may have closed it, and this loop not have come to see that yet: an
                # end of stream passes through the selector and the transport, a turn each.
                for _ in range(4):
                    await asyncio.sleep(0)
            while self.usable and self._writable is not None:
                await asyncio.shield(self._writable)
        finally:
            self._coming -= 1
        return self.usable

    def ask(self, command: bytes, deadline: float) -> asyncio.Future[Any]:
        """Send a packed command now; the line must be ready.

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

    def retire(self) -> None:
        """Take no further calls; those under way may still end here."""
        self.usable = False
        self._end_when_unused()

    def retire_if_silent_since(self, moment: float) -> None:
        """Give up on a peer that has said nothing for a whole call: it may be dead."""
        if self._transport is not None and self._heard < moment:
            self.retire()

    async def close(self) -> None:
        """End it and what is under way; returns when it is closed."""
        self._over(RedisConnectionError("connection closed"))
        if self._transport is None:
            self._life.cancel()
        await asyncio.wait([self._life])

    def data_received(self, data: bytes) -> None:
        """Give each reply to the call whose turn it is."""
        self._heard = self._loop.time()
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not False:
                waiting, _ = self._waiting.popleft()
                if isinstance(reply, ResponseError):
                    _fail(waiting, reply)
                elif not waiting.done():  # else its call has given up
                    waiting.set_result(reply)
        except InvalidResponse as error:
            self._over(error)
        except IndexError:
            self._over(InvalidResponse("a reply that nobody asked for"))
        if not self.usable:
            self._end_when_unused()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, or this end, has closed."""
        self._over(RedisConnectionError(f"connection lost: {exc}" if exc else "connection lost"))

    def pause_writing(self) -> None:
        """The peer reads too slowly: new calls wait, in ``become_ready``."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It has caught up."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    async def _live(self, connect_seconds: float) -> None:
        """Connect, carry calls until the end, and close."""
        try:
            async with asyncio.timeout(connect_seconds):
                await self._connection.connect()  # type: ignore[no-untyped-call]
            await self._take_over()
            await self._end
        except TimeoutError:
            self._over(RedisTimeoutError("can't connect: no answer"))
        except Exception as error:
            self._over(error)
        finally:
            self._over(RedisConnectionError("connection closed"))
            if self._transport is not None:
                self._transport.abort()  # a dead peer would never read what is left in it
            with contextlib.suppress(RedisError, OSError):
                await self._connection.disconnect(nowait=True)

    async def _take_over(self) -> None:
        """Have the transport's data come here. Nothing may be under way on it."""
        writer: Any = self._connection._writer
        transport: asyncio.Transport = writer.transport
        transport.set_protocol(self)
        if await self._connection.can_read() or transport.is_closing():
            raise RedisConnectionError("connection lost")
        self._transport = transport
        self._heard = self._loop.time()
        if not self._connected.done():  # else it was closed meanwhile
            self._connected.set_result(None)

    def _over(self, reason: Exception) -> None:
        """Fail all that waits, and come to the end. Only the first reason counts."""
        self.usable = False
        while self._waiting:
            _fail(self._waiting.popleft()[0], reason)
        _fail(self._connected, reason)
        self.resume_writing()
        if self._alarm is not None:
            self._alarm.cancel()
        if not self._end.done():
            self._end.set_result(None)

    def _end_when_unused(self) -> None:
        if all(reply.done() for reply, _ in self._waiting):
            self._over(RedisConnectionError("connection closed"))

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


def packed(*words: Argument) -> bytes:
    """A command as it is sent; packed in C, which takes a sixth of redis-py's time."""
    command: bytes = pack_command(words)  # type: ignore[arg-type]  # it declares a single word
    return command


def replies(error: Exception, *codes: str) -> bool:
    """Whether it is the server's error reply of one of these codes."""
    return isinstance(error, ResponseError) and str(error).startswith(codes)


def refusal(error: Exception) -> str | None:
    """Why the server can't be had; None for a bug. Carries no secret: redis-py's texts name
    hosts."""
    if known := reason(getattr(error, "status_code", None) or str(error)):
        return known
    if isinstance(error, InvalidResponse):
        return "the answer is not in the Redis protocol"
    if isinstance(error, (RedisConnectionError, RedisTimeoutError)):
        return str(error).split("\n", 1)[0][:200]
    return None
