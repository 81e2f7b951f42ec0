"""HTTP/1.1 as a suspicious client reads it: every response strictly, none taken for granted."""

from __future__ import annotations

import re
import socket
import time

from msgspec import Struct

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_HEAD_LIMIT = 64 * 1024


class Garbled(Exception):
    """What came back is no HTTP. The text says why."""


class Answer(Struct):
    """One response. ``headers``: names in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""

    def header(self, name: bytes) -> bytes:
        """The value of a header, b"" without it; raises Garbled when there are several."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise Garbled(f"{len(values)} headers {name.decode()}")
        return values[0] if values else b""

    @property
    def id(self) -> str:
        """The request's id, "" where the server refused what was no request."""
        return self.header(b"x-request-id").decode("latin-1")

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this response."""
        return self.header(b"connection").lower() == b"close"


def read_answer(buffer: bytearray) -> Answer | None:
    """Take the first response from what came, None while it isn't whole; raises Garbled.

    A response to HEAD has no body: its request's id ends with ``-h``.
    """
    while True:
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > _HEAD_LIMIT:
                raise Garbled("a head without end")
            return None
        answer = _read_head(bytes(buffer[:end]))
        if answer.status != 100:
            break
        del buffer[: end + 4]
    length = answer.header(b"content-length")
    if answer.status in (204, 304):
        size = 0
        if length not in (b"", b"0"):
            raise Garbled(f"{answer.status} with a length")
    elif not length.isdigit():
        raise Garbled(f"no length but {length!r}")
    else:
        size = 0 if answer.id.endswith("-h") else int(length)
    if len(buffer) < end + 4 + size:
        return None
    answer.body = bytes(buffer[end + 4 : end + 4 + size])
    del buffer[: end + 4 + size]
    return answer


def _read_head(head: bytes) -> Answer:
    first, *lines = head.split(b"\r\n")
    matched = _STATUS_LINE.fullmatch(first)
    if matched is None:
        raise Garbled(f"no status line but {first[:80]!r}")
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Garbled(f"no header but {line[:80]!r}")
        fields.append((field[1].lower(), field[2]))
    answer = Answer(int(matched[1]), fields)
    if answer.header(b"transfer-encoding"):
        raise Garbled("an answer in chunks")
    return answer


class Client:
    """One connection at a time, with a deadline for everything. ``seconds``: of one answer."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._address = (host, port)
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self.buffer = bytearray()
        self.ended = False
        self._reset = False

    @property
    def is_open(self) -> bool:
        """Whether the connection may be used for more."""
        return self._socket is not None and not self.ended

    def send(self, *pieces: bytes) -> None:
        """Send pieces, each in a packet of its own; what the service doesn't want is left."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ended = self._reset = False
            self.buffer.clear()
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except TimeoutError:
            pass  # its answer says why
        except ConnectionError:
            self._reset = True

    def end(self) -> None:
        """Tell the service that nothing more is sent."""
        assert self._socket is not None
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._reset = True

    def answer(self) -> Answer | None:
        """The next response, None at the connection's end; raises TimeoutError and Garbled."""
        assert self._socket is not None
        limit = time.monotonic() + self._seconds
        while True:
            if self.buffer and (answer := read_answer(self.buffer)) is not None:
                return answer
            if self.ended:
                if self.buffer:
                    raise Garbled(f"the connection ended inside {bytes(self.buffer[:80])!r}")
                return None
            self._socket.settimeout(max(0.001, limit - time.monotonic()))
            try:
                piece = self._socket.recv(262_144)
            except ConnectionError:
                piece, self._reset = b"", True
            if not piece:
                self.ended = True
                if self._reset:  # it closed with input unread: the network drops the rest
                    self.buffer.clear()
            self.buffer += piece

    def close(self) -> None:
        """Have no connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self.buffer.clear()
