"""Rows of an account that are older than it keeps them, deleted page by page, by index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    delete,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.tables import (
    ASSIGNMENTS,
    CALL_EVENTS,
    CALLS,
    CANDIDATES,
    OVERFLOWS,
    QUARTER_MS,
    SOURCES,
)

ROWS_A_PAGE = 500
_KEYS_A_STATEMENT = 250
_OF_SOURCES = (ASSIGNMENTS, OVERFLOWS, CALLS, CANDIDATES)


async def delete_page(connection: AsyncConnection, account: str, before: int) -> int:
    """Delete calls that began before a time (Unix ms), with all that belongs to them, or
    assignments that ended before it, or overflows; 500 at most. In the caller's transaction.

    An assignment whose end isn't known goes once its guarantee is over and its last click was
    before that time: one that stands still comes back, with all its clicks, when anything happens
    to it.

    Sources that nothing else comes from go too. Returns how many rows there were; 0: none is left.
    """
    of_it = CALLS.c.account == account
    calls = select(CALLS.c.id, CALLS.c.source).where(of_it, CALLS.c.started_at < before)
    if rows := await _page(connection, calls.order_by(CALLS.c.started_at, CALLS.c.id)):
        await _delete_calls(connection, account, [row.id for row in rows], rows)
        return len(rows)
    # By the index of reports, which has when they began.
    quarter: ColumnElement[int] = literal_column(f"(assignments.since / {QUARTER_MS})")
    assignments: Select[Any] = select(*ASSIGNMENTS.primary_key.columns, ASSIGNMENTS.c.source).where(
        ASSIGNMENTS.c.account == account,
        quarter <= before // QUARTER_MS,
        ASSIGNMENTS.c.until < before,
        or_(
            ASSIGNMENTS.c.until > 0,
            and_(ASSIGNMENTS.c.guaranteed_until < before, ASSIGNMENTS.c.last_click_at < before),
        ),
    )
    if rows := await _page(connection, assignments):
        await _delete(connection, ASSIGNMENTS, rows)
        await _delete_sources(connection, account, {row.source for row in rows})
        return len(rows)
    overflows: Select[Any] = select(*OVERFLOWS.primary_key.columns, OVERFLOWS.c.source).where(
        OVERFLOWS.c.account == account, OVERFLOWS.c.at < before
    )
    if rows := await _page(connection, overflows.order_by(OVERFLOWS.c.at)):
        await _delete(connection, OVERFLOWS, rows)
        await _delete_sources(connection, account, {row.source for row in rows})
    return len(rows)


async def _delete_calls(
    connection: AsyncConnection, account: str, ids: list[str], rows: list[Any]
) -> None:
    sources = {row.source for row in rows}
    for piece in _pieces(ids):
        of_piece = CANDIDATES.c.account == account, CANDIDATES.c.call.in_(piece)
        sources.update(await connection.scalars(select(CANDIDATES.c.source).where(*of_piece)))
        await connection.execute(delete(CANDIDATES).where(*of_piece))
        of_piece = CALL_EVENTS.c.account == account, CALL_EVENTS.c.call.in_(piece)
        await connection.execute(delete(CALL_EVENTS).where(*of_piece))
        await connection.execute(
            delete(CALLS).where(CALLS.c.account == account, CALLS.c.id.in_(piece))
        )
    await _delete_sources(connection, account, sources)


async def _page(connection: AsyncConnection, old: Select[Any]) -> list[Any]:
    return list(await connection.execute(old.limit(ROWS_A_PAGE)))


async def _delete(connection: AsyncConnection, table: Table, rows: list[Any]) -> None:
    key = list(table.primary_key.columns)
    for piece in _pieces(rows):
        keys = [tuple(row[: len(key)]) for row in piece]
        await connection.execute(delete(table).where(tuple_(*key).in_(keys)))


async def _delete_sources(connection: AsyncConnection, account: str, ids: set[int]) -> None:
    """Delete those of these sources that no row has any more."""
    used = [
        exists().where(table.c.account == account, table.c.source == SOURCES.c.id)
        for table in _OF_SOURCES
    ]
    for piece in _pieces(sorted(ids)):
        unused = [~each for each in used]
        await connection.execute(delete(SOURCES).where(SOURCES.c.id.in_(piece), *unused))


def _pieces(values: list[Any]) -> list[list[Any]]:
    """SQLite takes so many values in one statement, and no more."""
    return [
        values[start : start + _KEYS_A_STATEMENT]
        for start in range(0, len(values), _KEYS_A_STATEMENT)
    ]
