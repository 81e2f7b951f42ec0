"""What the archive knows of who may have made calls: read for many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, false, func, or_, select
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

CallKey = tuple[str, str]
"""An account and the id of a call of its."""


async def suspects(connection: AsyncConnection, calls: Sequence[Row]) -> list[Suspects]:
    """Who may have made each of some calls (rows of ``calls``)."""
    told = await told_holders(connection, calls)
    to_pools = [call for call in calls if not call["overflow"]]
    assignments = await _assignments(connection, to_pools)
    earlier = await _earlier(connection, [call for call in calls if call["caller_hash"]])
    found: list[Suspects] = []
    for call in calls:
        key = key_of(call)
        if call["overflow"]:
            holders = shown_of(call, await _overflows(connection, call))
        else:
            holders = holders_of(call, told.get(key, ""), assignments.get(key, ()))
        found.append(suspects_of(call, holders, earlier.get(key, ())))
    return found


async def told_holders(connection: AsyncConnection, calls: Iterable[Row]) -> dict[CallKey, str]:
    """Who held the number when calls began, as their events have it (JSON)."""
    keys = [key_of(call) for call in calls]
    rows = await connection.execute(
        select(CALL_EVENTS.c.account, CALL_EVENTS.c.call, CALL_EVENTS.c.holder)
        .where(among(CALL_EVENTS.c.account, CALL_EVENTS.c.call, keys))
        .where(CALL_EVENTS.c.holder != "")
        .order_by(CALL_EVENTS.c.received_at.desc(), CALL_EVENTS.c.event)
    )
    return {(row.account, row.call): row.holder for row in rows}


def key_of(call: Row) -> CallKey:
    """By what a row of ``calls`` is known."""
    return call["account"], call["id"]


def among(
    account: ColumnElement[str], call: ColumnElement[str], keys: Iterable[CallKey]
) -> ColumnElement[bool]:
    """Whether an account and the id of a call are among these.

    Not as a list of pairs: SQLite looks those up in no index.
    """
    ids: dict[str, list[str]] = {}
    for owner, call_id in keys:
        ids.setdefault(owner, []).append(call_id)
    return or_(false(), *(and_(account == owner, call.in_(of_it)) for owner, of_it in ids.items()))


async def _assignments(
    connection: AsyncConnection, calls: Sequence[Row]
) -> dict[CallKey, list[Row]]:
    """The latest assignments of the number of each call, up to then."""
    if not calls:
        return {}
    each = ASSIGNMENTS.alias()
    oldest = (
        select(each.c.since)
        .where(each.c.number == CALLS.c.number, each.c.account == CALLS.c.account)
        .where(each.c.since <= CALLS.c.started_at)
        .order_by(each.c.since.desc())
        .offset(MOST_HOLDERS - 1)
        .limit(1)
        .scalar_subquery()
    )
    wanted = _wanted(calls, oldest)
    of_call = and_(
        ASSIGNMENTS.c.number == wanted.c.its_number,
        ASSIGNMENTS.c.account == wanted.c.its_account,
        ASSIGNMENTS.c.since.between(wanted.c.oldest, wanted.c.its_start),
    )
    return await _by_call(
        connection,
        select(ASSIGNMENTS, wanted.c.its_account, wanted.c.its_id)
        .select_from(wanted.join(ASSIGNMENTS, of_call))
        .order_by(ASSIGNMENTS.c.since.desc()),
    )


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


async def _earlier(
    connection: AsyncConnection, calls: Sequence[Row]
) -> dict[CallKey, list[Earlier]]:
    """Whom the calls of each caller before are credited to, the latest first: each to the best
    candidate but nobody."""
    if not calls:
        return {}
    each = CALLS.alias()
    oldest = (
        select(each.c.started_at)
        .where(each.c.account == CALLS.c.account, each.c.caller_hash == CALLS.c.caller_hash)
        .where(each.c.started_at > CALLS.c.started_at - RETURN_MS, each.c.attributed_at > 0)
        .where(_before(each, CALLS.c.started_at, CALLS.c.id))
        .order_by(each.c.started_at.desc())
        .offset(MOST_EARLIER - 1)
        .limit(1)
        .scalar_subquery()
    )
    wanted = _wanted(calls, func.coalesce(oldest, CALLS.c.started_at - RETURN_MS))
    before = and_(
        CALLS.c.account == wanted.c.its_account,
        CALLS.c.caller_hash == wanted.c.its_caller,
        CALLS.c.started_at >= wanted.c.oldest,
        CALLS.c.attributed_at > 0,
        _before(CALLS, wanted.c.its_start, wanted.c.its_id),
    )
    best = and_(
        CANDIDATES.c.account == CALLS.c.account,
        CANDIDATES.c.call == CALLS.c.id,
        CANDIDATES.c.rank <= 2,  # one of the two best is somebody, if anybody is
        CANDIDATES.c.source != 0,
    )
    rows = await _by_call(
        connection,
        select(
            CANDIDATES,
            CALLS.c.started_at.label("began"),
            (CALLS.c.number == wanted.c.its_number).label("same_number"),
            wanted.c.its_account,
            wanted.c.its_id,
        )
        .select_from(wanted.join(CALLS, before).join(CANDIDATES, best))
        .order_by(CALLS.c.started_at.desc(), CALLS.c.id.desc(), CANDIDATES.c.rank),
    )
    return {key: _best(of_call)[:MOST_EARLIER] for key, of_call in rows.items()}


def _wanted(calls: Sequence[Row], oldest: ColumnElement[int]) -> CTE:
    """The calls as rows of ``its_…``, with the oldest time (Unix ms) that something of it is from.

    Materialized, so that what is joined to it is looked up in an index by that time.
    """
    return (
        select(
            CALLS.c.account.label("its_account"),
            CALLS.c.id.label("its_id"),
            CALLS.c.number.label("its_number"),
            CALLS.c.caller_hash.label("its_caller"),
            CALLS.c.started_at.label("its_start"),
            func.coalesce(oldest, 0).label("oldest"),
        )
        .where(among(CALLS.c.account, CALLS.c.id, [key_of(call) for call in calls]))
        .cte("wanted")
        .prefix_with("MATERIALIZED")
    )


def _before(calls: Any, start: ColumnElement[int], call_id: ColumnElement[str]) -> Any:
    """Of rows of ``calls``, whether they are before a call."""
    same_time = and_(calls.c.started_at == start, calls.c.id < call_id)
    return or_(calls.c.started_at < start, same_time)


async def _by_call(connection: AsyncConnection, wanted: Any) -> dict[CallKey, list[Row]]:
    found: dict[CallKey, list[Row]] = {}
    for row in (await connection.execute(wanted)).mappings():
        found.setdefault((row["its_account"], row["its_id"]), []).append(row)
    return found


def _best(rows: Iterable[Row]) -> list[Earlier]:
    """``rows``: the two best candidates of earlier calls, as they are ordered."""
    earlier: dict[str, Earlier] = {}
    for row in rows:
        if row["call"] not in earlier:
            same_number = bool(row["same_number"])
            earlier[row["call"]] = Earlier(
                _returning(row), row["probability"], row["began"], same_number
            )
    return list(earlier.values())


def _returning(row: Row) -> Suspect:
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
