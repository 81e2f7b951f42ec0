"""All that is known of one number: owner, place, and who holds it or held it at a time."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Holding
from allocator.replies import UnknownPool
from ringpool.archive.database import Archive
from ringpool.archive.holders import archived_holder, last_archived_holder
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Snapshot


class OverflowUse(Struct, frozen=True, kw_only=True):
    """A pool that gives this number when it is exhausted.

    ``answers``: how often it gave it in the clock hour (UTC) of the report's ``at``; None for a
    report about now.
    """

    pool: str
    answers: int | None = None


class NumberReport(Struct, frozen=True, kw_only=True):
    """One number (E.164). ``owner`` is "" when no pool or stock lists it.

    ``pool``: the pool it is in now, its owner or the one that its stock lent it to ("": none).
    ``available_from``: Unix ms from which a stock's number may be lent; None while it is lent.
    ``at``: Unix ms that the report is about; None: now. ``holder``: who holds the number now, or
    held it at ``at``; it names the pool that the number was in then. ``last``: of a number that is
    nowhere any more, who held it last, as the archive has it.
    """

    number: str
    owner_kind: str = ""
    owner: str = ""
    pool: str = ""
    draining: bool = False
    available_from: int | None = None
    at: int | None = None
    holder: Holding | None = None
    last: Holding | None = None
    overflow_of: tuple[OverflowUse, ...] = ()


async def number_report(
    catalog: Catalog,
    allocator: Allocator,
    snapshot: Snapshot,
    number: str,
    at_ms: int | None = None,
    archive: Archive | None = None,
) -> NumberReport:
    """Look a number (E.164) up everywhere; an unknown one gives a report with nothing in it.

    ``archive``: asked for who held it then, when the store doesn't know, and for who held it last,
    when it has left; raises ArchiveAway.
    """
    owner, pool, in_stock = await catalog.locate(number, at_ms)
    holder = in_stock.holding if in_stock and at_ms is not None else None
    if pool and holder is None:
        try:
            holder = await allocator.holder(pool, number, at_ms)
        except UnknownPool:
            holder = None
    if holder is None and at_ms is not None:
        holder = await catalog.former_holder(number, at_ms)
        if holder is None and archive is not None:
            holder = await archived_holder(archive, number, at_ms)
    if holder is not None and not holder.pool:
        holder = msgspec.structs.replace(holder, pool=pool)
    last = None
    if archive is not None and owner is None and not pool:
        last = await last_archived_holder(archive, number)
    return NumberReport(
        number=number,
        owner_kind=owner.kind if owner else "",
        owner=owner.id if owner else "",
        pool=pool,
        draining=owner is not None and owner.leaving,
        available_from=in_stock.available_from if in_stock and not pool else None,
        at=at_ms,
        holder=holder,
        last=last,
        overflow_of=await _overflow_uses(allocator, snapshot, number, at_ms),
    )


async def _overflow_uses(
    allocator: Allocator, snapshot: Snapshot, number: str, at_ms: int | None
) -> tuple[OverflowUse, ...]:
    uses: list[OverflowUse] = []
    for prepared in snapshot.overflow_pools(number):
        pool_id = prepared.pool.id
        answers = None if at_ms is None else await allocator.overflow_in_hour(pool_id, at_ms)
        uses.append(OverflowUse(pool=pool_id, answers=answers))
    return tuple(uses)
