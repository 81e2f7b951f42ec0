"""uvicorn's HTTP for a service of short answers.

How long a request's head may be and take has an end, a stop is gentle, and what nearly every
exchange here is, a plain request and an answer in one piece, takes a shorter way: it is written
with one write, beside all that were answered with it, and header lines are checked and put together
once. Everything else goes uvicorn's own way.

Whoever has sent whole requests hears all their answers, in order, whatever comes behind them: the
end of what is sent, something that is no request, an offer to go on in another protocol.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

MAX_HEAD_BYTES = 128 * 1024
"""Bytes of request line and headers that are read at all; the app itself refuses far less."""

HEAD_SECONDS = 20.0
"""How long a head may take that doesn't come at once; a connection that never sends one, too."""

LINGER_SECONDS = 0.5
"""How long a stop keeps idle connections: a request already on its way is answered, not reset."""

_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset((b"connection", b"transfer-encoding"))
_ALWAYS_NEW = frozenset((b"x-request-id", b"location", b"processing-time"))
_WITHOUT_LENGTH = frozenset((204, 304))
_MAX_LINES = 1024


class Protocol(HttpToolsProtocol):
    """One connection."""

    _head = 0
    _in_head = False
    _in_message = False
    _offered = False
    _begun = 0
    _leaving = False
    _outbox: _Outbox
    _overdue: asyncio.TimerHandle | None = None
    _idle: asyncio.TimerHandle | None = None
    _idle_since = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._outbox = _outbox(self.loop)
        self._overdue = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        all_new, self._begun = not self._in_message, 0
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        if not self._in_head:
            return
        if self._begun == (1 if all_new else 0):  # else part of the data is an earlier message's
            self._head += len(data)
        if self._head > MAX_HEAD_BYTES:
            self.send_400_response("The request line and headers are too long.")
        elif self._overdue is None:
            self._overdue = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's always closes
        """Who has sent all there will be may still listen: what was asked for is answered."""
        if self._answers_last():
            return True
        self._outbox.send()
        return False

    def send_400_response(self, msg: str) -> None:
        if self._answers_last():
            return  # it would be taken for the answer to an earlier request
        self._outbox.send()
        super().send_400_response(msg)

    def _answers_last(self) -> bool:
        """Let the connection end with the answer to the last request that came whole.

        False when there is none to wait for.
        """
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        self._head, self._in_head, self._in_message = 0, True, True
        self._begun += 1
        super().on_message_begin()

    def on_chunk_header(self) -> None:
        """The chunk follows, or trailers: they end like a head, and are no headers of ours."""
        self._head, self._in_head, self.headers = 0, True, []
        self._begun += 1

    def on_body(self, body: bytes) -> None:
        if self._in_head:
            self._head_came()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._offered:
            return
        self._in_message = False
        if self._in_head:
            self._head_came()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._head_came()
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._offered = True
            return
        before = self.cycle
        if (
            (before is None or before.response_complete)
            and self.url.startswith(b"/")
            and b"#" not in self.url
            and self.parser.get_http_version() == "1.1"
        ):
            self._begin()
        else:
            super().on_headers_complete()
        if self._leaving:
            self.cycle.keep_alive = False

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol, as Java's clients do, without its offer.

        The parser takes the request's body, and what follows, for that protocol's.
        """
        self._offered = False
        version = self.parser.get_http_version().encode("ascii")
        head = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        head += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.data_received(b"\r\n".join((*head, b"", rest)))

    def _head_came(self) -> None:
        self._in_head = False
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _give_up(self) -> None:
        self._overdue = None
        if self._in_head:
            self.send_400_response("The request's head took too long.")
        else:
            self.transport.close()

    def _begin(self) -> None:
        """Start the app on a request that came when none was being answered."""
        raw_path, _, query = self.url.partition(b"?")
        path = raw_path.decode("ascii")
        scope = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        self.cycle = _Cycle(
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
        self.cycle.outbox = self._outbox
        task = self.loop.create_task(self.cycle.run_asgi(self.app))
        self.cycle.done = partial(self.tasks.discard, task)
        self.tasks.add(task)  # which a stop waits for

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        # uvicorn begins and ends a timer a request; this one looks, now and then, how long ago
        # the last was.
        self._idle_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._end_if_idle)

    def _end_if_idle(self) -> None:
        self._idle = None
        if self._in_head or (self.cycle is not None and not self.cycle.response_complete):
            return  # the answer begins another; the rest of a body that nobody reads doesn't count
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._idle = self.loop.call_later(left, self._end_if_idle)
        else:
            self.transport.close()

    def shutdown(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self._leaving = True
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class _Cycle(RequestResponseCycle):
    """One exchange. The start of an answer is kept until it is known whether more follows."""

    outbox: _Outbox
    done: Callable[[], None]
    _start: Any = None

    async def run_asgi(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            self.done()  # a callback of the task would be another turn of the loop

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            whole = self._whole(start, message)
            if whole is not None:
                self._finish(whole)
                return
            await super().send(start)
        await super().send(message)

    def _whole(self, start: Any, message: Any) -> bytes | None:
        """The answer as it goes over the wire; None when it is no plain one."""
        if (
            message.get("more_body", False)
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        ):
            return None
        body: bytes = message.get("body", b"")
        status = start["status"]
        lines = [STATUS_LINE[status]]
        length = b"0" if status in _WITHOUT_LENGTH else None
        for header in (*self.default_headers, *start["headers"]):
            line = _lines.get(header) or _line(*header)
            if line is None:
                return None
            lines.append(line)
            if header[0] == b"content-length":
                length = header[1]
        if length is None or int(length) != len(body):
            return None
        lines += (b"\r\n", body)
        return b"".join(lines)

    def _finish(self, whole: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.outbox.put(self.transport, whole)
        self.message_event.set()
        self.on_response()


class _Outbox:
    """Answers that wait for the others of the same turn of the event loop.

    Most of what a write costs is waking whoever reads at the other end. When what came together
    is answered together, one waking does for many: next to a write for each answer at once, that
    was a third of a busy worker's time. A lone request's answer leaves in the very next turn.
    """

    def __init__(self) -> None:
        self._answers: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Send an answer before the loop looks for new requests twice."""
        if not self._answers:
            asyncio.get_running_loop().call_soon(self.send)
        self._answers.append((transport, answer))

    def send(self) -> None:
        """Write what waits, in order."""
        answers, self._answers = self._answers, []
        for transport, answer in answers:
            if not transport.is_closing():
                transport.write(answer)


_outboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Outbox] = WeakKeyDictionary()


def _outbox(loop: asyncio.AbstractEventLoop) -> _Outbox:
    """The one of all connections on this loop."""
    return _outboxes.setdefault(loop, _Outbox())


_lines: dict[tuple[bytes, bytes], bytes] = {}


def _line(name: bytes, value: bytes) -> bytes | None:
    """A header as a line; None for one that isn't fit, or that says how the answer is framed."""
    if name in _FRAMING or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return None
    line = b"%s: %s\r\n" % (name, value)
    if name not in _ALWAYS_NEW:
        if len(_lines) >= _MAX_LINES:
            _lines.clear()
        _lines[name, value] = line
    return line
