"""Everything known of one number: whose it is, where it is, who holds it or held it at a time."""

from __future__ import annotations

from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Holding
from allocator.replies import UnknownPool
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Snapshot


class OverflowUse(Struct, frozen=True, kw_only=True):
    """A pool that gives this number when it is exhausted.

    ``answers``: how many it gave so in the clock hour (UTC) of the moment asked for; None when
    no moment was.
    """

    pool: str
    answers: int | None = None


class NumberReport(Struct, frozen=True, kw_only=True):
    """One number (E.164). ``owner`` is "" when no pool or stock has it.

    ``pool``: the pool it is in now, its owner or the one that its stock lent it to ("": none).
    ``holder``: who holds it now, or did at ``at`` (Unix ms) when a moment was asked for; then it
    names the pool it was in.
    """

    number: str
    owner_kind: str = ""
    owner: str = ""
    pool: str = ""
    draining: bool = False
    available_from: int | None = None
    at: int | None = None
    holder: Holding | None = None
    overflow_of: tuple[OverflowUse, ...] = ()


async def number_report(
    catalog: Catalog,
    allocator: Allocator,
    directory: Snapshot,
    number: str,
    at_ms: int | None = None,
) -> NumberReport:
    """Look a number (E.164) up everywhere; an unknown one gives a report with nothing in it."""
    owner, pool, in_stock = await catalog.locate(number, at_ms)
    holder, available_from = None, None
    if in_stock is not None:
        holder = in_stock.holding if at_ms is not None else None
        available_from = None if pool else in_stock.available_from
    if pool and holder is None:
        try:
            holder = await allocator.holder(pool, number, at_ms)
        except UnknownPool:
            holder = None
    if holder is None and at_ms is not None:
        holder = await catalog.former_holder(number, at_ms)
    return NumberReport(
        number=number,
        owner_kind=owner.kind if owner else "",
        owner=owner.id if owner else "",
        pool=pool,
        draining=owner is not None and owner.leaving,
        available_from=available_from,
        at=at_ms,
        holder=holder,
        overflow_of=await _overflow(allocator, directory, number, at_ms),
    )


async def _overflow(
    allocator: Allocator, directory: Snapshot, number: str, at_ms: int | None
) -> tuple[OverflowUse, ...]:
    uses: list[OverflowUse] = []
    for prepared in directory.overflow_pools(number):
        pool_id = prepared.pool.id
        answers = None if at_ms is None else await allocator.overflow_in_hour(pool_id, at_ms)
        uses.append(OverflowUse(pool=pool_id, answers=answers))
    return tuple(uses)
