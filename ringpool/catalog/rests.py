"""How long pools give nothing new after their store forgot what it may have answered.

Those of a restored store are kept beside the pools' documents, so that every service sees them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from ringpool.config.difference import Change
from ringpool.faults import Fault
from ringpool.model import Configuration, Pool
from ringpool.times import format_rfc3339

SECTION = "rests"
"""What the names of their documents begin with: ``rests/<pool id>``, ``rests/*`` for all others."""

OTHERS = "*"

Rests = Mapping[str, int]
"""Until when (Unix ms) which pool rests; ``OTHERS``: all that aren't named."""


def after(
    pools: Iterable[Pool], now: int, clocks: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Until when each pool rests from ``now`` on: for the longest guarantee that may be out.

    That is of its own and of the pools that grow from the same stock. ``clocks``: the highest time
    (Unix ms) that a pool has seen, which may be ahead.
    """
    pools = list(pools)
    ends: dict[str, int] = {}
    for pool in pools:
        shared = pool.stock_id or f"pool/{pool.id}"
        begins = max(now, (clocks or {}).get(pool.id, 0))
        end = begins + max(pool.min_duration, pool.hold)
        ends[shared] = max(ends.get(shared, 0), end)
    return {pool.id: ends[pool.stock_id or f"pool/{pool.id}"] for pool in pools}


def until(rests: Rests, pool_id: str) -> int:
    """When a pool's rest is over, Unix ms; 0: it doesn't rest now."""
    end = _end(rests, pool_id)
    return end if end > time.time() * 1000 else 0


def later(one: Rests, other: Rests) -> dict[str, int]:
    """Each pool's rest that ends later."""
    return {name: max(_end(one, name), _end(other, name)) for name in {*one, *other}}


def documents(rests: Rests) -> dict[str, str]:
    """Return rests as the catalog keeps them: text by name."""
    return {f"{SECTION}/{name}": str(end) for name, end in rests.items()}


def check(rests: Rests, wanted: Configuration, changes: Iterable[Change]) -> None:
    """Raise a Fault for a change by which a number could come into a pool that rests less long.

    A pool that is new rests as long as any.
    """
    if not rests:
        return
    places = {("pool", pool.id): f"pools[{index}]" for index, pool in enumerate(wanted.pools)}
    places |= {("stock", one.id): f"stocks[{index}]" for index, one in enumerate(wanted.stocks)}
    for change in changes:
        other_stock = any(field.field == "stock" for field in change.fields)
        if change.action != "change" or not (change.drained or other_stock):
            continue
        whose = change.id if change.kind == "pool" and not other_stock else OTHERS
        if end := until(rests, whose):
            field = "stock" if other_stock else "numbers"
            raise Fault(
                f"{places[change.kind, change.id]}.{field}",
                "the store was restored from a backup, so what its numbers were promised for isn't "
                f"known: none can go elsewhere before {format_rfc3339(end)}",
            )


def _end(rests: Rests, pool_id: str) -> int:
    return rests.get(pool_id, rests.get(OTHERS, 0))
