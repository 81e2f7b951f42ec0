"""One request of a carrier's, as it came, and what was read of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ringpool.calls.events import CallEvent

FORM = "application/x-www-form-urlencoded"


class Delivery(NamedTuple):
    """``url``: the address that the carrier posted to, as it wrote it: with the public host, path
    and query. ``headers``: names in lower case. ``received_at``: Unix ms.
    """

    url: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    received_at: int

    @property
    def received_seconds(self) -> int:
        """When it was received, in Unix seconds."""
        return self.received_at // 1000

    @property
    def media_type(self) -> str:
        """What the body is, without parameters and in lower case."""
        return self.header(b"content-type").partition(";")[0].strip().lower()

    def header(self, name: bytes) -> str:
        """Return the first header of this name, "" when there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def each(self, name: bytes) -> list[str]:
        """Return the values of all headers of this name, which have commas between them."""
        whole = ",".join(value.decode("latin-1") for key, value in self.headers if key == name)
        return [value.strip() for value in whole.split(",") if value.strip()]


class Told(NamedTuple):
    """The events that a delivery tells, or why there are none: it isn't about an inbound call."""

    events: tuple[CallEvent, ...] = ()
    ignored: str = ""
