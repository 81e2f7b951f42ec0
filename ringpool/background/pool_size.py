"""How many numbers pools have ahead of need: brought from their stocks, and given back.

A pool starts at ``initial`` numbers. With fewer unassigned ones than ``low_water`` it is brought
more, so that no click waits for one: recyclable ones don't count, as a pool grows before it
recycles. With ``autoscale`` both ways have a pace. What left is handed on by the sweeper.
"""

from __future__ import annotations

from collections.abc import Callable

from allocator.allocator import Allocator
from allocator.answers import Swept
from allocator.transfers import Transfers
from ringpool import pace
from ringpool.catalog.snapshot import PreparedPool
from ringpool.model import Fill, Pool

_SHARE = 10
"""One in so many of ``max_size`` is a pool's ``initial``, unless it says else."""

_AT_ONCE = 200
"""Most numbers that a pool is brought in one round."""

_DRY_SECONDS = 9.0
"""How long a stock that had too few is left alone; clicks ask it after a second already."""


def initial(pool: Pool) -> int:
    """How many numbers a pool starts with, and never gives back."""
    if pool.initial is not None:
        return pool.initial
    return max(1, (pool.max_size or 0) // _SHARE)


def low_water(pool: Pool) -> int:
    """With fewer unassigned numbers than this a pool is brought more: half of ``initial``."""
    return (initial(pool) + 1) // 2 if pool.low_water is None else pool.low_water


def spare(pool: Pool) -> int:
    """How many unassigned numbers it has after that."""
    return max(initial(pool), low_water(pool))


def short_of(pool: Pool, size: int, unassigned: int) -> int:
    """How many numbers a pool should be brought."""
    refill = spare(pool) - unassigned if unassigned < low_water(pool) else 0
    return max(0, initial(pool) - size, refill)


class PoolSizes:
    """What one leader does for the sizes of pools. ``clock``: seconds.

    How far a pool has grown in its present span is kept here alone: another leader begins anew.
    """

    def __init__(
        self, allocator: Allocator, transfers: Transfers, clock: Callable[[], float]
    ) -> None:
        self._allocator = allocator
        self._transfers = transfers
        self._clock = clock
        self._dry_until: dict[str, float] = {}
        self._grown: dict[str, tuple[float, int]] = {}
        self._shrinks_at: dict[str, float] = {}

    def start_over(self) -> None:
        """The configuration is another one, or others may have led meanwhile."""
        self._dry_until.clear()
        self._shrinks_at.clear()

    async def settle(self, prepared: PreparedPool, swept: Swept) -> bool:
        """Bring a pool what it is short of, or have leave what it doesn't need.

        Returns whether there is more to do at once. Raises StoreUnavailable and UnknownPool.
        """
        pool = prepared.pool
        if pool.stock_id is None:
            return False
        brought = await self._grow(prepared, pool.stock_id, swept)
        return brought or await self._shrink(pool)

    async def _grow(self, prepared: PreparedPool, stock_id: str, swept: Swept) -> bool:
        pool, now = prepared.pool, self._clock()
        if self._dry_until.get(pool.id, now) > now:
            return False
        wanted = min(self._wanted(pool, swept, now), swept.room, _AT_ONCE)
        if wanted <= 0:
            return False
        of_stock = prepared.rules.of_stock
        brought = await self._transfers.fill(
            pool.id, stock_id, wanted, of_stock, now_ms=swept.clock
        )
        if brought < wanted:
            self._dry_until[pool.id] = now + _DRY_SECONDS
        if pool.autoscale is not None:
            begun, before = self._grown[pool.id]
            self._grown[pool.id] = (begun, before + brought)
        return brought > 0

    def _wanted(self, pool: Pool, swept: Swept, now: float) -> int:
        if pool.fill is Fill.IMMEDIATE:
            return swept.room
        short = short_of(pool, swept.size, swept.unassigned)
        limit = pace.parse(pool.autoscale.grow) if pool.autoscale is not None else None
        if limit is None:
            return short
        begun, brought = self._grown.get(pool.id, (now, 0))
        if now >= begun + limit.span_ms / 1000:
            begun, brought = now, 0
        self._grown[pool.id] = (begun, brought)
        first = initial(pool) - swept.size  # which aren't growth
        return min(short, max(first, limit.of(pool.max_size or 0) - brought))

    async def _shrink(self, pool: Pool) -> bool:
        limit = pace.parse(pool.autoscale.shrink) if pool.autoscale is not None else None
        now = self._clock()
        if limit is None or self._shrinks_at.get(pool.id, now) > now:
            return False
        left, due_in = await self._allocator.shrink(
            pool.id,
            limit.of(pool.max_size or 0),
            limit.span_ms,
            fewest=initial(pool),
            spare=spare(pool),
        )
        self._shrinks_at[pool.id] = now + due_in / 1000
        return left > 0 or not due_in
