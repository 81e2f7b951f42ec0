"""What ``/metrics`` shows: pools read from the store, written beside the event loop, kept a second.

However many ask, a worker reads its pools once at a time and once in ``KEPT_SECONDS``.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress

from allocator.allocator import Allocator
from allocator.answers import PoolStatus
from allocator.gather import gather_limited
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from api.metrics import Metrics
from ringpool.catalog.snapshot import SnapshotKeeper

KEPT_SECONDS = 1.0
"""How long what was read is shown to others too."""

REVISION_SECONDS = 1.0
"""How long a scrape waits for the configuration; after that it is as it was read last."""

POOLS_SECONDS = 2.0
"""How long a scrape spends on pools; what isn't read by then is left out of it."""

MAX_READERS = 64
"""Pools that a scrape reads from the store at the same time: what a visitor's ask may wait for
there, and what the event loop does at once."""


class Scraper:
    """One worker's scrapes."""

    def __init__(self, allocator: Allocator, keeper: SnapshotKeeper, metrics: Metrics) -> None:
        self._allocator = allocator
        self._keeper = keeper
        self._metrics = metrics
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
            with suppress(StoreUnavailable, TimeoutError):
                await asyncio.wait_for(self._keeper.refresh(), REVISION_SECONDS)
            pools = await self._statuses()
            up = bool(pools) or not self._keeper.current.pools
            exposition = self._metrics.exposition
            self._text = await asyncio.to_thread(exposition, pools, store_up=up)
            self._read_at = time.monotonic()
        finally:
            self._under_way = None
        return self._text

    async def _statuses(self) -> list[tuple[str, PoolStatus]]:
        """Every pool's status, as many as the store gives within POOLS_SECONDS.

        A store that is away, or a part of a cluster, isn't asked for every pool: the scrape ends
        when as many reads have failed as go on at the same time.
        """
        found: list[tuple[str, PoolStatus]] = []
        failures = 0

        async def read(pool_id: str) -> None:
            nonlocal failures
            try:
                found.append((pool_id, await self._allocator.status(pool_id)))
            except UnknownPool:
                pass  # deleted since the snapshot
            except StoreUnavailable:
                failures += 1
                if failures == MAX_READERS:
                    raise

        with suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(POOLS_SECONDS):
                await gather_limited(read, self._keeper.current.pools, MAX_READERS)
        return sorted(found, key=lambda pair: pair[0])
