"""Which of several pools that share an overflow number gave it last."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.allocator import Allocator
from allocator.gather import gather_limited
from allocator.replies import UnknownPool
from ringpool.catalog.snapshot import PreparedPool

_HANDED_ON_MS = 1000
"""A pool is asked so soon, at most, after the one that falls back on it has refused."""

_AT_ONCE = 8


async def gave_last(allocator: Allocator, pools: Sequence[PreparedPool]) -> PreparedPool:
    """Return the pool that gave the overflow number last, of at least one that share it.

    A pool that was only asked since another one falls back on it gave none: the first one's
    overflow number is shown then. Raises StoreUnavailable.
    """
    if len(pools) == 1:
        return pools[0]

    async def refused_at(prepared: PreparedPool) -> int:
        try:
            return (await allocator.status(prepared.pool.id)).last_overflow
        except UnknownPool:  # it was deleted just now
            return 0

    times = await gather_limited(refused_at, pools, _AT_ONCE)
    refused = {prepared.pool.id: at for prepared, at in zip(pools, times, strict=True)}
    last = max(pools, key=lambda prepared: refused[prepared.pool.id])
    handed_on = [
        prepared
        for prepared in pools
        if any(other.pool.id == last.pool.id for other in prepared.fallbacks)
        and refused[prepared.pool.id] + _HANDED_ON_MS >= refused[last.pool.id]
    ]
    # Of a chain, the pool that was asked first: it falls back on all the others.
    return max(handed_on, key=lambda prepared: len(prepared.fallbacks), default=last)
