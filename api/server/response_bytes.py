"""A whole HTTP/1.1 response as one piece of bytes, its header fields checked and encoded once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

_FRAMING = frozenset((b"connection", b"transfer-encoding"))
"""Fields that set where a response ends: uvicorn writes the responses that have one."""

_UNIQUE = frozenset((b"x-request-id", b"location", b"processing-time"))
"""Fields with another value each time: not kept."""

_WITHOUT_LENGTH = frozenset((204, 304))
_MAX_FIELDS = 1024

_status_lines = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode("ascii"))
    for status in HTTPStatus
}
_fields: dict[tuple[bytes, bytes], bytes] = {}


def encode_response(
    status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> bytes | None:
    """The response; None when it can't be written as one piece.

    That is so without a fitting Content-Length, and with a header that isn't valid or is one of
    ``_FRAMING``. uvicorn then writes the response, or refuses it.
    """
    status_line = _status_lines.get(status)
    if status_line is None:
        return None
    parts = [status_line]
    length = b"0" if status in _WITHOUT_LENGTH else None
    for header in headers:
        field = _fields.get(header) or _encode_field(*header)
        if field is None:
            return None
        parts.append(field)
        if header[0] == b"content-length":
            length = header[1]
    if length is None or int(length) != len(body):
        return None
    parts += (b"\r\n", body)
    return b"".join(parts)


def _encode_field(name: bytes, value: bytes) -> bytes | None:
    """A header field with its line end; None for one that isn't valid or is of ``_FRAMING``."""
    if name in _FRAMING or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return None
    field = b"%s: %s\r\n" % (name, value)
    if name not in _UNIQUE:
        if len(_fields) >= _MAX_FIELDS:
            _fields.clear()
        _fields[name, value] = field
    return field
