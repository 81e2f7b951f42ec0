"""What this service does with HTTP that uvicorn doesn't.

A client can't hold it up: the size of a request's head is limited, and so is the time that heads,
bodies and the reading of responses may take; of requests that are sent ahead no more are read than
fit ``PIECE_BYTES``, until they are being answered. A stop lets idle connections linger. A client
that has sent whole requests gets all their responses, in order, whatever it sends after them: the
end of its stream, bytes that are no request, or an offer to go on in another protocol.
"""

from __future__ import annotations

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade

from api.server.uvicorn_connection import LARGE_BYTES, Connection
from api.server.watch import Watch, watch_of

MAX_HEAD_BYTES = 128 * 1024
"""Bytes of request line and headers that are read at all; the app itself refuses far less."""

HEAD_SECONDS = 20.0
"""How long a head may take that doesn't come at once; a connection that never sends one, too."""

BODY_SECONDS = 20.0
"""How long a request may take whose body doesn't come at once, and longer at ``LEAST_RATE``."""

READER_SECONDS = 20.0
"""How long a client may leave a response unread, and longer at ``LEAST_RATE``."""

LEAST_RATE = 4096
"""Bytes a second that a client must send, or read, where there is more than a little."""

PIECE_BYTES = 1024
"""How much is read ahead of the request that is being answered: 40 of the shortest requests."""

WAITING_BYTES = 4096
"""About what a short request occupies that waits to be answered."""

LINGER_SECONDS = 0.5
"""How long a stop keeps idle connections: a request already on its way is answered, not reset."""


class _Refused(Exception):
    """A head that HTTP's grammar allows and HTTP doesn't. The message is for the client."""


class Protocol(Connection):
    """One connection."""

    watch: Watch
    _head_bytes = 0
    _body_bytes = 0
    _body_seen = 0
    _hosts = 0
    _in_head = False
    _in_message = False
    _head_done = False
    _upgrade_offered = False
    _heads_begun = 0
    _stopping = False
    _broken = False
    _unparsed = b""
    _message_since = 0.0
    _unread_since = 0.0
    _most_unread = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        services = self.app_state.get("services")
        self.watch = (
            watch_of(self.loop, services.metrics.count_cut_off) if services else watch_of(self.loop)
        )
        if not self.watch.add(self, self.max_connections):
            self._refuse(503, "All connections are taken, try again.")

    def connection_lost(self, exc: Exception | None) -> None:
        self.watch.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if self.flow.held:  # it was on its way when the reading was paused
            self._unparsed += data
            return
        if len(data) > PIECE_BYTES:
            if len(data) > LARGE_BYTES:
                self.flow.pause_reading()  # `read_on` lets it wait its turn
            self._unparsed = data
            self.read_on()
            return
        self._parse(data)
        if self.pipeline:
            self.flow.hold()
        if self._in_message or self.pipeline:
            self._note_unfinished()

    def read_on(self) -> None:
        """Parse what has come, up to the next piece with requests that must wait; then read on."""
        if not self.responding:
            self._body_bytes = 0  # what more comes of it is thrown away
        data, done = self._unparsed, 0
        while done < len(data) and not self.pipeline and not self._broken:
            size = max(PIECE_BYTES, self._body_left())
            self._parse(data[done : done + size])
            done += size
        self._unparsed = b"" if self._broken else data[done:]
        if self.pipeline or self._broken:
            self.flow.hold()
        else:
            self.flow.release()
        if self._in_message or self.pipeline:
            self._note_unfinished()
        elif self.more_came:
            self.more_came = False
            self.watch.answered(self)

    def _body_left(self) -> int:
        """How much of the body is still to come, where that is known: nothing else is before it."""
        if not (self._in_message and self._head_done):
            return 0
        for name, value in self.headers:  # the parser has checked them
            if name == b"content-length":
                return int(value) - self._body_seen
        return 0

    def _parse(self, data: bytes) -> None:
        """Feed the parser; what it refuses is answered."""
        between_messages, self._heads_begun = not self._in_message, 0
        rest = data
        while rest and not self._broken:
            try:
                self.parser.feed_data(rest)
                break
            except HttpParserUpgrade as offer:
                rest = self._without_offer(rest[offer.args[0] :])
            except HttpParserError as error:
                refused = error.__context__
                self.watch.tell("malformed")
                text = str(refused) if isinstance(refused, _Refused) else "Invalid HTTP request."
                self.send_400_response(text)
        if not self._in_head or self._broken:
            return
        # Count the data, unless part of it belongs to an earlier message.
        if self._heads_begun == (1 if between_messages else 0):
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The request line and headers are too long.")

    def _note_unfinished(self) -> None:
        """Take the time of what hasn't come whole, and count what waits."""
        if self._in_message and not self._message_since:
            self._message_since = self.loop.time()
        self.more_came = True
        waiting = WAITING_BYTES * len(self.pipeline) + len(self._unparsed)
        self.watch.occupies(self, waiting + self._head_bytes + self._body_bytes)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's always closes
        """A client that sends no more may still read: it gets the responses to what it asked."""
        if self._close_after_last_response():
            return True
        self.outbox.flush()
        return False

    def send_400_response(self, msg: str) -> None:
        self._broken = True
        self._message_since = 0.0
        if self._close_after_last_response():
            self.flow.hold()
            return  # it would be taken for the response to an earlier request
        self._refuse(400, msg)

    def _refuse(self, status: int, text: str) -> None:
        """Answer, in place of the app, the request that is coming, and close the connection.

        The response is dropped when it could be taken for part of another.
        """
        self._broken = True
        self._unparsed = b""
        self.let_go()
        if self.transport.is_closing():
            return
        self.outbox.flush()
        if not self.pipeline and not (self.responding and self.cycle.response_started):
            self.transport.write(_REFUSALS[status] % (len(text), text.encode("ascii")))
        if status == 503 and self.transport.get_write_buffer_size():
            self.transport.abort()  # what it occupies is needed for others
        else:
            self.transport.close()  # once earlier answers are read, while ``check`` allows

    def _close_after_last_response(self) -> bool:
        """Let the connection end with the response to the last request that came whole.

        False when there is none to wait for.
        """
        if not self.responding:
            return False
        if self.receiving_body:
            if not self.pipeline:
                return False
            self.drop_unfinished()
            if not self.responding:  # it was all that waited
                return False
        self.close_after_response()
        return True

    def on_message_begin(self) -> None:
        self._head_bytes = self._body_bytes = self._body_seen = self._hosts = 0
        self._in_head = self._in_message = True
        self._head_done = False
        self._heads_begun += 1
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_chunk_header(self) -> None:
        """A chunk follows, or trailers: they end as a head does, and are limited as one is."""
        self._head_bytes, self._in_head = 0, True
        self._heads_begun += 1
        self.ignore_trailers()

    def on_body(self, body: bytes) -> None:
        self._in_head = False
        self._body_seen += len(body)
        if not self.cycle.response_complete:
            self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrade_offered:
            return
        self._in_head = self._in_message = False
        self._message_since = 0.0
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_done = True
        version: str = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):  # the parser takes 0.9, without one, and 2.0
            raise _Refused("Send HTTP/1.1.")
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            raise _Refused("A request has one Host header.")
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._upgrade_offered = True
            return
        if not self.start_plain_request(version):
            super().on_headers_complete()
        if self._stopping:
            self.close_after_response()

    def _without_offer(self, rest: bytes) -> bytes:
        """A request that offers another protocol, as Java's clients do, without its offer.

        The parser would take the request's body, and what follows, for that protocol's.
        """
        if not self._upgrade_offered:  # CONNECT: what follows isn't for us
            self.send_400_response("There is nothing to connect to.")
            return b""
        self._upgrade_offered = False
        head = self.head_without(b"upgrade")
        self.read_anew()
        return b"\r\n".join((*head, b"", rest))

    @property
    def waits_for_client(self) -> bool:
        """Whether the client has yet to send, or to read, before anything goes on here."""
        return not self.responding or self.receiving_body or self.flow.write_paused

    @property
    def rank(self) -> tuple[bool, float]:
        """Those that keep us waiting come before those that are idle; among equals, the oldest."""
        since = self._unread_since or self._message_since
        idle = not since and self.answering is not None
        return idle, since or self.answered_at

    def check(self, now: float) -> int:
        """Close the connection if its client is too late; returns the bytes that wait for it."""
        unread = self.transport.get_write_buffer_size()
        if unread:
            self._most_unread = max(unread, self._most_unread)
            self._unread_since = self._unread_since or now
            if now - self._unread_since > READER_SECONDS + self._most_unread / LEAST_RATE:
                self.watch.tell("slow_reader")
                self.transport.abort()
                return 0
        else:
            self._unread_since = self._most_unread = 0
        if self.transport.is_closing():
            return unread
        if self._message_since:
            self._check_message(now)
        elif not self.responding:
            limit = HEAD_SECONDS if self.answering is None else self.timeout_keep_alive
            if now - self.answered_at > limit:
                self.transport.close()
        return unread

    def _check_message(self, now: float) -> None:
        """Close the connection if a request has been coming for too long."""
        took = now - self._message_since
        if self.flow.read_paused and not self._broken:
            self._message_since = now  # it's us who don't read
        elif not self._head_done:
            if took > HEAD_SECONDS:
                self.watch.tell("slow_head")
                self.send_400_response("The request's head took too long.")
        elif not self.responding:
            # It was answered before its body came. That nobody reads doesn't count.
            if now - self.answered_at > self.timeout_keep_alive:
                self.transport.close()
        elif took > BODY_SECONDS + self._body_bytes / LEAST_RATE:
            self.watch.tell("slow_body")
            self._refuse(408, "The request's body took too long.")

    def resume_writing(self) -> None:
        """The client has read most of what waited for it."""
        self._unread_since = self._most_unread = 0
        super().resume_writing()

    def make_way(self) -> None:
        """Close the connection in favour of others."""
        if self._message_since or self.flow.held:
            self._refuse(503, "The service is busy, try again.")
        elif self.flow.write_paused:
            self.transport.abort()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        if self.responding:
            self.close_after_response()
        else:
            self._stopping = True
            self.loop.call_later(LINGER_SECONDS, self._close_unless_responding)

    def _close_unless_responding(self) -> None:
        if not self.responding:
            self.transport.close()


_REFUSALS = {
    status: b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %%d\r\nconnection: close\r\n%b\r\n%%b" % (line, more)
    for status, line, more in (
        (400, b"400 Bad Request", b""),
        (408, b"408 Request Timeout", b""),
        (503, b"503 Service Unavailable", b"retry-after: 1\r\n"),
    )
}
