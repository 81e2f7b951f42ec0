"""How answers are written: moments, numbers, and the link that a tuple stands behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

_PLAIN = re.compile(r"[A-Za-z0-9_.~%&=-]*")
"""What ``quote`` would leave as it is."""


def moment(milliseconds: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC, whole seconds, never later than the moment."""
    return _moment(milliseconds // 1000)


@lru_cache(maxsize=4096)
def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def link(base_url: str, pool_id: str, tuple_text: str, also: str = "") -> str:
    """The pool's tracking link with the tuple's parameters filled in.

    A canonical tuple is a query but for the characters that a URL can't carry: its own escapes
    (``%25 %26 %3D``) stay. ``also``: further parameters, already encoded.
    """
    if not _PLAIN.fullmatch(tuple_text):
        tuple_text = quote(tuple_text, safe="%&=")
    query = f"{tuple_text}&{also}" if tuple_text and also else tuple_text or also
    return f"{base_url}/t/{pool_id}?{query}" if query else f"{base_url}/t/{pool_id}"
