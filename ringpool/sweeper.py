"""What needn't wait for a click, done in the background by one process at a time.

Each round: finish a configuration change whose writer died; for every pool, promote numbers whose
guarantee is over, hand on those that left, fill it when it is to be full, and tell the operator
when it ran out; for every stock, finish moves that were left half-way. Nothing depends on it for
correctness: without it, allocation does its own share at every click, and what left a pool waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from allocator.allocator import Allocator, UnknownPool
from allocator.answers import Departure, Swept
from allocator.lease import Lease
from allocator.port import Store, StoreUnavailable
from allocator.stocks import NO_HISTORY, Stocks
from ringpool.alerts import Alerts
from ringpool.catalog import Catalog
from ringpool.directory import DirectoryKeeper
from ringpool.model import Fill, Pool

ROUND_SECONDS = 1.0
_LEASE_MS = 5_000
_AT_ONCE = 8
"""Pools swept side by side: enough to keep the store's connection full, few enough to wait for."""
_MOST_SWEEPS = 20
"""Sweeps of one pool in one round, so that a pool with a large backlog can't starve the others."""
_FILL_AT_ONCE = 200
"""Numbers a pool that is to be full takes in one round."""

_T = TypeVar("_T")

_log = structlog.get_logger("ringpool.sweeper")


class Sweeper:
    """The background rounds of a service. ``run`` one in each process; one of them leads."""

    def __init__(
        self,
        store: Store,
        allocator: Allocator,
        stocks: Stocks,
        catalog: Catalog,
        keeper: DirectoryKeeper,
        alerts: Alerts,
    ) -> None:
        self._allocator = allocator
        self._stocks = stocks
        self._catalog = catalog
        self._keeper = keeper
        self._alerts = alerts
        self._lease = Lease(store, "sweeper", _LEASE_MS)
        self._leased_until = 0.0

    async def run(self) -> None:
        """Lead or wait, until cancelled; a store that is down is tried again every round."""
        try:
            while True:
                started = time.monotonic()
                try:
                    await self.round()
                except StoreUnavailable as error:
                    _log.warning("sweep_skipped", reason=str(error))
                except Exception:  # a fault in one round must not end all later ones
                    _log.exception("sweep_failed")
                await asyncio.sleep(max(0.1, ROUND_SECONDS - (time.monotonic() - started)))
        finally:
            with contextlib.suppress(StoreUnavailable):  # then it runs out by itself
                await self._lease.give_up()

    async def round(self) -> bool:
        """One round; False when another process leads."""
        if not await self._leads():
            return False
        await self._catalog.finish_pending()
        directory = self._keeper.current
        await self._all(self._pool, [prepared.pool for prepared in directory.pools.values()])
        await self._all(self._stock, list(directory.stocks))
        return True

    async def _leads(self) -> bool:
        if time.monotonic() + 2 * ROUND_SECONDS < self._leased_until:
            return True
        asked = time.monotonic()
        if not await self._lease.hold():
            return False
        self._leased_until = asked + _LEASE_MS / 1000
        return True

    async def _all(self, do: Callable[[_T], Awaitable[None]], things: Sequence[_T]) -> None:
        """Do something to many things, a few at a time, for as long as the lease is kept.

        One that fails doesn't keep its neighbours from being done; then the round ends with it.
        """
        for start in range(0, len(things), _AT_ONCE):
            some = things[start : start + _AT_ONCE]
            results = await asyncio.gather(*map(do, some), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            if not await self._leads():
                return

    async def _pool(self, pool: Pool) -> None:
        try:
            for _ in range(_MOST_SWEEPS):
                swept = await self._allocator.sweep(pool.id)
                await self._catalog.hand_on(pool.id, swept.departures)
                if not swept.more:
                    break
            if pool.fill is Fill.IMMEDIATE and pool.stock is not None:
                await self._fill(pool.id, pool.stock, swept)
            self._alerts.see(pool, swept)
        except UnknownPool:
            pass  # it was deleted since the directory was read

    async def _fill(self, pool_id: str, stock_id: str, swept: Swept) -> None:
        if not swept.room:
            return
        arrivals = await self._stocks.take(stock_id, pool_id, min(swept.room, _FILL_AT_ONCE))
        if arrivals:
            here = await self._allocator.arrive(pool_id, arrivals)
            await self._allocator.confirm(pool_id, stock_id, here)

    async def _stock(self, stock_id: str) -> None:
        for pool_id, arrival in await self._stocks.resume(stock_id):
            try:
                here = await self._allocator.arrive(pool_id, [arrival])
                await self._allocator.confirm(pool_id, stock_id, here)
            except UnknownPool:  # it was deleted while this number was on its way there
                back = Departure(arrival.number, arrival.loan, arrival.moved, NO_HISTORY)
                with contextlib.suppress(UnknownPool):
                    await self._catalog.hand_on(pool_id, [back])
