"""A bad network between a service and its store: it is slow, resets, and closes halfway."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, and say so with RST


class Proxy:
    """Passes on what comes to ``port`` of 127.0.0.1. Made by ``proxy``; its methods may be called
    from any thread.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.slowness = 0.0
        """What is read waits for up to so many seconds before it is passed on, either way."""
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._links: set[_Link] = set()

    def reset(self) -> None:
        """Reset every connection, at both ends."""
        self._to_all(_Link.reset)

    def half_close(self) -> None:
        """End what the store says on every connection; what the service says still arrives."""
        self._to_all(_Link.half_close)

    def cut_replies(self) -> None:
        """Pass on half of the next reply of every connection, then reset it."""
        self._to_all(_Link.cut_reply)

    def _to_all(self, what: Callable[[_Link], None]) -> None:
        def to_all() -> None:
            for link in list(self._links):
                what(link)

        self._loop.call_soon_threadsafe(to_all)

    async def serve(self, ready: threading.Event) -> None:
        """Serve until the task is cancelled."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            try:
                await server.serve_forever()
            finally:
                for link in list(self._links):
                    link.reset()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            store_reader, store_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        link = _Link(writer, store_writer)
        self._links.add(link)
        try:
            with suppress(OSError):
                await asyncio.gather(
                    self._pass(reader, store_writer, link, replies=False),
                    self._pass(store_reader, writer, link, replies=True),
                )
        finally:
            self._links.discard(link)
            writer.close()
            store_writer.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        link: _Link,
        *,
        replies: bool,
    ) -> None:
        while data := await reader.read(65536):
            if self.slowness:
                await asyncio.sleep(random.uniform(0, self.slowness))
            if replies and link.ends_inside:
                writer.write(data[: len(data) // 2])
                await writer.drain()
                link.reset()
                return
            if not (replies and link.half_closed):
                writer.write(data)
                await writer.drain()
        if not (replies and link.half_closed):
            writer.write_eof()

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve in a thread of its own until the context is left."""
        ready = threading.Event()
        task: asyncio.Task[None]

        async def serve() -> None:
            nonlocal task
            task = asyncio.create_task(self.serve(ready))
            with suppress(asyncio.CancelledError):
                await task

        thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        thread.start()
        try:
            ready.wait()
            yield self
        finally:
            self._loop.call_soon_threadsafe(lambda: task.cancel())
            thread.join()
            self._loop.close()


class _Link:
    """One connection of the service, and the one to the store that goes with it."""

    def __init__(self, service: asyncio.StreamWriter, store: asyncio.StreamWriter) -> None:
        self._ends = (service, store)
        self.half_closed = self.ends_inside = False

    def reset(self) -> None:
        for end in self._ends:
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()

    def half_close(self) -> None:
        if not self.half_closed and not self._ends[0].is_closing():
            self.half_closed = True
            self._ends[0].write_eof()

    def cut_reply(self) -> None:
        self.ends_inside = True
