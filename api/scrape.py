"""What ``/metrics`` shows: pools read from the store, written beside the event loop, kept a second.

However many ask, a worker reads its pools once at a time and once in ``KEPT_SECONDS``.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import TypeVar

from allocator.allocator import Allocator
from allocator.answers import PoolStatus, Rules
from allocator.disk_space import DiskSpace
from allocator.gather import gather_limited
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.series import Series
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from api.forecasts import Forecasts, PoolState
from api.metrics import Metrics, PoolReading, StockReading
from ringpool.archive.database import Archive, ArchiveAway
from ringpool.attribution.pool_attribution import calls_waiting
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.sizing import forecast

KEPT_SECONDS = 1.0
"""How long what was read is shown to others too."""

REVISION_SECONDS = 1.0
"""How long a scrape waits for the configuration; after that it is as it was read last."""

POOLS_SECONDS = 2.0
"""How long a scrape spends on pools; what isn't read by then is left out of it."""

FORECASTS_SECONDS = 1.0
"""How long it spends, after that, on what forecasts are made from."""

ARCHIVE_SECONDS = 1.0
"""How long it waits for the archive; what that doesn't tell by then is left out."""

MAX_READERS = 64
"""Pools that a scrape reads from the store at the same time: what a visitor's ask may wait for
there, and what the event loop does at once."""

_K = TypeVar("_K")
_R = TypeVar("_R")


class Scraper:
    """One worker's scrapes."""

    def __init__(
        self,
        allocator: Allocator,
        stocks: Stocks,
        transfers: Transfers,
        keeper: SnapshotKeeper,
        metrics: Metrics,
        space: DiskSpace | None = None,
        archive: Archive | None = None,
    ) -> None:
        self._allocator = allocator
        self._stocks = stocks
        self._transfers = transfers
        self._keeper = keeper
        self._metrics = metrics
        self._space = space
        self._archive = archive
        self._forecasts = Forecasts()
        self._under_way: asyncio.Task[bytes] | None = None
        self._text = b""
        self._read_at = -math.inf

    async def text(self) -> bytes:
        """All metrics in Prometheus' text format, read less than KEPT_SECONDS ago.

        Without the store it is what this worker knows by itself.
        """
        if time.monotonic() - self._read_at < KEPT_SECONDS:
            return self._text
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._scrape())
        # Others wait for it too: one that gives up doesn't end it.
        return await asyncio.shield(self._under_way)

    async def _scrape(self) -> bytes:
        try:
            archive_up, _ = await asyncio.gather(self._archive_answers(), self._refresh())
            current = self._keeper.current
            clock = asyncio.get_running_loop().time
            ends = clock() + POOLS_SECONDS
            statuses = await _read_all(self._allocator.status, current.pools, ends)
            stocks = []
            if up := bool(statuses) or not current.pools:
                stocks = await _read_all(self._stocks.status, current.stocks, ends)
            available = {(stock, ""): status.available for stock, status in stocks}
            kinds = {
                (rules.stock, rules.of_stock)
                for rules in (current.pools[pool].rules for pool, _ in statuses)
                if rules.of_stock
            }
            available |= await _read_all(self._available, kinds, ends)
            pools = [
                PoolState(pool, status, rules, _room(status, rules, available))
                for pool, status in statuses
                for rules in (current.pools[pool].rules,)
            ]
            due = {state.pool: state for state in self._forecasts.due(pools, time.monotonic())}
            series = await _read_all(self._series, due, clock() + FORECASTS_SECONDS)
            filling = [(due[pool], found) for pool, found in series]
            readings = [StockReading(stock, status) for stock, status in stocks]
            waiting = await self._calls_waiting() if archive_up else None
            self._text = await asyncio.to_thread(
                self._write, pools, filling, readings, up, archive_up, waiting
            )
            self._read_at = time.monotonic()
        finally:
            self._under_way = None
        return self._text

    async def _refresh(self) -> None:
        with suppress(StoreUnavailable, TimeoutError):
            await asyncio.wait_for(self._keeper.refresh(), REVISION_SECONDS)

    async def _archive_answers(self) -> bool | None:
        return await self._archive.answers(ARCHIVE_SECONDS) if self._archive is not None else None

    async def _calls_waiting(self) -> int | None:
        if self._archive is not None:
            with suppress(ArchiveAway, TimeoutError):
                return await asyncio.wait_for(calls_waiting(self._archive), ARCHIVE_SECONDS)
        return None

    async def _available(self, of_kind: tuple[str, str]) -> int:
        return await self._transfers.available(*of_kind)

    async def _series(self, pool_id: str) -> Series:
        return await self._allocator.series(pool_id, forecast.MINUTES_READ)

    def _write(
        self,
        pools: Sequence[PoolState],
        filling: Iterable[tuple[PoolState, Series]],
        stocks: Sequence[StockReading],
        up: bool,
        archive_up: bool | None,
        waiting: int | None,
    ) -> bytes:
        """Make the forecasts that are due, and write everything."""
        now = time.monotonic()
        for state, series in filling:
            self._forecasts.add(state, series, now)
        free = None
        if self._space is not None:
            with suppress(OSError):
                free = self._space.free()
        readings = [
            PoolReading(
                state.pool,
                state.status,
                state.rules.max_size or None,
                state.room,
                seconds_to_exhaustion=seconds.likely,
                seconds_to_possible_exhaustion=seconds.possible,
            )
            for state in pools
            for seconds in (self._forecasts.seconds(state.pool, now),)
        ]
        return self._metrics.exposition(
            readings,
            stocks,
            store_up=up,
            disk_free=free,
            archive_up=archive_up,
            calls_waiting=waiting,
        )


def _room(status: PoolStatus, rules: Rules, available: Mapping[tuple[str, str], int]) -> int:
    """How many numbers a pool may take from its stock, and finds there now.

    ``available``: by stock and kind, as the rules have them.
    """
    in_stock = available.get((rules.stock, rules.of_stock), 0)
    return min(in_stock, max(0, rules.max_size - status.size)) if rules.max_size else in_stock


async def _read_all(
    read: Callable[[_K], Awaitable[_R]], ids: Iterable[_K], ends: float
) -> list[tuple[_K, _R]]:
    """Ids with what is read of them, in their order, as many as the store gives until ``ends``.

    A store that is away, or a part of a cluster, isn't asked for every one: the reading ends when
    as many reads have failed as go on at the same time. ``ends``: by the event loop's clock.
    """
    found: list[tuple[_K, _R]] = []
    failures = 0

    async def read_one(name: _K) -> None:
        nonlocal failures
        try:
            found.append((name, await read(name)))
        except UnknownPool:
            pass  # deleted since the snapshot
        except StoreUnavailable:
            failures += 1
            if failures == MAX_READERS:
                raise

    with suppress(TimeoutError, StoreUnavailable):
        async with asyncio.timeout_at(ends):
            await gather_limited(read_one, ids, MAX_READERS)
    return sorted(found, key=itemgetter(0))
