"""All connections of one worker: how long clients may keep it waiting, and what they may occupy.

Deadlines are looked at a few times a second for all connections together, so that a request costs
no timer. What is over a limit makes room at the expense of whoever has kept the worker waiting
longest: a client that sends and reads at once is hardly ever that one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

import structlog

Count = Callable[[str], None]
"""Told of everything that happened, each time."""

TICK_SECONDS = 0.25

LOG_SECONDS = 10.0
"""What clients did wrong is logged in one line in this time, however often they did it."""

MAX_INPUT_BYTES = 64 * 1024 * 1024
"""What requests that haven't been answered may occupy, over all connections."""

MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""What responses that clients don't read may occupy, over all connections."""

log = structlog.get_logger("ringpool.server")


class Watched(Protocol):
    """A connection, as far as this module needs it."""

    @property
    def waits_for_client(self) -> bool:
        """Whether nothing goes on: no request has come whole that isn't answered."""

    @property
    def rank(self) -> tuple[bool, float]:
        """The less, the sooner it is closed to make room."""

    def check(self, now: float) -> int:
        """Close it if the client is too late; returns the bytes that it hasn't read."""

    def make_way(self) -> None:
        """Close it, and tell the client to try again where it may still be told."""


class Watch:
    """The connections of one event loop. ``told``: what happened since the last line in the log."""

    def __init__(self, loop: asyncio.AbstractEventLoop, count: Count) -> None:
        self.connections: set[Watched] = set()
        self.told: Counter[str] = Counter()
        self._loop = loop
        self._count = count
        self._timer: asyncio.TimerHandle | None = None
        self._next_line = 0.0
        self._input: dict[Watched, int] = {}
        self._input_bytes = 0

    def add(self, connection: Watched, limit: int | None) -> bool:
        """Watch a connection; False when there are ``limit`` and none of them can be closed."""
        if limit is not None and len(self.connections) >= limit:
            waiting = [each for each in self.connections if each.waits_for_client]
            if not waiting:
                self.tell("refused")
                return False
            waiting.sort(key=lambda each: each.rank)
            # Several at once: the next ones to come need no search.
            for each in waiting[: 1 + limit // 64]:
                self._cut(each, "made_room")
        self.connections.add(connection)
        self._wind()
        return True

    def remove(self, connection: Watched) -> None:
        """Watch a connection no more."""
        self.connections.discard(connection)
        self.answered(connection)

    def occupies(self, connection: Watched, size: int) -> None:
        """Note how many bytes a connection's requests occupy until they are ``answered``."""
        self._input_bytes += size - self._input.get(connection, 0)
        self._input[connection] = size
        while self._input_bytes > MAX_INPUT_BYTES:
            # In the order in which they began.
            slowest = next((each for each in self._input if each.waits_for_client), connection)
            self._cut(slowest, "too_much_input")

    def answered(self, connection: Watched) -> None:
        """A connection's requests occupy nothing any more."""
        self._input_bytes -= self._input.pop(connection, 0)

    def tell(self, what: str) -> None:
        """Count that this happened, and have the log say it, once for all times that it does."""
        self.told[what] += 1
        self._count(what)
        self._wind()

    def _cut(self, connection: Watched, why: str) -> None:
        self.remove(connection)
        self.tell(why)
        connection.make_way()

    def _wind(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        unread: list[tuple[tuple[bool, float], int, Watched]] = []
        unread_bytes = 0
        for connection in tuple(self.connections):
            size = connection.check(now)
            if size:
                unread.append((connection.rank, size, connection))
                unread_bytes += size
        if unread_bytes > MAX_UNSENT_BYTES:
            for _, size, connection in sorted(unread, key=lambda each: each[0]):
                if unread_bytes <= MAX_UNSENT_BYTES:
                    break
                unread_bytes -= size
                self._cut(connection, "too_much_unread")
        if self.told and now >= self._next_line:
            log.warning("clients_cut_off", **self.told)
            self.told.clear()
            self._next_line = now + LOG_SECONDS
        if self.connections or self.told:
            self._wind()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def _count_nowhere(_what: str) -> None:
    """Of an app without metrics."""


def watch_of(loop: asyncio.AbstractEventLoop, count: Count = _count_nowhere) -> Watch:
    """The watch over all connections on this loop. ``count``: for one that is made now."""
    watch = _watches.get(loop)
    if watch is None:
        watch = _watches[loop] = Watch(loop, count)
    return watch
