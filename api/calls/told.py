"""For carriers and call centres: tells of calls, one event or a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from api.http import replies
from api.http.description import INVALID_JSON, Operation, content, named, too_large
from api.http.documents import NOT_AN_OBJECT, converted, parsed_object
from api.http.refusals import refusal
from api.http.replies import FieldFault, Reply
from api.http.request import Request
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.number_lookup import unknown_number
from ringpool.aside import aside
from ringpool.calls.events import CallEvent, CallReport, EventKind, checked
from ringpool.calls.recording import Recorded
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault, Faults
from ringpool.model import Scope
from ringpool.times import format_rfc3339
from ringpool.visits import tuples

MAX_ROWS = 1_000
MAX_BODY_BYTES = 2 * 1024 * 1024

_VALUES_A_ROW = 10


class CallError(Struct, frozen=True, rename={"class_": "class"}):
    """Why a row of a batch wasn't recorded. ``class_`` is written ``class``."""

    class_: str
    detail: str
    errors: tuple[FieldFault, ...] = ()


class CallReply(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whom a call is credited to. ``counted`` false: this id was counted before, or is an outcome's
    alone. ``recorded`` false: this event of it was told before. ``event``: absent for ``started``.

    Without ``tuple``, nobody held the number then; ``overflow``: it is the overflow number.
    """

    id: str
    event: str = ""
    number: str = ""
    pool: str = ""
    stock: str = ""
    counted: bool
    recorded: bool = True
    overflow: bool = False
    resting: str = ""
    tuple: dict[str, str] | None = None
    assigned_at: str = ""
    calls: int = 0
    error: CallError | None = None


class CallReplies(Struct, frozen=True):
    """The answers to a batch, in the order of its events."""

    results: list[CallReply]


class _Row(NamedTuple):
    """A row of a batch: its event, or what is wrong with it."""

    id: str
    event: CallEvent | None
    faults: tuple[Fault, ...] = ()


async def tell(request: Request) -> Reply:
    """Record an event or a batch; answers with whose calls they are."""
    caller = authenticate(request)
    return await record_body(request, await request.document(MAX_BODY_BYTES), caller)


async def record_body(request: Request, body: bytes, caller: Caller) -> Reply:
    """Record what the body tells, one event or a batch; raises Refusal and Faults."""
    recorder = request.services.recorder
    document = parsed_object(body)
    if "calls" in document:
        rows = await _rows(document, recorder.now_ms())
        return replies.json(CallReplies(await _record_rows(request, rows, caller)))
    event = checked(converted(document, CallReport), recorder.now_ms())
    return replies.json(await record_one(request, event, caller))


async def record_one(request: Request, event: CallEvent, caller: Caller) -> CallReply:
    """Record an event; raises Refusal 404."""
    (recorded,) = await request.services.recorder.record([event], caller.account)
    if recorded.credit is None:
        raise unknown_number(event.number)
    return reply_of(recorded, caller, request.services.snapshot)


async def _rows(document: dict[str, Any], now_ms: int) -> list[_Row]:
    """The rows of a batch; raises Faults for what isn't one."""
    found = document["calls"]
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_ROWS or len(document) > 1:
        expected = f'expected {{"calls": […]}} with 1 to {MAX_ROWS:,} events, and nothing else'
        raise Faults([Fault("calls", expected)])
    return await aside(len(found) * _VALUES_A_ROW, _read_rows, found, now_ms)


def _read_rows(found: Sequence[object], now_ms: int) -> list[_Row]:
    return [_read_row(value, now_ms) for value in found]


def _read_row(value: object, now_ms: int) -> _Row:
    told = value.get("id", "") if isinstance(value, dict) else ""
    named = told[:128] if isinstance(told, str) else ""
    if not isinstance(value, dict):
        return _Row(named, None, (NOT_AN_OBJECT,))
    try:
        return _Row(named, checked(converted(value, CallReport), now_ms))
    except Faults as wrong:
        return _Row(named, None, wrong.faults)


async def _record_rows(request: Request, rows: Sequence[_Row], caller: Caller) -> list[CallReply]:
    events = [row.event for row in rows if row.event is not None]
    recorded = iter(await request.services.recorder.record(events, caller.account))
    snapshot = request.services.snapshot
    return [
        _refused(row.id, Faults(row.faults))
        if row.event is None
        else reply_of(next(recorded), caller, snapshot)
        for row in rows
    ]


def reply_of(recorded: Recorded, caller: Caller, snapshot: Snapshot) -> CallReply:
    """What an event came to, as far as the caller may know."""
    event, credit = recorded.event, recorded.credit
    if credit is None:
        return _refused(event.id, unknown_number(event.number))
    holding = credit.holding
    pool_id = recorded.pool or (holding.pool if holding else "")
    present = snapshot.pools.get(pool_id)
    if holding and not caller.may_see_holding(holding, present.pool if present else None):
        holding = None  # the number was another account's when the call began
    return CallReply(
        id=credit.id,
        event="" if event.event is EventKind.STARTED else event.event,
        number=credit.number,
        pool=recorded.pool or (holding.pool if holding else ""),
        stock=recorded.stock,
        counted=credit.counted,
        recorded=credit.noted,
        overflow=credit.overflow,
        resting=credit.resting,
        tuple=tuples.parse(holding.tuple) if holding else None,
        assigned_at=format_rfc3339(holding.since) if holding else "",
        calls=holding.calls if holding else 0,
    )


def _refused(call_id: str, error: Any) -> CallReply:
    refused = refusal(error)
    return CallReply(
        id=call_id,
        counted=False,
        recorded=False,
        error=CallError(
            refused.kind,
            refused.message,
            tuple(FieldFault(fault.field, fault.message) for fault in refused.faults),
        ),
    )


# Rows are checked one by one: one that is no CallReport makes no other answer than its own.
_ROWS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_ROWS,
    "items": {"anyOf": [CallReport, {}]},
}
_BATCH = {**named("CallBatch", {"calls": _ROWS}, ["calls"]), "additionalProperties": False}

_ANSWER = {
    "id": "call-1",
    "number": "+18885550101",
    "pool": "ad-placement",
    "counted": True,
    "tuple": {"website": "one", "location": "footer", "path": "home"},
    "assigned_at": "2026-11-21T22:00:00Z",
    "calls": 1,
}
_EVENT = {
    "id": "call-1",
    "number": "+18885550101",
    "caller": "+12125550177",
    "event": "started",
    "at": "2026-11-21T22:05:00Z",
}


def tell_operation(name: str) -> Operation:
    """``name``: its operationId."""
    return ManagedOperation(
        "POST",
        name,
        "Tell of a call: an event of it, or many events at once",
        {200: content({"anyOf": [CallReply, CallReplies]})},
        (400, 401, 404, 413, 415, 422),
        body=content({"anyOf": [CallReport, _BATCH]}),
        tag="calls",
        scopes=(Scope.CALLS,),
        refusals={
            400: INVALID_JSON,
            404: ("UnknownNumber", "+18885550101 is in no pool"),
            413: too_large(MAX_BODY_BYTES),
            422: ("InvalidDocument", "duration_seconds: expected int >= 0"),
        },
        text="The call counts once, as activity of the assignment that the number had when it "
        "began. Events may come in any order, late, and more than once: one that was told before "
        "(`id` and `event`) changes nothing and is answered alike, with `recorded` false. Calls to "
        "an overflow number are told by `overflow`, those to a number that rests by `resting`. Of "
        f'`{{"calls": […]}}`, up to {MAX_ROWS:,} events, a bad one fails alone: its place in '
        "`results` has `error`. Where the store is away (503), the whole may be sent again.",
        examples={200: _ANSWER},
        example=_EVENT,
    )
