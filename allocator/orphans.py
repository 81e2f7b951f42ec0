"""Keys of the store by what they belong to, and those removed that belong to nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from allocator.keys import CATALOG, FORMER_POOL_KEYS, pool_keys, stock_keys
from allocator.port import Store
from allocator.scripts import load, looking

_REMOVE = load("orphan")
_LOOK = looking(_REMOVE)
_KEY = re.compile(r"rp:\{(stock:)?([^{}]*)\}:(.*)", re.DOTALL)
_RATE = re.compile(r"rp:\{rate:.*\}", re.DOTALL)


class Place(NamedTuple):
    """What a key belongs to. ``kind``: pool, stock, catalog, rate; "": nobody knows."""

    kind: str
    id: str = ""


class Remains(NamedTuple):
    """``keys``: how many there are; ``last``: when a guarantee in them is over, Unix ms, or 0."""

    keys: int
    last: int
    removed: int


_decode = msgspec.msgpack.Decoder(tuple[int, int, int]).decode


def place_of(key: str) -> Place:
    """Say what a key belongs to, by its name alone."""
    if key.startswith(CATALOG) and key not in pool_keys("ringpool"):
        return Place("catalog")
    if _RATE.fullmatch(key):
        return Place("rate")
    match = _KEY.fullmatch(key)
    if match is None:
        return Place("")
    if match[1]:
        return Place("stock", match[2]) if key in stock_keys(match[2]) else Place("")
    if key in pool_keys(match[2]) or match[3] in FORMER_POOL_KEYS:
        return Place("pool", match[2])
    return Place("")


async def examine(store: Store, keys: Sequence[str], *, remove: bool = False) -> Remains:
    """Look at keys of one slot; remove them unless a guarantee of a pool runs in them."""
    ends = [place for place, key in enumerate(keys, 1) if key.endswith(("}:guard", "}:drain"))]
    script = _REMOVE if remove else _LOOK
    return Remains(*_decode(await store.run(script, keys, (int(remove), *ends))))
