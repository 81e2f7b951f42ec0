"""How answers are written: moments, numbers, and the link that a tuple stands behind."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from ringpool import numbers


def moment(milliseconds: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC, whole seconds, never later than the moment."""
    return _moment(milliseconds // 1000)


@lru_cache(maxsize=4096)
def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=16_384)
def promo(number: str) -> tuple[str, str]:
    """National digits (``8888695345``) and the same with hyphens (``888-869-5345``)."""
    return numbers.national_digits(number), numbers.dashed(number)


def link(base_url: str, pool_id: str, tuple_text: str, also: str = "") -> str:
    """The pool's tracking link with the tuple's parameters filled in.

    A canonical tuple is a query but for the characters that a URL can't carry: its own escapes
    (``%25 %26 %3D``) stay. ``also``: further parameters, already encoded.
    """
    query = "&".join(part for part in (quote(tuple_text, safe="%&="), also) if part)
    return f"{base_url}/t/{pool_id}?{query}" if query else f"{base_url}/t/{pool_id}"
