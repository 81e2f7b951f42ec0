"""uvicorn's connection and request cycle: every use of their internals is here.

uvicorn has no interface for what ``http_protocol`` needs. This module takes hold of attributes and
methods that another version may change: ``tests/api/server/test_uvicorn_connection.py`` fails then
and says what has changed, and pyproject.toml admits no version that wasn't tested.

The common exchange, a plain request and a response in one piece, is handled here in place of
uvicorn: its scope is made without parsing the URL, its response goes to the ``Outbox`` as one piece
of bytes. All other exchanges are uvicorn's, but that no timer is started for any: ``Watch`` looks
at all connections now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

from httptools import HttpRequestParser
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.server.outbox import Outbox, outbox_of
from api.server.paced_work import PacedWork, paced_work_of
from api.server.response_bytes import encode_response

LARGE_BYTES = 32 * 1024
"""Parts of bodies and responses as large as this are handled one a turn."""


class Flow(FlowControl):
    """Pauses and resumes a transport, one a turn. While ``held``, nothing resumes reading."""

    held = False
    _waits = False

    def __init__(self, transport: asyncio.Transport, paced_work: PacedWork) -> None:
        super().__init__(transport)
        self._paced_work = paced_work

    def resume_reading(self) -> None:
        if self.read_paused and not self.held and not self._waits:
            self._waits = True
            self._paced_work.wait(self._resume, long=True)

    def _resume(self) -> None:
        self._waits = False
        if not self.held and not self._transport.is_closing():
            super().resume_reading()

    def hold(self) -> None:
        """Read no more, until ``release``."""
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        """Read on."""
        self.held = False
        self.resume_reading()


class Connection(HttpToolsProtocol):
    """One connection.

    ``answering``: the exchange whose request is being answered, or was last. ``more_came``: than
    the one request, when there are no others to start, ``read_on`` is called.
    """

    outbox: Outbox
    paced_work: PacedWork
    flow: Flow
    answering: RequestResponseCycle | None = None
    answered_at = 0.0
    more_came = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.paced_work = paced_work_of(self.loop)
        self.flow = Flow(transport, self.paced_work)
        self.outbox = outbox_of(self.loop)
        self.answered_at = self.loop.time()
        # uvicorn's own limit would answer 503 here and there; ours makes room.
        self.max_connections, self.limit_concurrency = self.limit_concurrency, None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells the newest exchange alone. An older one would write to what isn't there.
        self.pipeline.clear()
        self.let_go()

    def let_go(self) -> None:
        """Let the app answer whom it is answering to nobody."""
        if self.answering is not None:
            self.answering.disconnected = True
            self.answering.message_event.set()

    @property
    def responding(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def receiving_body(self) -> bool:
        """Whether the body of the request that is being answered hasn't come whole yet."""
        return self.responding and self.cycle.more_body

    def close_after_response(self) -> None:
        """Let the response that is under way be the last one of this connection."""
        self.cycle.keep_alive = False

    def drop_unfinished(self) -> None:
        """Forget the last of several requests, whose body hasn't come whole."""
        assert self.answering is not None
        self.pipeline.popleft()
        self.cycle = self.pipeline[0][0] if self.pipeline else self.answering

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

    def start_plain_request(self, version: str) -> bool:
        """Start the app on the request whose head has come; False if it is no plain one.

        Plain is HTTP/1.1 with a path as its target, while no other request is being answered.
        """
        cycle = self.cycle
        if (
            (cycle is not None and not cycle.response_complete)
            or not self.url.startswith(b"/")
            or b"#" in self.url
            or version != "1.1"
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
        self.answering = cycle
        task = self.loop.create_task(cycle.run_asgi(self.app))
        cycle.done = partial(self.tasks.discard, task)
        self.tasks.add(task)  # a stop waits for these
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.answered_at = self.loop.time()
        if self.pipeline:
            self.paced_work.wait(self._start_next)
        else:
            self._go_on_reading()

    def _start_next(self) -> None:
        """Start the next of the requests that were sent ahead, if there still is one."""
        if not self.pipeline or self.transport.is_closing():
            return
        self._start_asgi_task(*self.pipeline.pop())
        if not self.pipeline:
            self._go_on_reading()

    def _go_on_reading(self) -> None:
        if self.more_came:
            self.read_on()
        elif self.flow.read_paused:
            self.flow.resume_reading()

    def read_on(self) -> None:
        """Read what comes behind the requests that were sent ahead: all have been started."""
        raise NotImplementedError


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
            if len(message.get("body", b"")) > LARGE_BYTES:
                await paced_work_of(asyncio.get_running_loop()).long_turn()
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
