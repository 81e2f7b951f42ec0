"""Responses that are written together at the end of a turn of the event loop.

Most of what a write costs is waking the process at the other end. When requests that came together
are answered together, one wake-up serves many: with a write for each response at once, that was a
third of a busy worker's time. The response to a single request leaves in the very next turn.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary


class Outbox:
    """The responses of all connections on one event loop that wait to be written."""

    def __init__(self) -> None:
        self._responses: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, response: bytes) -> None:
        """Have a response written in the loop's next turn."""
        if not self._responses:
            asyncio.get_running_loop().call_soon(self.flush)
        self._responses.append((transport, response))

    def flush(self) -> None:
        """Write what waits, in order; what is for a connection that closed is dropped."""
        responses, self._responses = self._responses, []
        for transport, response in responses:
            if not transport.is_closing():
                transport.write(response)


_outboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = WeakKeyDictionary()


def outbox_of(loop: asyncio.AbstractEventLoop) -> Outbox:
    """The outbox that all connections on this loop share."""
    return _outboxes.setdefault(loop, Outbox())
