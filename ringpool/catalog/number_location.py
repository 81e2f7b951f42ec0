"""Where a number is: whose it is by configuration, and the pool that it is in now."""

from __future__ import annotations

from typing import NamedTuple

from allocator.stocks import StockPlace, Stocks
from ringpool.catalog.store import Owner


class NumberLocation(NamedTuple):
    """``owner``: the pool or stock that lists the number; None when none does.

    ``pool``: the id of the pool that it is in now, its owner or the one that its stock lent it
    to; "" when it is in none. ``in_stock``: what the stock knows of it, if a stock owns it.
    """

    owner: Owner | None = None
    pool: str = ""
    in_stock: StockPlace | None = None


async def locate(
    stocks: Stocks, owner: Owner | None, number: str, at_ms: int | None = None
) -> NumberLocation:
    """Find a number (E.164) whose ``owner`` the catalog knows.

    ``at_ms``: ``in_stock.holding`` is who held it then, if it had left its pool by now.
    """
    if owner is None:
        return NumberLocation()
    if owner.kind == "pool":
        return NumberLocation(owner, owner.id)
    in_stock = await stocks.holder(owner.id, number, at_ms)
    return NumberLocation(owner, in_stock.pool if in_stock else "", in_stock)
