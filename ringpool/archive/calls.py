"""Calls in the archive: one row made of all the events of a call, and found again.

A call's row is worked out anew of all its events whenever one of them comes, so that order,
repetition and lateness make no difference (``ringpool.calls.states``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.dialects import insert
from ringpool.archive.tables import CALL_EVENTS, CALLS, CANDIDATES, OPEN_CALL
from ringpool.calls.events import CallDocument, EventKind, decode_document, encode_document
from ringpool.calls.states import CallRecord, CallState, Told, state_of
from ringpool.visits import tuples

_KEYS_A_QUERY = 500

_MADE = frozenset(CallRecord.__struct_fields__) - {"holder"}
"""What of a row is made of its events; the rest is who the call is attributed to."""

_encode = msgspec.json.Encoder().encode


class CallFilter(Struct, frozen=True, kw_only=True):
    """Which calls are wanted; None and nothing: all.

    ``since`` and ``until``: when they began (Unix ms), the second one excluded. ``values``: of the
    parameters of who is credited.
    """

    account: str | None = None
    pool: str | None = None
    number: str | None = None
    since: int | None = None
    until: int | None = None
    state: CallState | None = None
    values: Mapping[str, str] = {}


class Cursor(Struct, frozen=True, array_like=True):
    """The last call of a page."""

    started_at: Annotated[int, Meta(ge=0, le=2**53)]
    account: str
    id: str


async def merge(connection: AsyncConnection, keys: Iterable[tuple[str, str]]) -> None:
    """Work out the rows of calls anew, each (account, id), of all the events that are there.

    In the caller's transaction. Who a call is attributed to stays, unless it is another call now:
    of another time, number or pool.
    """
    wanted: dict[str, set[str]] = {}
    for account, call_id in keys:
        wanted.setdefault(account, set()).add(call_id)
    for account, ids in wanted.items():
        for piece in _pieces(sorted(ids)):
            found = await connection.execute(
                select(CALL_EVENTS).where(
                    CALL_EVENTS.c.account == account, CALL_EVENTS.c.call.in_(piece)
                )
            )
            events: dict[str, list[Told]] = {}
            for row in found:
                events.setdefault(row.call, []).append(_told(row))
            if events:
                await connection.execute(
                    _upsert(connection.dialect.name),
                    [_row(state_of(of_one)) for of_one in events.values()],
                )


async def close_overdue(
    connection: AsyncConnection, *, began_before: int, now_ms: int, most: int = 1000
) -> int:
    """Close calls that began before a time (Unix ms) and that nobody told the end of.

    Each gets an event of its own, so that what is told of it later still counts. Returns how many;
    call again while that is ``most``.
    """
    found = await connection.execute(
        select(CALLS).where(OPEN_CALL, CALLS.c.started_at < began_before).limit(most)
    )
    rows = [_closing(row, now_ms) for row in found]
    if rows:
        statement = insert(connection.dialect.name, CALL_EVENTS).on_conflict_do_nothing()
        await connection.execute(statement, rows)
        await merge(connection, [(row["account"], row["call"]) for row in rows])
    return len(rows)


async def page(
    connection: AsyncConnection, wanted: CallFilter, limit: int, after: Cursor | None = None
) -> tuple[list[Row[Any]], Cursor | None]:
    """Calls, the latest first, and the cursor of the next page (None: there is none)."""
    found = await connection.execute(
        select(CALLS)
        .where(*_conditions(wanted, connection.dialect.name), *_older(after))
        .order_by(CALLS.c.started_at.desc(), CALLS.c.account.desc(), CALLS.c.id.desc())
        .limit(limit + 1)
    )
    rows = list(found)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], Cursor(last.started_at, last.account, last.id)


async def one(connection: AsyncConnection, account: str | None, call_id: str) -> Row[Any] | None:
    """A call; of several accounts' (``account`` None) the latest."""
    found = await connection.execute(
        select(CALLS)
        .where(CALLS.c.id == call_id, *([] if account is None else [CALLS.c.account == account]))
        .order_by(CALLS.c.started_at.desc(), CALLS.c.account)
        .limit(1)
    )
    return found.first()


async def events_of(connection: AsyncConnection, account: str, call_id: str) -> list[Row[Any]]:
    """The events of a call, in the order in which they happened."""
    found = await connection.execute(
        select(CALL_EVENTS)
        .where(CALL_EVENTS.c.account == account, CALL_EVENTS.c.call == call_id)
        .order_by(CALL_EVENTS.c.at, CALL_EVENTS.c.received_at, CALL_EVENTS.c.event)
    )
    return list(found)


async def candidates_of(connection: AsyncConnection, account: str, call_id: str) -> list[Row[Any]]:
    """Who may have made a call, the best first; none where it isn't attributed yet."""
    found = await connection.execute(
        select(CANDIDATES)
        .where(CANDIDATES.c.account == account, CANDIDATES.c.call == call_id)
        .order_by(CANDIDATES.c.rank)
    )
    return list(found)


def _told(row: Row[Any]) -> Told:
    return Told(
        document=decode_document(row.document),
        received_at=row.received_at,
        pool=row.pool,
        overflow=row.overflow,
        resting=row.resting,
        holder=row.holder,
    )


def _row(call: CallRecord) -> dict[str, Any]:
    row = msgspec.structs.asdict(call)
    row["skus"] = _encode(call.skus).decode() if call.skus else ""
    row["quantities"] = _encode(call.quantities).decode() if call.quantities else ""
    del row["holder"]
    return row


def _upsert(dialect: str) -> Any:
    statement = insert(dialect, CALLS)
    new = statement.excluded
    same = and_(
        *(
            CALLS.c[name] == new[name]
            for name in ("started_at", "number", "pool", "overflow", "caller_hash")
        )
    )
    changed = {
        column.name: new[column.name]
        if column.name in _MADE
        else case((same, column), else_=new[column.name])
        for column in CALLS.columns
        if not column.primary_key
    }
    return statement.on_conflict_do_update(index_elements=["account", "id"], set_=changed)


def _closing(row: Row[Any], now_ms: int) -> dict[str, Any]:
    document = CallDocument(
        account=row.account, id=row.id, event=EventKind.CLOSED, number=row.number, at=now_ms
    )
    return {
        "account": row.account,
        "call": row.id,
        "event": EventKind.CLOSED.value,
        "at": now_ms,
        "received_at": now_ms,
        "pool": row.pool,
        "number": row.number,
        "overflow": row.overflow,
        "resting": row.resting,
        "document": encode_document(document).decode(),
        "holder": "",
    }


def _conditions(wanted: CallFilter, dialect: str) -> Iterator[ColumnElement[bool]]:
    for name in ("account", "pool", "number", "state"):
        value = getattr(wanted, name)
        if value is not None:
            yield CALLS.c[name] == str(value)
    if wanted.since is not None:
        yield CALLS.c.started_at >= wanted.since
    if wanted.until is not None:
        yield CALLS.c.started_at < wanted.until
    position = func.strpos if dialect == "postgresql" else func.instr
    for name, value in wanted.values.items():
        # Not LIKE: in SQLite it takes A for a.
        field = "&" + tuples.canonical([name], {name: value}) + "&"
        yield position("&" + CALLS.c.tuple + "&", field) > 0


def _older(after: Cursor | None) -> Iterator[ColumnElement[bool]]:
    if after is None:
        return
    started_at, account, call_id = after.started_at, after.account, after.id
    yield or_(
        CALLS.c.started_at < started_at,
        and_(CALLS.c.started_at == started_at, CALLS.c.account < account),
        and_(CALLS.c.started_at == started_at, CALLS.c.account == account, CALLS.c.id < call_id),
    )


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _KEYS_A_QUERY):
        yield ids[start : start + _KEYS_A_QUERY]
