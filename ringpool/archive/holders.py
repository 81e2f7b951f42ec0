"""Who held a number, when the store has forgotten it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, select

from allocator.answers import Holding
from ringpool.archive.database import Archive
from ringpool.archive.tables import ASSIGNMENTS

_OF = ASSIGNMENTS.c


async def archived_holder(archive: Archive, number: str, at_ms: int) -> Holding | None:
    """Return the assignment of a number (E.164) that stood at a time (Unix ms) and ended since.

    None when nobody held it. Pools have clocks of their own, so two may overlap: the later counts,
    as in the store. One whose end isn't known is the store's to tell of; where the store has lost
    it, it counts as long as it was guaranteed. Raises ArchiveAway.
    """
    ended = case((_OF.until > 0, _OF.until), else_=_OF.guaranteed_until)
    return await _latest(archive, _of_number(number).where(_OF.since <= at_ms, ended > at_ms))


async def last_archived_holder(archive: Archive, number: str) -> Holding | None:
    """Return the last assignment of a number that is nowhere any more; as ``archived_holder``."""
    return await _latest(archive, _of_number(number))


def _of_number(number: str) -> Select[Any]:
    return select(ASSIGNMENTS).where(_OF.number == number).order_by(_OF.since.desc()).limit(1)


async def _latest(archive: Archive, wanted: Select[Any]) -> Holding | None:
    if not archive.begun:
        return None
    async with archive.reading() as connection:
        found = (await connection.execute(wanted)).mappings().first()
    if found is None:
        return None
    return Holding(
        number=found["number"],
        pool=found["pool"],
        owner=found["account"],
        tuple=found["tuple"],
        since=found["since"],
        until=found["until"] or found["guaranteed_until"],
        guaranteed_until=found["guaranteed_until"],
        clicks=found["clicks"],
        calls=found["calls"],
        first_click=found["first_click"].encode(),
        last_click=found["last_click"].encode(),
        last_click_at=found["last_click_at"],
        serial=found["serial"],
    )
