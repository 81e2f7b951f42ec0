"""How well a pool's calls are attributed, and what would mend it."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import BigInteger, case, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.database import Archive
from ringpool.archive.tables import CALLS, QUARTER_MS, WAITING_CALL
from ringpool.attribution import fits
from ringpool.attribution.fits import PoolKey
from ringpool.attribution.verdict import LEAST_CALLS, SURE, verdict
from ringpool.times import Duration

_QUARTER_MS = literal_column(str(QUARTER_MS), BigInteger())

DAYS = 30
"""The latest calls: of so many days."""


class Attribution(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``calls``: those of the last DAYS that are attributed. ``sure_share``: of them, those whose
    best candidate has SURE or more; None: there are none.

    ``median_delay_seconds``: from click to call, as it was learned; None: not yet. ``can_tell``:
    whether the pool tells its sources apart; None: too few calls to say. ``least_duration``: what
    its minimum duration should be at least, as ``10m``; "": unknown. ``text``: a sentence or two.
    """

    calls: int
    text: str
    sure_share: float | None = None
    median_delay_seconds: float | None = None
    can_tell: bool | None = None
    least_duration: str = ""


async def pool_attribution(
    archive: Archive, pool: PoolKey, min_duration_ms: int, now_ms: int
) -> Attribution:
    """Look at the calls of the last days, up to Unix ms, and at what was learned.

    Raises ArchiveAway.
    """
    if not archive.begun:
        return _judged(0, 0, fits.NONE, min_duration_ms)
    async with archive.reading() as connection:
        calls, sure = await _counted(connection, pool, now_ms - DAYS * 86_400_000)
        learned = (await fits.read(connection, [pool]))[pool]
    return _judged(calls, sure, learned, min_duration_ms)


async def calls_waiting(archive: Archive) -> int:
    """How many calls wait to be attributed; raises ArchiveAway."""
    if not archive.begun:
        return 0
    async with archive.reading() as connection:
        found = await connection.execute(
            select(func.count()).select_from(CALLS).where(WAITING_CALL)
        )
        return int(found.scalar_one())


async def _counted(connection: AsyncConnection, pool: PoolKey, since: int) -> tuple[int, int]:
    sure = func.sum(case((CALLS.c.probability >= SURE, 1), else_=0))
    found = await connection.execute(
        select(func.count(), func.coalesce(sure, 0))
        .where(CALLS.c.account == pool[0], CALLS.c.pool == pool[1])
        # By quarters of an hour: that index has all that is asked for.
        .where(CALLS.c.started_at // _QUARTER_MS >= since // QUARTER_MS)
        .where(CALLS.c.attributed_at > 0)
    )
    row = found.one()
    return row[0], row[1]


def _judged(calls: int, sure: int, learned: fits.StoredFit, min_duration_ms: int) -> Attribution:
    share = sure / calls if calls else None
    found = verdict(learned.fit, min_duration_ms, share)
    text = found.sentence
    if found.can_tell is None:
        text = (
            f"Whether it tells its sources apart is said once it has learned from {LEAST_CALLS} "
            f"calls how long after a click people call: {learned.fit.calls} so far."
        )
    least = found.least_duration_ms
    return Attribution(
        calls=calls,
        text=text,
        sure_share=share,
        median_delay_seconds=round(learned.fit.median_seconds, 1) if learned.fitted_at else None,
        can_tell=found.can_tell,
        least_duration=str(Duration(least)) if least else "",
    )
