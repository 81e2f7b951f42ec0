"""uvicorn's connection and request cycle: every use of their internals is here.

uvicorn has no interface for what ``http_protocol`` needs. This module takes hold of attributes and
methods that another version may change: ``tests/api/server/test_uvicorn_connection.py`` fails then
and says what has changed, and pyproject.toml admits no version that wasn't tested.

The common exchange, a plain request and a response in one piece, is handled here in place of
uvicorn: its scope is made without parsing the URL, its response goes to the ``Outbox`` as one piece
of bytes, and the connection's idle time is checked now and then instead of by a timer a request.
All other exchanges are uvicorn's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.server.outbox import Outbox, outbox_of
from api.server.response_bytes import encode_response


class Connection(HttpToolsProtocol):
    """One connection."""

    outbox: Outbox
    _idle_timer: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.outbox = outbox_of(self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    @property
    def responding(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def receiving_body(self) -> bool:
        """Whether the body of the request that is being answered hasn't come whole yet."""
        return self.responding and self.cycle.more_body

    @property
    def receiving_head(self) -> bool:
        """Whether a request's head has begun to come: then the connection isn't idle."""
        raise NotImplementedError

    def close_after_response(self) -> None:
        """Let the response that is under way be the last one of this connection."""
        self.cycle.keep_alive = False

    def head_without(self, name: bytes) -> list[bytes]:
        """The lines of the request's head, without one header."""
        version = self.parser.get_http_version().encode("ascii")
        request_line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)
        headers = (b"%b: %b" % header for header in self.headers if header[0] != name)
        return [request_line, *headers]

    def read_anew(self) -> None:
        """Take what comes from now on for the beginning of a request."""
        self.parser = HttpRequestParser(self)

    def ignore_trailers(self) -> None:
        """Keep header fields that come from now on from joining those of the request's head."""
        self.headers = []

    def start_plain_request(self) -> bool:
        """Start the app on the request whose head has come; False if it is no plain one.

        Plain is HTTP/1.1 with a path as its target, while no other request is being answered.
        """
        cycle = self.cycle
        if (
            (cycle is not None and not cycle.response_complete)
            or not self.url.startswith(b"/")
            or b"#" in self.url
            or self.parser.get_http_version() != "1.1"
        ):
            return False
        raw_path, _, query = self.url.partition(b"?")
        path = raw_path.decode("ascii")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        self.cycle = cycle = (
            Exchange(  # by place: naming eleven arguments takes three times as long
                scope,
                self.transport,
                self.flow,
                self.logger,
                self.access_logger,
                self.access_log,
                self.server_state.default_headers,
                asyncio.Event(),
                self.expect_100_continue,
                self.parser.should_keep_alive(),
                self.on_response_complete,
            )
        )
        cycle.outbox = self.outbox
        task = self.loop.create_task(cycle.run_asgi(self.app))
        cycle.done = partial(self.tasks.discard, task)
        self.tasks.add(task)  # a stop waits for these
        return True

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        # uvicorn starts and cancels a timer for each request. This one looks, when it goes off,
        # how long ago the last response was.
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle_timer = None
        # The response under way starts the timer again. A body that nobody reads doesn't count.
        if self.receiving_head or self.responding:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._close_if_idle)
        else:
            self.transport.close()


class Exchange(RequestResponseCycle):
    """A plain request and its response, which goes to the outbox if it is in one piece.

    The start of a response is kept until it is known whether its body follows in one message.
    """

    outbox: Outbox
    done: Callable[[], None]
    _start: Any = None

    async def run_asgi(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            self.done()  # a callback of the task would take another turn of the loop

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            # uvicorn writes what closes the connection, has no body or comes in parts.
            response = (
                encode_response(
                    start["status"],
                    (*self.default_headers, *start["headers"]),
                    message.get("body", b""),
                )
                if self.keep_alive
                and not message.get("more_body", False)
                and not self.disconnected
                and not self.flow.write_paused
                and self.scope["method"] != "HEAD"
                else None
            )
            if response is not None:
                self.response_started = self.response_complete = True
                self.waiting_for_100_continue = False
                self.outbox.put(self.transport, response)
                self.message_event.set()
                self.on_response()
                return
            await super().send(start)
        await super().send(message)
