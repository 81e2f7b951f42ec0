"""Requests of carriers, for tests of their adapters."""

from __future__ import annotations

from collections.abc import Iterator

from ringpool.carriers.delivery import Delivery

NOW = 1_795_838_400
"""Unix seconds: 2026-11-28T04:00:00Z, when deliveries are received."""

URL = "https://ringpool.example/v1/carriers/twilio/newspress"


def delivery(
    body: bytes, kind: str, url: str = URL, at: int = NOW, **headers: str | bytes
) -> Delivery:
    """A delivery with these headers, whose names have hyphens for underlines."""
    named = [
        (name.replace("_", "-").encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in headers.items()
    ]
    return Delivery(url, [(b"content-type", kind.encode()), *named], body, at * 1000)


def flips(value: bytes) -> Iterator[bytes]:
    """The value with each of its bits changed, one at a time."""
    for index in range(len(value) * 8):
        changed = bytearray(value)
        changed[index // 8] ^= 1 << index % 8
        yield bytes(changed)
