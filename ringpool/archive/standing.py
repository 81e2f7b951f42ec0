"""Assignments in the archive while they stand: their rows grow, until their end comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.bulk import execute_many
from ringpool.archive.dialects import insert
from ringpool.archive.tables import ASSIGNMENTS, PROGRESS

_PROGRESS = "standing"

_STAYS = ("tuple", "source", "first_click")
"""What an assignment has from its first click on. Only forgetting takes it out, from the row too;
and where the click came from stays in the row then, while the store doesn't know it any more."""

_GROWS = ("clicks", "calls", "last_click_at", "guaranteed_until")


async def upsert(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of ASSIGNMENTS, in the caller's transaction.

    One that ended completes the row of when it stood, and stays as it is from then on. One that
    stands replaces a row that has no end yet and less of something, and more of nothing.
    """
    statement = insert(connection.dialect.name, ASSIGNMENTS)
    here, new = ASSIGNMENTS.c, statement.excluded
    grown = and_(
        new.clicks >= here.clicks,
        new.calls >= here.calls,
        or_(*(new[name] > here[name] for name in _GROWS)),
    )
    completed = statement.on_conflict_do_update(
        index_elements=[column.name for column in ASSIGNMENTS.primary_key],
        set_={
            column.name: new[column.name]
            for column in here
            if not column.primary_key and column.name not in _STAYS
        },
        where=and_(here.until == 0, or_(new.until > 0, grown)),
    )
    await execute_many(connection, completed, rows)


async def note_counted(connection: AsyncConnection, until: int) -> None:
    """Note up to when (Unix ms) all clicks of assignments that stand are in; never back."""
    statement = insert(connection.dialect.name, PROGRESS)
    later = statement.excluded.at
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"at": later}, where=later > PROGRESS.c.at
        ),
        {"name": _PROGRESS, "at": until},
    )


async def counted_until(connection: AsyncConnection) -> int:
    """Up to when all clicks of assignments that stand are in (Unix ms); 0: none are yet."""
    wanted = select(PROGRESS.c.at).where(PROGRESS.c.name == _PROGRESS)
    found: int | None = (await connection.execute(wanted)).scalar()
    return found or 0
