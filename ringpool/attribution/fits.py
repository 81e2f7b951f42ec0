"""What attribution learned of each pool, kept in the archive; and which pools it is to learn of."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import and_, case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.dialects import insert
from ringpool.archive.tables import CALLS, FITS
from ringpool.attribution.fit import PRIOR, Fit

WINDOW_MS = 90 * 86_400_000
"""From so long attribution learns."""

LEAST_CALLS = 50
"""From fewer calls nothing is learned that isn't known of all pools."""

GROWTH = 0.2
"""With so many more calls, of those of the fit, a pool is learned of again."""

OLD_MS = 7 * 86_400_000
"""And after so long, if it was called since."""

PoolKey = tuple[str, str]
"""An account and the id of a pool of its."""

_log = structlog.get_logger("ringpool.attribution")
_decode = msgspec.json.Decoder(Fit).decode


class StoredFit(Struct, frozen=True):
    """``fitted_at``: Unix ms; 0: the prior, as nothing is learned yet, or ``unreadable``."""

    fit: Fit
    fitted_at: int
    unreadable: bool = False


NONE, UNREADABLE = StoredFit(PRIOR, 0), StoredFit(PRIOR, 0, unreadable=True)


async def read(connection: AsyncConnection, pools: Collection[PoolKey]) -> dict[PoolKey, StoredFit]:
    """What is learned of pools."""
    found = dict.fromkeys(pools, NONE)
    names = {pool for _, pool in found}
    for row in await connection.execute(select(FITS).where(FITS.c.pool.in_(names))):
        if (row.account, row.pool) in found:
            await asyncio.sleep(0)  # a large one takes a millisecond: others go first
            found[row.account, row.pool] = _stored(row.parameters, row.fitted_at)
    return found


async def discard(connection: AsyncConnection, pool: PoolKey) -> None:
    """Forget what was learned of a pool, so that it is learned anew."""
    await connection.execute(delete(FITS).where(FITS.c.account == pool[0], FITS.c.pool == pool[1]))


async def store(connection: AsyncConnection, pool: PoolKey, fit: Fit, fitted_at: int) -> None:
    """Keep what was learned of a pool at a time (Unix ms), instead of what was."""
    values = {
        "fitted_at": fitted_at,
        "calls": fit.calls,
        "parameters": msgspec.json.encode(fit).decode(),
    }
    new = insert(connection.dialect.name, FITS)
    replacing = new.on_conflict_do_update(index_elements=["account", "pool"], set_=values)
    await connection.execute(replacing, {"account": pool[0], "pool": pool[1], **values})


async def due(connection: AsyncConnection, now_ms: int) -> list[PoolKey]:
    """Which pools are to be learned of, those with the most calls first."""
    of_pool = and_(FITS.c.account == CALLS.c.account, FITS.c.pool == CALLS.c.pool)
    since = func.coalesce(FITS.c.fitted_at, 0)
    found = await connection.execute(
        select(
            CALLS.c.account,
            CALLS.c.pool,
            func.count().label("calls"),
            func.sum(case((CALLS.c.started_at > since, 1), else_=0)).label("new"),
            func.max(since).label("fitted_at"),
            func.max(func.coalesce(FITS.c.calls, 0)).label("learned"),
        )
        .select_from(CALLS.join(FITS, of_pool, isouter=True))
        .where(CALLS.c.started_at > now_ms - WINDOW_MS, CALLS.c.pool != "")
        .group_by(CALLS.c.account, CALLS.c.pool)
        .having(func.count() >= LEAST_CALLS)
        .order_by(func.count().desc(), CALLS.c.account, CALLS.c.pool)
    )
    return [
        (row.account, row.pool)
        for row in found
        if row.new >= max(1, GROWTH * row.learned) or (row.new and row.fitted_at < now_ms - OLD_MS)
    ]


async def fitted_since(connection: AsyncConnection, at: int) -> list[tuple[PoolKey, int]]:
    """Which pools were learned of since a time, and when (both Unix ms)."""
    of_pool = FITS.c.account, FITS.c.pool, FITS.c.fitted_at
    found = await connection.execute(select(*of_pool).where(FITS.c.fitted_at > at))
    return [((row.account, row.pool), row.fitted_at) for row in found]


def _stored(text: str, fitted_at: int) -> StoredFit:
    try:
        return StoredFit(_decode(text), fitted_at)
    except msgspec.MsgspecError as error:  # an older version's, say
        _log.warning("fit_unreadable", error=str(error))
        return UNREADABLE
