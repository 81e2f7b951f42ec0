"""Calls as programs read them: over HTTP and from `ringpool call … --json`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import calls
from ringpool.archive.calls import CallFilter, Cursor
from ringpool.times import format_rfc3339, rfc3339_or_nothing
from ringpool.visits import tuples


class KnownCall(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call, made of all that was told of it.

    ``caller``: where the account stores callers; ``caller_hash``: by which one is known again.
    ``tuple``: who most likely made it, with ``probability``; absent: nobody, or not known yet.
    """

    id: str
    account: str
    number: str
    pool: str = ""
    state: str
    started_at: str
    answered_at: str = ""
    ended_at: str = ""
    duration_seconds: int = 0
    overflow: bool = False
    resting: str = ""
    caller: str = ""
    caller_hash: str = ""
    destination: str = ""
    outcome: str = ""
    amount: str = ""
    currency: str = ""
    reason: str = ""
    sku_list: list[str] = []
    quantity_list: list[int] = []
    tuple: dict[str, str] | None = None
    probability: float | None = None


class CallMoment(Struct, frozen=True, kw_only=True):
    """Something that was told of a call, and when it came."""

    event: str
    at: str
    received_at: str


class CallHolder(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who held a number; without ``until``, they held it when the call was told."""

    pool: str
    tuple: dict[str, str]
    assigned_at: str
    until: str = ""


class CallCandidate(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who may have made a call. ``why``: ``click`` for who held the number or was shown the
    overflow number, ``returning caller`` for whom an earlier call of the caller is credited to, or
    ``nobody``. ``clicks``: until the call, as far as is known.
    """

    why: str
    probability: float
    pool: str = ""
    tuple: dict[str, str] | None = None
    clicks: int = 0
    first_click_at: str = ""
    last_click_at: str = ""
    first_click: dict[str, str] = {}
    last_click: dict[str, str] = {}


class CallDetail(KnownCall, frozen=True, omit_defaults=True, kw_only=True):
    """A call with its events, and with who may have made it, the best first.

    ``holder``: who held the number when it began, or, where that rested, had it last.
    """

    holder: CallHolder | None = None
    events: list[CallMoment] = []
    candidates: list[CallCandidate] = []


class KnownCalls(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    calls: list[KnownCall]
    next: str = ""


class _Holder(Struct, frozen=True):
    """As the archive keeps it."""

    pool: str
    account: str
    tuple: str
    since: int
    until: int


_decode_holder = msgspec.json.Decoder(_Holder).decode
_decode_texts = msgspec.json.Decoder(list[str]).decode
_decode_counts = msgspec.json.Decoder(list[int]).decode
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode
_decode_cursor = msgspec.json.Decoder(Cursor).decode


async def known_calls(
    connection: AsyncConnection, wanted: CallFilter, limit: int, after: str = ""
) -> KnownCalls:
    """A page of calls, the latest first; raises ValueError for an ``after`` that none gave."""
    cursor = _cursor(after) if after else None
    rows, following = await calls.page(connection, wanted, limit, cursor)
    found = [KnownCall(**_fields(row)) for row in rows]
    return KnownCalls(found, _cursor_text(following) if following else "")


async def call_detail(
    connection: AsyncConnection, account: str | None, call_id: str
) -> CallDetail | None:
    """One call with all that is known of it; of several accounts' (``account`` None) the latest."""
    row = await calls.one(connection, account, call_id)
    if row is None:
        return None
    events = await calls.events_of(connection, row.account, call_id)
    candidates = await calls.candidates_of(connection, row.account, call_id)
    return CallDetail(
        **_fields(row),
        holder=_holder(row, events),
        events=[
            CallMoment(
                event=each.event,
                at=format_rfc3339(each.at),
                received_at=format_rfc3339(each.received_at),
            )
            for each in events
        ],
        # One that has become another call keeps its former candidates until it has its own.
        candidates=[_candidate(each) for each in candidates] if row.attributed_at else [],
    )


def _fields(row: Row[Any]) -> dict[str, Any]:
    known, text = row.attributed_at > 0, _tuple(row)
    return {
        "id": row.id,
        "account": row.account,
        "number": row.number,
        "pool": row.pool,
        "state": row.state,
        "started_at": format_rfc3339(row.started_at),
        "answered_at": rfc3339_or_nothing(row.answered_at),
        "ended_at": rfc3339_or_nothing(row.ended_at),
        "duration_seconds": row.duration_seconds,
        "overflow": row.overflow,
        "resting": row.resting,
        "caller": row.caller,
        "caller_hash": row.caller_hash,
        "destination": row.destination,
        "outcome": row.outcome,
        "amount": row.amount,
        "currency": row.currency,
        "reason": row.reason,
        "sku_list": _decode_texts(row.skus) if row.skus else [],
        "quantity_list": _decode_counts(row.quantities) if row.quantities else [],
        "tuple": tuples.parse(text) if text else None,
        "probability": row.probability if known else None,
    }


def _holder(call: Row[Any], events: Sequence[Row[Any]]) -> CallHolder | None:
    text = next((each.holder for each in events if each.holder), "")
    found = _decode_holder(text) if text else None
    if found is None or found.account not in ("", call.account):  # it was another account's then
        return None
    return CallHolder(
        pool=found.pool,
        tuple=tuples.parse(found.tuple),
        assigned_at=format_rfc3339(found.since),
        until=rfc3339_or_nothing(found.until),
    )


def _candidate(row: Row[Any]) -> CallCandidate:
    somebody = row.why != "nobody"
    return CallCandidate(
        why=row.why,
        probability=row.probability,
        pool=row.pool if somebody else "",
        tuple=tuples.parse(_tuple(row)) if somebody else None,
        clicks=row.clicks,
        first_click_at=rfc3339_or_nothing(row.first_click_at),
        last_click_at=rfc3339_or_nothing(row.last_click_at),
        first_click=_decode_attributes(row.first_click) if row.first_click else {},
        last_click=_decode_attributes(row.last_click) if row.last_click else {},
    )


def _tuple(row: Row[Any]) -> str:
    text: str = row._mapping["tuple"]  # a row has a method of that name
    return text


def _cursor_text(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def _cursor(text: str) -> Cursor:
    """Raises ValueError."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return _decode_cursor(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError("expected what the page before gave as next") from error
