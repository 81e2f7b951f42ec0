"""What is asked of a pool for those who want to be told: its size, when it will be exhausted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from allocator.allocator import Allocator
from allocator.answers import PoolStatus, Swept
from allocator.transfers import Transfers
from ringpool.catalog.snapshot import PreparedPool
from ringpool.sizing.forecast import LEAST_HELD, MINUTES_READ, exhaustion


class PoolLook:
    """Each method is a call to the store or two, and raises StoreUnavailable and UnknownPool.

    ``settled``: whether no change of the configuration is under way.
    """

    def __init__(
        self,
        allocator: Allocator,
        transfers: Transfers,
        prepared: PreparedPool,
        swept: Swept,
        settled: Callable[[], Coroutine[Any, Any, bool]],
    ) -> None:
        self._allocator = allocator
        self._transfers = transfers
        self._prepared = prepared
        self._swept = swept
        self.settled = settled

    async def status(self) -> PoolStatus:
        """Count the pool."""
        return await self._allocator.status(self._prepared.pool.id)

    async def seconds_left(self) -> float | None:
        """Return in how many seconds it will likely be exhausted; None: not soon."""
        pool, rules = self._prepared.pool, self._prepared.rules
        status = await self.status()
        room = self._swept.room
        if pool.stock_id is not None and room:
            available = self._transfers.available
            room = min(room, await available(pool.stock_id, rules.of_stock))
        capacity = status.size - status.draining + room
        if status.held < LEAST_HELD * capacity:
            return None
        forecast = exhaustion(
            await self._allocator.series(pool.id, MINUTES_READ),
            held=status.held,
            capacity=capacity,
            hold_ms=max(rules.min_duration, rules.hold_on_activity),
        )
        return forecast.likely
