"""What needn't wait for a click, done in the background by one process at a time.

In the first round: hash API keys that were once kept as plain texts.
Each round: finish a configuration change whose writer died; for every pool that is due, promote
numbers whose guarantee is over, hand on those that left, bring it numbers ahead of need or have
those leave that it doesn't need (``pool_size``), and tell who wants to know when it ran out and the
like; for every stock that is due, finish moves that were left half-way. Then messages that are due
are sent. Beside all this (``archiving``), what pools' ledgers have goes into the archive, and what
is known of numbers that are still held (``held_assignments``); calls that never ended are closed.
Nothing depends on it for correctness: without it, allocation does its own share at every click, and
what left a pool waits.

A pool is due in the next round when it was in use since the last one or isn't finished with, at
the time that its next guarantee ends, and otherwise once in ``IDLE_SECONDS``: ten thousand pools at
rest are a thousand store calls a second, not ten thousand. So the first click after a rest, and
the overflow that it may come to, are noticed up to ten seconds late. All are due after a change of
the configuration, and for a new leader.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from allocator.allocator import Allocator
from allocator.gather import gather_limited
from allocator.lease import Lease
from allocator.ledger import Kind as AllocatorKind
from allocator.port import Store, StoreUnavailable
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from ringpool.background.archiving import Archiving
from ringpool.background.held_assignments import HeldAssignments
from ringpool.background.pool_look import PoolLook
from ringpool.background.pool_size import PoolSizes
from ringpool.background.schedule import Schedule
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import PreparedPool, SnapshotKeeper
from ringpool.model import Stock
from ringpool.notifications.notifier import Notifier

ROUND_SECONDS = 1.0
IDLE_SECONDS = 9.0
"""With the round that comes after it, nothing waits longer than ten seconds.

Nor do moves: a stock's are taken over ten seconds after they began, so each is seen in time.
"""
_LEASE_MS = 5_000
_AT_ONCE = 8
"""Pools swept side by side: enough to keep the store's connection full, few enough to wait for."""
_MAX_SWEEPS = 20
"""Sweeps of one pool in one round, so that a pool with a large backlog can't starve the others."""

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
        keeper: SnapshotKeeper,
        notifier: Notifier,
        *,
        archiving: Archiving | None = None,
        held: HeldAssignments | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allocator = allocator
        self._stocks = stocks
        self._transfers = Transfers(store)
        self._catalog = catalog
        self._keeper = keeper
        self._notifier = notifier
        self._archiving = archiving
        self._held = held
        self._clock = clock
        self._sizes = PoolSizes(allocator, self._transfers, clock)
        self._due_pools = Schedule(IDLE_SECONDS, clock)
        self._due_stocks = Schedule(IDLE_SECONDS, clock)
        self._answers_total: dict[str, int] = {}  # by pool, when it was last swept
        self._revision: int | None = None  # of the configuration that the schedules are for
        self._keys_hashed = False  # those that were once kept as plain texts
        self._lease = Lease(store, "sweeper", _LEASE_MS)
        self._leased_until = float("-inf")

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
            if self._archiving is not None:
                await self._archiving.stop()
            with contextlib.suppress(StoreUnavailable):  # then it runs out by itself
                await self._lease.give_up()

    async def round(self) -> bool:
        """One round; False when another process leads, or must."""
        if self._keeper.outdated or not await self._leads():
            return False
        if await self._catalog.finish_pending():
            self._revision = None
        if not self._keys_hashed:
            await self._catalog.hash_keys()
            self._keys_hashed = True
        directory = self._keeper.current
        if directory.revision != self._revision:
            self._start_over(directory.revision)
        await self._tell(self._notifier.begin(directory))
        pools = [directory.pools[name] for name in self._due_pools.due(directory.pools)]
        failures = await self._for_each(self._sweep_pool, pools)
        stocks = [directory.stocks[name] for name in self._due_stocks.due(directory.stocks)]
        failures += await self._for_each(self._finish_moves, stocks)
        await self._tell(self._notifier.send_due())
        if self._archiving is not None:
            self._archiving.go_on(self._account_of)
        if failures:
            raise failures[0]
        return True

    def _start_over(self, revision: int) -> None:
        self._revision = revision
        self._due_pools.clear()
        self._due_stocks.clear()
        self._answers_total.clear()
        self._sizes.start_over()

    def _account_of(self, kind: AllocatorKind, name: str) -> str:
        """Whose a pool or stock is; "" for one that isn't there any more."""
        directory = self._keeper.current
        if kind == "pool":
            prepared = directory.pools.get(name)
            return prepared.pool.account if prepared else ""
        stock = directory.stocks.get(name)
        return stock.account if stock else ""

    async def _leads(self) -> bool:
        asked = self._clock()
        if asked + 2 * ROUND_SECONDS < self._leased_until:
            return True
        if not await self._lease.hold():
            self._leased_until = float("-inf")
            return False
        if asked > self._leased_until:  # another may have led meanwhile
            self._revision = None
            self._notifier.forget()
        self._leased_until = asked + _LEASE_MS / 1000
        return True

    async def _for_each(
        self, do: Callable[[_T], Awaitable[None]], things: Sequence[_T]
    ) -> list[Exception]:
        """Do something to many things, a few at a time, for as long as the lease is kept.

        One that fails keeps no other from being done, and is due again in the next round. Returns
        the failures.
        """
        failures: list[Exception] = []
        leads = True

        async def attempt(thing: _T) -> None:
            nonlocal leads
            leads = leads and await self._leads()
            if not leads:
                return
            try:
                await do(thing)
            except Exception as error:
                failures.append(error)

        await gather_limited(attempt, things, _AT_ONCE)
        return failures

    async def _sweep_pool(self, prepared: PreparedPool) -> None:
        pool, unsettled = prepared.pool, False
        try:
            for _ in range(_MAX_SWEEPS):
                swept = await self._allocator.sweep(pool.id)
                await self._catalog.hand_on(pool.id, swept.departures)
                if not swept.more:
                    break
            if swept.ledger and self._archiving is not None:
                self._archiving.note("pool", pool.id, pool.account)
            if self._held is not None:
                self._held.note(pool.id, pool.account, swept)
            if not self._keeper.current.rests_until(pool.id):  # numbers stay where they are then
                unsettled = await self._sizes.settle(prepared, swept)
            look = PoolLook(self._allocator, self._transfers, prepared, swept, self._settled)
            await self._tell(self._notifier.observe_pool(prepared, swept, look))
        except UnknownPool:
            return  # it was deleted since the snapshot was read
        # One that wasn't seen before counts as in use too: a new revision can be seen just before
        # the numbers that it takes out are drained, and the second look finds them.
        in_use = swept.answers_total != self._answers_total.get(pool.id)
        self._answers_total[pool.id] = swept.answers_total
        self._due_pools.schedule(pool.id, 0 if in_use or unsettled else swept.due_in / 1000)

    async def _tell(self, telling: Awaitable[object]) -> None:
        """Do something about notifications: a fault in it keeps nothing else from being done."""
        try:
            await telling
        except (StoreUnavailable, UnknownPool):
            raise
        except Exception:
            _log.exception("not_told")

    async def _settled(self) -> bool:
        """Whether the configuration is as this round knows it, and no change of it under way."""
        return await self._catalog.settled_at() == self._revision

    async def _finish_moves(self, stock: Stock) -> None:
        stock_id = stock.id
        status = await self._stocks.status(stock_id)
        await self._tell(self._notifier.observe_stock(stock, status))
        if not status.moving:
            self._due_stocks.schedule(stock_id, IDLE_SECONDS)
            return
        for pool_id, departure in await self._transfers.finish_moves(stock_id):
            with contextlib.suppress(UnknownPool):  # it was deleted: it needs to note nothing
                await self._catalog.hand_on(pool_id, [departure])
        self._due_stocks.schedule(stock_id, 0)
