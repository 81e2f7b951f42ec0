"""For managers: inbound calls, credited to the holder of the number that was called."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from allocator.answers import Call, CallCredit, Holding
from api.http import lookups, replies
from api.http.description import INVALID_JSON, too_large
from api.http.documents import decoded
from api.http.parameter_values import Time
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from api.managers.number_lookup import unknown_number
from ringpool.faults import Fault, Faults
from ringpool.model import Number, Scope
from ringpool.numbers import phone
from ringpool.times import format_rfc3339, to_unix_ms
from ringpool.visits import tuples

MAX_BODY_BYTES = 64 * 1024

_HANDED_ON_MS = 1000
"""A pool is asked so soon, at most, after the one that falls back on it has refused."""


class CallReport(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An inbound call. ``id`` makes it count once. Without ``started_at``: now."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    number: Number
    caller: Annotated[str, Meta(max_length=40)] = ""
    started_at: Time | None = None
    duration_seconds: Annotated[int, Meta(ge=0, le=604_800)] = 0


class CallReply(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Whom the call is credited to. ``counted`` false: this id was counted before.

    Without ``tuple``, nobody held the number then; ``overflow``: it is the overflow number.
    """

    id: str
    number: str
    pool: str
    counted: bool
    overflow: bool = False
    tuple: dict[str, str] | None = None
    assigned_at: str = ""
    calls: int = 0


_decode_report = msgspec.json.Decoder(CallReport).decode


async def _record_call(request: Request) -> Reply:
    caller = authenticate(request)
    call = _call(decoded(_decode_report, await request.document(MAX_BODY_BYTES)))
    pool_id, overflow = await _called_pool(request.services, call.number, caller)
    credit = await request.services.allocator.record_call(pool_id, call, overflow=overflow)
    if credit is None:
        raise unknown_number(call.number)
    holding, present = credit.holding, request.services.snapshot.pools.get(pool_id)
    if holding and not caller.may_see_holding(holding, present.pool if present else None):
        holding = None  # the number was another account's when the call began
    return replies.json(_reply(pool_id, credit, holding))


def _call(report: CallReport) -> Call:
    """The call as the allocator takes it; raises Faults."""
    try:
        number = phone.parse(report.number)
    except ValueError as error:
        raise Faults([Fault("number", str(error))]) from None
    try:
        started_at = to_unix_ms(report.started_at) if report.started_at else 0
    except ValueError as error:
        raise Faults([Fault("started_at", str(error))]) from None
    return Call(
        id=report.id,
        number=number,
        caller=report.caller,
        started_at=started_at,
        duration_seconds=report.duration_seconds,
    )


async def _called_pool(services: Services, number: str, caller: Caller) -> tuple[str, bool]:
    """The pool that a call to a number concerns, and whether as its overflow number.

    The pool that has it comes first: another account may have named it as its overflow number.
    Of several pools with one overflow number, the one that gave it last: a pool that was only asked
    since another one falls back on it gave none. Raises Refusal 404.
    """
    located = (await services.catalog.locate(number)).pool
    if located:
        prepared = await lookups.pool(services, located)
        if caller.may_see(prepared.pool):
            return located, False
    overflow_pools = [
        prepared
        for prepared in services.snapshot.overflow_pools(number)
        if caller.may_see(prepared.pool)
    ]
    if not overflow_pools:
        raise unknown_number(number)
    if len(overflow_pools) == 1:
        return overflow_pools[0].pool.id, True
    last_refused = {
        prepared.pool.id: (await services.allocator.status(prepared.pool.id)).last_overflow
        for prepared in overflow_pools
    }
    last = max(last_refused, key=last_refused.__getitem__)
    for prepared in overflow_pools:
        handed_on = any(other.pool.id == last for other in prepared.fallbacks)
        if handed_on and last_refused[prepared.pool.id] + _HANDED_ON_MS >= last_refused[last]:
            return prepared.pool.id, True
    return last, True


def _reply(pool_id: str, credit: CallCredit, holding: Holding | None) -> CallReply:
    return CallReply(
        id=credit.id,
        number=credit.number,
        pool=pool_id,
        counted=credit.counted,
        overflow=credit.overflow,
        tuple=tuples.parse(holding.tuple) if holding else None,
        assigned_at=format_rfc3339(holding.since) if holding else "",
        calls=holding.calls if holding else 0,
    )


_RECORD_CALL = ManagedOperation(
    "POST",
    "record_call",
    "Credit an inbound call to who held its number, once per id",
    {200: CallReply},
    (400, 401, 404, 413, 415, 422),
    body=CallReport,
    tag="calls",
    scopes=(Scope.CALLS,),
    refusals={
        400: INVALID_JSON,
        404: ("UnknownNumber", "+18885550101 is in no pool"),
        413: too_large(MAX_BODY_BYTES),
        422: ("InvalidDocument", "duration_seconds: Expected `int` >= 0"),
    },
    text="The call counts as activity of the assignment that the number had when it started. A "
    "report with an `id` that was counted before changes nothing and is answered alike, with "
    "`counted` false. Calls to an overflow number are told by `overflow`.",
    examples={
        200: {
            "id": "call-1",
            "number": "+18885550101",
            "pool": "ad-placement",
            "counted": True,
            "tuple": {"website": "one", "location": "footer", "path": "home"},
            "assigned_at": "2026-11-21T22:00:00Z",
            "calls": 1,
        }
    },
    example={
        "id": "call-1",
        "number": "+18885550101",
        "caller": "+12125550177",
        "started_at": "2026-11-21T22:05:00Z",
        "duration_seconds": 95,
    },
)
calls = managed_endpoint("calls", {"POST": _record_call}, [_RECORD_CALL])
