"""Where a click came from: what reports group by, kept once for all that have it in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from ringpool.visits import tuples

_decode = msgspec.json.Decoder(dict[str, object]).decode


class Source(Struct, frozen=True):
    """A row of ``sources``. ``id`` is a hash of all else, 63 bits: who writes one needn't ask."""

    id: int
    account: str
    pool: str
    tuple: str
    search_engine: str = ""
    search_keywords: str = ""
    publisher: str = ""
    landing_page: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""


_OF_CLICK = (
    "search_engine",
    "search_keywords",
    "publisher",
    "landing_page",
    "utm_source",
    "utm_medium",
    "utm_campaign",
)


def source_of(account: str, pool: str, tuple_: str, attributes: bytes | str) -> Source:
    """Return the source of a click. ``attributes``: as the allocator keeps them, JSON; "": none."""
    known = _decode(attributes) if attributes else {}
    found = {name: str(known.get(name, "")) for name in _OF_CLICK}
    found["landing_page"] = found["landing_page"].partition("?")[0]
    found["publisher"] = tuples.parse(tuple_).get("publisher", found["publisher"])
    return _source(account, pool, tuple_, found)


def renamed(source: Source, tuple_: str) -> Source:
    """The source of another tuple's clicks, which have all else in common with this one's."""
    of_click = {name: getattr(source, name) for name in _OF_CLICK}
    return _source(source.account, source.pool, tuple_, of_click)


def _source(account: str, pool: str, tuple_: str, of_click: Mapping[str, str]) -> Source:
    text = msgspec.json.encode((account, pool, tuple_, *(of_click[name] for name in _OF_CLICK)))
    id_ = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
    return Source(id_, account, pool, tuple_, **of_click)
