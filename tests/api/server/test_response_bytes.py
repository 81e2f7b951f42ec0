"""Whole responses as bytes."""

from __future__ import annotations

import pytest

from api.server import response_bytes
from api.server.response_bytes import encode_response

LENGTH = (b"content-length", b"2")


def test_a_response_is_status_line_fields_and_body() -> None:
    """Each field on a line, in order."""
    encoded = encode_response(404, [(b"x-one", b"1"), LENGTH], b"no")
    assert encoded == b"HTTP/1.1 404 Not Found\r\nx-one: 1\r\ncontent-length: 2\r\n\r\nno"


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_content_needs_no_length(status: int) -> None:
    """These two have no body."""
    encoded = encode_response(status, [(b"x-one", b"1")], b"")
    assert encoded is not None
    assert encoded.endswith(b"\r\nx-one: 1\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, []),
        (200, [(b"content-length", b"3")]),
        (299, [LENGTH]),
        (200, [LENGTH, (b"connection", b"close")]),
        (200, [LENGTH, (b"transfer-encoding", b"chunked")]),
        (200, [LENGTH, (b"X-One", b"1")]),
        (200, [LENGTH, (b"x one", b"1")]),
        (200, [LENGTH, (b"x-one", b"1\r\nx-two: 2")]),
        (200, [LENGTH, (b"x-one", b"\x00")]),
    ],
)
def test_what_is_not_plain_is_left_to_uvicorn(
    status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    """No length or a wrong one, an unknown status, fields of framing or that aren't valid."""
    assert encode_response(status, headers, b"ok") is None


def test_encoded_fields_are_kept_within_bounds() -> None:
    """Values that differ each time aren't kept, and others only up to a number."""
    kept = response_bytes._fields
    kept.clear()
    for value in range(3 * response_bytes._MAX_FIELDS):
        encode_response(200, [LENGTH, (b"x-request-id", b"%d" % value)], b"ok")
    assert list(kept) == [LENGTH]
    for value in range(3 * response_bytes._MAX_FIELDS):
        encode_response(200, [LENGTH, (b"x-one", b"%d" % value)], b"ok")
        assert len(kept) <= response_bytes._MAX_FIELDS
