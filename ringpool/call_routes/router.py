"""Finds where a call goes. A worker remembers where numbers are, so that one trip to the store is
enough.

What it remembers may be old: the pool or stock itself says whether the number is there, in the
answer that a call needs in any case. One that has moved, or that this worker hasn't been asked for,
takes one or two trips more, to find where it is.
"""

from __future__ import annotations

from typing import NamedTuple

from allocator.allocator import Allocator
from allocator.answers import Called
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from allocator.worker.batching import AskBatcher
from allocator.worker.lru import ByteBoundedLRU
from ringpool.call_routes.call_route import CallRoute, NumberState, in_pool, without_pool
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.last_overflow import gave_last
from ringpool.catalog.snapshot import PreparedPool, Snapshot

_REMEMBERED_BYTES = 16 << 20
_ENTRY_BYTES = 250
"""Of a number and its place, about."""


class _Place(NamedTuple):
    """A pool, or a stock in which a number rests. The other is ""."""

    pool: str
    stock: str


class CallRouter:
    """Routes of calls. One a process and event loop."""

    def __init__(self, allocator: Allocator, stocks: Stocks, catalog: Catalog) -> None:
        self._allocator = allocator
        self._stocks = stocks
        self._catalog = catalog
        self._called: AskBatcher[str, Called | None] = AskBatcher(allocator.called)
        self._places: ByteBoundedLRU[str, _Place]
        self._places = ByteBoundedLRU(_REMEMBERED_BYTES, lambda _place: _ENTRY_BYTES)

    async def route(
        self, snapshot: Snapshot, number: str, caller: str = "", account: str | None = None
    ) -> CallRoute | None:
        """Find what is to be done with a call to a number (E.164); None: nobody knows the number.

        ``caller``: E.164 or "". ``account``: whose numbers alone are known; None: all. Raises
        StoreUnavailable, but not for a number whose pool this worker knows: its destination stands,
        whoever holds it.
        """
        known = self._places.get(number)
        try:
            if known is not None:
                found, route = await self._ask(known, snapshot, number, caller, account)
                if found:
                    return route
                self._places.discard(number)
            place = await self._locate(number)
            if place is not None:
                found, route = await self._ask(place, snapshot, number, caller, account)
                if found:
                    self._places.put(number, place)
                    return route
        except StoreUnavailable:
            prepared = _seen(snapshot, known.pool if known else "", account)
            if prepared is None:
                raise
            return in_pool(prepared, number, caller, NumberState.UNKNOWN, None)
        if place is not None and (prepared := _seen(snapshot, place.pool, account)):
            return in_pool(prepared, number, caller, NumberState.RESERVED, None)  # on its way there
        return await self._overflow(snapshot, number, caller, account)

    async def _locate(self, number: str) -> _Place | None:
        owner, pool, _ = await self._catalog.locate(number)
        if pool:
            return _Place(pool, "")
        return _Place("", owner.id) if owner is not None else None

    async def _ask(
        self, place: _Place, snapshot: Snapshot, number: str, caller: str, account: str | None
    ) -> tuple[bool, CallRoute | None]:
        """Whether the number is in this place, and the route that it has for this account."""
        if place.stock:
            return await self._rests(place.stock, snapshot, number, caller, account)
        try:
            called = await self._called.ask(place.pool, number)
        except UnknownPool:
            called = None
        if called is None:
            return False, None
        prepared = _seen(snapshot, place.pool, account)
        if prepared is None:
            return True, await self._overflow(snapshot, number, caller, account)
        holding = called.holding
        if prepared.fixed is not None:
            state = NumberState.STATIC
        elif called.leaving:
            state = NumberState.DRAINING
        elif holding is not None and holding.until is None:
            state = NumberState.HELD
        else:
            state = NumberState.RESERVED
        return True, in_pool(prepared, number, caller, state, called)

    async def _rests(
        self, stock_id: str, snapshot: Snapshot, number: str, caller: str, account: str | None
    ) -> tuple[bool, CallRoute | None]:
        called = await self._stocks.called(stock_id, number)
        if called is None or called.pool:
            return False, None
        stock = snapshot.stocks.get(stock_id)
        if stock is None or account not in (None, stock.account):
            return True, await self._overflow(snapshot, number, caller, account)
        # Its calls go on to where they went while it was in use.
        last = _seen(snapshot, called.holding.pool if called.holding else "", stock.account)
        if last is None:
            return True, without_pool(snapshot.accounts[stock.account], number, caller, called)
        return True, in_pool(last, number, caller, NumberState.RESTING, called)

    async def _overflow(
        self, snapshot: Snapshot, number: str, caller: str, account: str | None
    ) -> CallRoute | None:
        """The route of an overflow number: that of the pool whose destination it is.

        Where several pools that share it have different destinations: of the one that gave it last.
        """
        pools = [
            prepared
            for prepared in snapshot.overflow_pools(number)
            if account in (None, prepared.pool.account)
        ]
        if not pools:
            return None
        prepared = pools[0]
        if len({each.pool.destination for each in pools}) > 1:
            prepared = await gave_last(self._allocator, pools)
        return in_pool(prepared, number, caller, NumberState.OVERFLOW, None)


def _seen(snapshot: Snapshot, pool_id: str, account: str | None) -> PreparedPool | None:
    """The pool, if the account may see it."""
    prepared = snapshot.pools.get(pool_id)
    if prepared is None or account not in (None, prepared.pool.account):
        return None
    return prepared
