"""Where a number is: who owns it, and in which pool it is now."""

from __future__ import annotations

from typing import NamedTuple

from allocator.stocks import StockPlace, Stocks
from ringpool.catalog.store import Owner


class NumberPlace(NamedTuple):
    """``pool``: its owner, or the one that its stock lent it to ("": none).

    ``in_stock``: what its stock knows of it; None for a number that no stock owns.
    """

    owner: Owner | None
    pool: str = ""
    in_stock: StockPlace | None = None


async def number_place(
    owner: Owner | None, stocks: Stocks, number: str, at_ms: int | None = None
) -> NumberPlace:
    """Find the pool of a number (E.164) whose owner is known; raises StoreUnavailable.

    ``at_ms``: the time (Unix ms) for which ``in_stock`` names the holder.
    """
    if owner is None:
        return NumberPlace(None)
    if owner.kind == "pool":
        return NumberPlace(owner, owner.id)
    place = await stocks.holder(owner.id, number, at_ms)
    return NumberPlace(owner, place.pool if place else "", place)
