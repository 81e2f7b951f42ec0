"""What this service does with HTTP that uvicorn doesn't.

The size of a request's head, and the time that it may take, are limited. A stop lets idle
connections linger. A client that has sent whole requests gets all their responses, in order,
whatever it sends after them: the end of its stream, bytes that are no request, or an offer to go
on in another protocol.
"""

from __future__ import annotations

import asyncio
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade

from api.server.uvicorn_connection import Connection

MAX_HEAD_BYTES = 128 * 1024
"""Bytes of request line and headers that are read at all; the app itself refuses far less."""

HEAD_SECONDS = 20.0
"""How long a head may take that doesn't come at once; a connection that never sends one, too."""

LINGER_SECONDS = 0.5
"""How long a stop keeps idle connections: a request already on its way is answered, not reset."""


class Protocol(Connection):
    """One connection."""

    _head_bytes = 0
    _in_head = False
    _in_message = False
    _upgrade_offered = False
    _heads_begun = 0
    _stopping = False
    _head_timer: asyncio.TimerHandle | None = None

    @property
    def receiving_head(self) -> bool:
        return self._in_head

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_timed_out)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        between_messages, self._heads_begun = not self._in_message, 0
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline_upgrade(data[offer.args[0] :])
        except HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")
        if not self._in_head:
            return
        # Count the data, unless part of it belongs to an earlier message.
        if self._heads_begun == (1 if between_messages else 0):
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The request line and headers are too long.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_timed_out)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's always closes
        """A client that sends no more may still read: it gets the responses to what it asked."""
        if self._close_after_last_response():
            return True
        self.outbox.flush()
        return False

    def send_400_response(self, msg: str) -> None:
        if self._close_after_last_response():
            return  # it would be taken for the response to an earlier request
        self.outbox.flush()
        super().send_400_response(msg)

    def _close_after_last_response(self) -> bool:
        """Let the connection end with the response to the last request that came whole.

        False when there is none to wait for.
        """
        if not self.responding or self.receiving_body:
            return False
        self.close_after_response()
        return True

    def on_message_begin(self) -> None:
        self._head_bytes, self._in_head, self._in_message = 0, True, True
        self._heads_begun += 1
        super().on_message_begin()

    def on_chunk_header(self) -> None:
        """A chunk follows, or trailers: they end as a head does, and are limited as one is."""
        self._head_bytes, self._in_head = 0, True
        self._heads_begun += 1
        self.ignore_trailers()

    def on_body(self, body: bytes) -> None:
        if self._in_head:
            self._end_head()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._upgrade_offered:
            return
        self._in_message = False
        if self._in_head:
            self._end_head()
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._end_head()
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._upgrade_offered = True
            return
        if not self.start_plain_request():
            super().on_headers_complete()
        if self._stopping:
            self.close_after_response()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read a request that offers another protocol, as Java's clients do, without its offer.

        The parser would take the request's body, and what follows, for that protocol's.
        """
        self._upgrade_offered = False
        head = self.head_without(b"upgrade")
        self.read_anew()
        self.data_received(b"\r\n".join((*head, b"", rest)))

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        self._head_timer = None
        if self._in_head:
            self.send_400_response("The request's head took too long.")
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
