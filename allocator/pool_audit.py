"""Audits a live pool or stock: each number in exactly one place, indexes and counters agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from allocator.keys import pool_keys, stock_keys
from allocator.paging import every_page
from allocator.port import Store
from allocator.replies import known
from allocator.scripts import clock_argument, load, looking

POOL_PARTS = (
    # What a false member would give too early goes before anything else is mended.
    *("state", "free", "idle", "stale", "tuples", "guard", "drain", "shelves", "numbers"),
    *("history", "clicks", "calls", "calls_by_time", "outbox", "networks", "series"),
)
STOCK_PARTS = ("kinds", "available", "shelves", "moving", "numbers", "history")

_AT_ONCE = 100
_AUDIT = load("pool/audit")
_AUDIT_STOCK = load("stock/audit")
_LOOK, _LOOK_AT_STOCK = looking(_AUDIT), looking(_AUDIT_STOCK)


class Flaw(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a number; "" is the pool as a whole. ``mended``: 1 or 0."""

    number: str
    message: str
    mended: int = 0


class _Page(msgspec.Struct, array_like=True):
    cursor: str
    flaws: list[Flaw]
    looked_at: int


_decode_stock = msgspec.msgpack.Decoder(_Page).decode
_decode = msgspec.msgpack.Decoder(_Page | bool).decode


def _unseen(_: int) -> None:
    """Called with how many entries of a page were looked at."""


async def audit_pool(
    store: Store,
    pool_id: str,
    *,
    repair: bool = False,
    seen: Callable[[int], None] = _unseen,
    now_ms: int | None = None,
) -> list[Flaw]:
    """Find what contradicts the numbers' records, and mend it where ``repair`` is given.

    Each page is one call of the store, so a pool in use has no false findings. Raises UnknownPool.
    """
    script = _AUDIT if repair else _LOOK

    async def read(part: str, cursor: str) -> _Page:
        arguments = (clock_argument(now_ms), int(repair), part, cursor, _AT_ONCE)
        page: _Page = known(
            pool_id, _decode(await store.run(script, pool_keys(pool_id), arguments))
        )
        return page

    return await _all_pages(POOL_PARTS, read, seen)


async def audit_stock(
    store: Store,
    stock_id: str,
    *,
    repair: bool = False,
    seen: Callable[[int], None] = _unseen,
    now_ms: int | None = None,
) -> list[Flaw]:
    """Find what contradicts the records of a stock's numbers, and mend it likewise."""
    script = _AUDIT_STOCK if repair else _LOOK_AT_STOCK

    async def read(part: str, cursor: str) -> _Page:
        arguments = (clock_argument(now_ms), int(repair), part, cursor, _AT_ONCE)
        return _decode_stock(await store.run(script, stock_keys(stock_id), arguments))

    return await _all_pages(STOCK_PARTS, read, seen)


async def _all_pages(
    parts: Sequence[str],
    read: Callable[[str, str], Awaitable[_Page]],
    seen: Callable[[int], None],
) -> list[Flaw]:
    """The flaws of each part, page by page, until one says that nothing else can be looked at."""
    flaws: list[Flaw] = []
    can_go_on = True

    async def page(part: str, cursor: str) -> str:
        nonlocal can_go_on
        found = await read(part, cursor)
        flaws.extend(found.flaws)
        can_go_on = found.looked_at >= 0
        seen(max(0, found.looked_at))
        return found.cursor

    for part in parts:
        await every_page(partial(page, part))
        if not can_go_on:
            break
    return flaws
