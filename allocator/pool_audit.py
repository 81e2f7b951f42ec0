"""Audits a live pool or stock: each number in exactly one place, indexes and counters agree."""

from __future__ import annotations

import msgspec

from allocator.keys import pool_keys, stock_keys
from allocator.paging import every_page
from allocator.port import Store
from allocator.replies import known
from allocator.scripts import clock_argument, load

# What a false member would give too early goes before anything else is mended.
_PARTS = ("free", "idle", "stale", "guard", "drain", "shelves", "tuples", "numbers")
_AT_ONCE = 200
_STOCK_PARTS = ("available", "shelves", "moving", "numbers")
_AUDIT = load("pool/audit")
_AUDIT_STOCK = load("stock/audit")


class Flaw(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a number; "" is the pool as a whole."""

    number: str
    message: str


class _Page(msgspec.Struct, array_like=True):
    cursor: str
    flaws: list[Flaw]


_decode_stock = msgspec.msgpack.Decoder(_Page).decode
_decode = msgspec.msgpack.Decoder(_Page | bool).decode


async def audit_pool(
    store: Store, pool_id: str, *, repair: bool = False, now_ms: int | None = None
) -> list[Flaw]:
    """Find what contradicts the numbers' records, and mend it where ``repair`` is given.

    Each page is one call of the store, so a pool in use has no false findings. Raises UnknownPool.
    """
    flaws: list[Flaw] = []
    for part in _PARTS:

        async def page(cursor: str, part: str = part) -> str:
            arguments = (clock_argument(now_ms), int(repair), part, cursor, _AT_ONCE)
            reply = await store.run(_AUDIT, pool_keys(pool_id), arguments)
            read: _Page = known(pool_id, _decode(reply))
            flaws.extend(read.flaws)
            return read.cursor

        await every_page(page)
    return flaws


async def audit_stock(
    store: Store, stock_id: str, *, repair: bool = False, now_ms: int | None = None
) -> list[Flaw]:
    """Find what contradicts the records of a stock's numbers, and mend it likewise."""
    flaws: list[Flaw] = []
    for part in _STOCK_PARTS:

        async def page(cursor: str, part: str = part) -> str:
            arguments = (clock_argument(now_ms), int(repair), part, cursor, _AT_ONCE)
            read = _decode_stock(await store.run(_AUDIT_STOCK, stock_keys(stock_id), arguments))
            flaws.extend(read.flaws)
            return read.cursor

        await every_page(page)
    return flaws
