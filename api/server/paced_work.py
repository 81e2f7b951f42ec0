"""Work that has to wait for others': a few pieces of it a turn of the event loop.

A turn does all that has become possible, of every connection, before it looks who else has come.
Requests that were sent ahead become possible by the hundred; who sends one at a time goes first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

AT_ONCE = 4
"""Short pieces a turn. Of long ones one: a turn accepts a single connection, however many wait."""


class PacedWork:
    """The work of all connections on one event loop that waits, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()

    def wait(self, work: Callable[[], object], *, long: bool = False) -> None:
        """Have something done in one of the next turns."""
        if not self._waiting:
            self._loop.call_soon(self._turn)
        self._waiting.append((work, AT_ONCE if long else 1))

    async def long_turn(self) -> None:
        """Wait, as long work does, for one of the next turns."""
        come = asyncio.Event()
        self.wait(come.set, long=True)
        await come.wait()

    def _turn(self) -> None:
        waiting, room = self._waiting, AT_ONCE
        try:
            while waiting and room > 0:
                work, size = waiting.popleft()
                room -= size
                work()
        finally:
            if waiting:
                self._loop.call_soon(self._turn)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, PacedWork] = WeakKeyDictionary()


def paced_work_of(loop: asyncio.AbstractEventLoop) -> PacedWork:
    """The work that waits, of all connections on this loop."""
    paced_work = _of_loops.get(loop)
    if paced_work is None:
        paced_work = _of_loops[loop] = PacedWork(loop)
    return paced_work
