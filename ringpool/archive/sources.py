"""Where a click came from: what reports group by, kept once for all that have it in common."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from ringpool.visits import tuples


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


class _Click(Struct, frozen=True):
    """What of a click's attributes is its source; all else isn't even decoded."""

    search_engine: object = ""
    search_keywords: object = ""
    publisher: object = ""
    landing_page: object = ""
    utm_source: object = ""
    utm_medium: object = ""
    utm_campaign: object = ""


_NOTHING = _Click()
_decode = msgspec.json.Decoder(_Click).decode
_encode = msgspec.json.Encoder().encode


def source_of(account: str, pool: str, tuple_: str, attributes: bytes | str) -> Source:
    """Return the source of a click. ``attributes``: as the allocator keeps them, JSON; "": none."""
    known = _decode(attributes) if attributes else _NOTHING
    publisher = str(known.publisher)
    if "publisher=" in tuple_:
        publisher = tuples.parse(tuple_).get("publisher", publisher)
    rest = (
        account,
        pool,
        tuple_,
        str(known.search_engine),
        str(known.search_keywords),
        publisher,
        str(known.landing_page).partition("?")[0],
        str(known.utm_source),
        str(known.utm_medium),
        str(known.utm_campaign),
    )
    return _source(*rest)


def renamed(source: Source, tuple_: str) -> Source:
    """The source of another tuple's clicks, which have all else in common with this one's."""
    _, account, pool, _, *rest = msgspec.structs.astuple(source)
    return _source(account, pool, tuple_, *rest)


def _source(*all_but_id: str) -> Source:
    digest = hashlib.blake2b(_encode(all_but_id), digest_size=8).digest()
    return Source(int.from_bytes(digest, "big") >> 1, *all_but_id)
