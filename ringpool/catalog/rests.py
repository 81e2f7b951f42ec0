"""How long pools give nothing new after their store forgot what it may have answered.

Those of a restored store are kept beside the pools' documents, so that every service sees them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from ringpool.model import Pool

SECTION = "rests"
"""What the names of their documents begin with: ``rests/<pool id>``, ``rests/*`` for all others."""

OTHERS = "*"


def after(pools: Iterable[Pool], now: int) -> dict[str, int]:
    """Until when (ms) each pool rests from ``now`` on: for the longest guarantee that may be out.

    That is of its own and of the pools that grow from the same stock.
    """
    pools = list(pools)
    longest: dict[str, int] = {}
    for pool in pools:
        shared = pool.stock or pool.id
        guarantee = max(pool.min_duration, pool.hold_on_activity)
        longest[shared] = max(longest.get(shared, 0), guarantee)
    return {pool.id: now + longest[pool.stock or pool.id] for pool in pools}


def until(rests: Mapping[str, int], pool_id: str) -> int:
    """When a pool's rest is over, Unix ms; 0: it doesn't rest now."""
    end = rests.get(pool_id, rests.get(OTHERS, 0))
    return end if end > time.time() * 1000 else 0
