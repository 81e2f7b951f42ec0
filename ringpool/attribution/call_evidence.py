"""What the archive knows of who may have made a call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.tables import ASSIGNMENTS, CALL_EVENTS, CALLS, CANDIDATES, OVERFLOWS
from ringpool.attribution.evidence import MOST_HOLDERS
from ringpool.attribution.suspects import (
    RETURNING,
    Earlier,
    Row,
    Suspect,
    Suspects,
    holders_of,
    shown_of,
    suspects_of,
)

MOST_EARLIER = 8
"""So many earlier calls of a caller, the latest first, tell who they are."""

RETURN_MS = 90 * 86_400_000
"""For so long a caller is known again."""

SHOWN_MS = 7 * 86_400_000
"""For so long a visitor may call the overflow number that was shown."""

MOST_OVERFLOWS = 500
"""So many answers with an overflow number, the latest first, are looked at."""


async def told_holders(
    connection: AsyncConnection, calls: Iterable[Row]
) -> dict[tuple[str, str], str]:
    """Who held the number, by account and id of calls, as their events have it (JSON)."""
    wanted: dict[str, list[str]] = {}
    for call in calls:
        wanted.setdefault(call["account"], []).append(call["id"])
    found: dict[tuple[str, str], str] = {}
    columns = CALL_EVENTS.c.account, CALL_EVENTS.c.call, CALL_EVENTS.c.holder
    for account, ids in wanted.items():
        rows = await connection.execute(
            select(*columns)
            .where(CALL_EVENTS.c.account == account, CALL_EVENTS.c.call.in_(ids))
            .where(CALL_EVENTS.c.holder != "")
            .order_by(CALL_EVENTS.c.received_at.desc(), CALL_EVENTS.c.event)
        )
        found.update(((row.account, row.call), row.holder) for row in rows)
    return found


async def suspects(connection: AsyncConnection, call: Row, holder: str) -> Suspects:
    """Who may have made a call (a row of ``calls``). ``holder``: of ``told_holders``, or ""."""
    if call["overflow"]:
        shown = shown_of(call, await _overflows(connection, call))
    else:
        shown = holders_of(call, holder, await _assignments(connection, call))
    return suspects_of(call, shown, await _earlier(connection, call))


async def _assignments(connection: AsyncConnection, call: Row) -> Sequence[Row]:
    found = await connection.execute(
        select(ASSIGNMENTS)
        .where(ASSIGNMENTS.c.number == call["number"], ASSIGNMENTS.c.account == call["account"])
        .where(ASSIGNMENTS.c.since <= call["started_at"])
        .order_by(ASSIGNMENTS.c.since.desc())
        .limit(MOST_HOLDERS)
    )
    return found.mappings().all()


async def _overflows(connection: AsyncConnection, call: Row) -> Sequence[Row]:
    at = call["started_at"]
    found = await connection.execute(
        select(OVERFLOWS)
        .where(OVERFLOWS.c.pool == call["pool"], OVERFLOWS.c.at.between(at - SHOWN_MS, at))
        .where(OVERFLOWS.c.number == call["number"], OVERFLOWS.c.account == call["account"])
        .order_by(OVERFLOWS.c.at.desc(), OVERFLOWS.c.entry.desc())
        .limit(MOST_OVERFLOWS)
    )
    return found.mappings().all()


async def _earlier(connection: AsyncConnection, call: Row) -> list[Earlier]:
    """Whom the caller's calls before are credited to, the latest first: each to its best candidate
    but nobody."""
    if not call["caller_hash"]:
        return []
    at = call["started_at"]
    before = or_(CALLS.c.started_at < at, and_(CALLS.c.started_at == at, CALLS.c.id < call["id"]))
    calls = (
        select(CALLS.c.account, CALLS.c.id, CALLS.c.started_at, CALLS.c.number)
        .where(CALLS.c.account == call["account"], CALLS.c.caller_hash == call["caller_hash"])
        .where(CALLS.c.started_at > at - RETURN_MS, before, CALLS.c.attributed_at > 0)
        .order_by(CALLS.c.started_at.desc(), CALLS.c.id.desc())
        .limit(MOST_EARLIER)
        .subquery()
    )
    of_call = and_(CANDIDATES.c.account == calls.c.account, CANDIDATES.c.call == calls.c.id)
    # Of the two best one at least is somebody.
    best = and_(CANDIDATES.c.rank <= 2, CANDIDATES.c.source != 0)
    found = await connection.execute(
        select(CANDIDATES, calls.c.number, calls.c.started_at.label("began"))
        .select_from(calls.join(CANDIDATES, of_call))
        .where(best)
        .order_by(calls.c.started_at.desc(), calls.c.id.desc(), CANDIDATES.c.rank)
    )
    earlier: dict[str, Earlier] = {}
    for row in found.mappings():
        if row["call"] not in earlier:
            same = row["number"] == call["number"]
            earlier[row["call"]] = Earlier(_returning(row), row["probability"], row["began"], same)
    return list(earlier.values())


def _returning(row: Any) -> Suspect:
    """The candidate of an earlier call, with the click by which that came about."""
    return Suspect(
        why=RETURNING,
        pool=row["pool"],
        tuple=row["tuple"],
        source=row["source"],
        since=row["since"],
        clicks=row["clicks"],
        first_click_at=row["first_click_at"],
        last_click_at=row["last_click_at"],
        first_click=row["first_click"],
        last_click=row["last_click"],
    )
