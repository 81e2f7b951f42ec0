"""For managers: whose a number is or was, and calls that are credited to its holder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from allocator.answers import Call, CallCredit, Holding
from api.http import lookups, replies
from api.http.documents import decoded
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services
from api.managers.callers import Caller, caller
from api.managers.resources import problem
from ringpool.faults import Fault, Faults
from ringpool.history.number_report import NumberReport, number_report
from ringpool.numbers import phone
from ringpool.times import format_rfc3339, to_unix_ms
from ringpool.visits import tuples

MAX_BODY_BYTES = 64 * 1024


class CallReport(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An inbound call. ``id`` makes it count once. Without ``started_at``: now."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    number: Annotated[str, Meta(min_length=1, max_length=40)]
    caller: Annotated[str, Meta(max_length=40)] = ""
    started_at: Annotated[datetime, Meta(tz=True)] | None = None
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


class Holder(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who held a number, for how long, and what their first and last click brought along.

    Without ``until``, they hold it still.
    """

    pool: str
    tuple: dict[str, str]
    assigned_at: str
    until: str = ""
    guaranteed_until: str = ""
    clicks: int
    calls: int
    first_click: dict[str, str] = {}
    last_click: dict[str, str] = {}


class OverflowOf(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pool whose overflow number it is; ``answers``: given in the clock hour (UTC) of ``at``."""

    pool: str
    answers: int | None = None


class NumberStory(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number. ``owner``: ``pool/ID`` or ``stock/ID``; ``pool``: where it is now.

    ``holder``: now, or at ``at`` when that was asked for; absent when nobody held it.
    """

    number: str
    owner: str = ""
    pool: str = ""
    draining: bool = False
    available_from: str = ""
    at: str = ""
    holder: Holder | None = None
    overflow_of: list[OverflowOf] = []


_decode_call = msgspec.json.Decoder(CallReport).decode
_decode_click = msgspec.json.Decoder(dict[str, str]).decode


async def _number(request: Request) -> Reply:
    who = caller(request)
    try:
        number = phone.parse(request.path("number"))
    except ValueError as error:
        raise Refusal(404, "UnknownNumber", str(error)) from None
    services = request.services
    await services.keeper.refresh()
    at = request.parameters().get("at")
    report = await number_report(
        services.catalog,
        services.allocator,
        services.snapshot,
        number,
        None if at is None else _moment_asked(at),
    )
    story = _story(report, services, who)
    if not (story.owner or story.holder or story.overflow_of):
        raise _unknown_number(number)
    return replies.json(story)


def _story(report: NumberReport, services: Services, who: Caller) -> NumberStory:
    """The report as far as it is the caller's to know."""

    def seen(pool_id: str) -> bool:
        prepared = services.snapshot.pools.get(pool_id)
        return who.account is None or (prepared is not None and who.sees(prepared.pool.account))

    stock = services.snapshot.stocks.get(report.owner)
    if report.owner_kind == "stock":
        own = who.account is None or (stock is not None and who.sees(stock.account))
    else:
        own = bool(report.owner) and seen(report.owner)
    holding = report.holder
    held_in = (holding.pool or report.pool) if holding else ""
    return NumberStory(
        number=report.number,
        owner=f"{report.owner_kind}/{report.owner}" if own else "",
        pool=report.pool if own else "",
        draining=own and report.draining,
        available_from=format_rfc3339(report.available_from)
        if own and report.available_from
        else "",
        at=format_rfc3339(report.at) if report.at is not None else "",
        holder=_holder(holding, held_in) if holding and seen(held_in) else None,
        overflow_of=[
            OverflowOf(pool=use.pool, answers=use.answers)
            for use in report.overflow_of
            if seen(use.pool)
        ],
    )


def _holder(holding: Holding, pool_id: str) -> Holder:
    return Holder(
        pool=pool_id,
        tuple=tuples.parse(holding.tuple),
        assigned_at=format_rfc3339(holding.since),
        until="" if holding.until is None else format_rfc3339(holding.until),
        guaranteed_until=format_rfc3339(holding.guaranteed_until)
        if holding.guaranteed_until
        else "",
        clicks=holding.clicks,
        calls=holding.calls,
        first_click=_decode_click(holding.first_click) if holding.first_click else {},
        last_click=_decode_click(holding.last_click) if holding.last_click else {},
    )


async def _call(request: Request) -> Reply:
    who = caller(request)
    report = decoded(_decode_call, await request.document(MAX_BODY_BYTES))
    try:
        number = phone.parse(report.number)
    except ValueError as error:
        raise Faults([Fault("number", str(error))]) from None
    try:
        started_at = to_unix_ms(report.started_at) if report.started_at else 0
    except ValueError as error:
        raise Faults([Fault("started_at", str(error))]) from None
    call = Call(
        id=report.id,
        number=number,
        caller=report.caller,
        started_at=started_at,
        duration_seconds=report.duration_seconds,
    )
    pool_id, overflow = await _place(request.services, number, who)
    credit = await request.services.allocator.record_call(pool_id, call, overflow=overflow)
    if credit is None:
        raise _unknown_number(number)
    return replies.json(_reply(pool_id, credit))


async def _place(services: Services, number: str, who: Caller) -> tuple[str, bool]:
    """The pool that a call to a number concerns, and whether as its overflow number.

    Of several pools with one overflow number, the one that gave it last. Raises Refusal 404.
    """
    directory = services.snapshot
    overflowing = [
        prepared.pool.id
        for prepared in directory.overflow_pools(number)
        if who.sees(prepared.pool.account)
    ]
    if len(overflowing) > 1:
        given = {
            pool_id: (await services.allocator.status(pool_id)).last_overflow
            for pool_id in overflowing
        }
        overflowing.sort(key=given.__getitem__, reverse=True)
    if overflowing:
        return overflowing[0], True
    pool_id = (await services.catalog.locate(number)).pool
    if not pool_id:
        raise _unknown_number(number)
    prepared = await lookups.pool(services, pool_id)
    if not who.sees(prepared.pool.account):
        raise _unknown_number(number)
    return pool_id, False


def _reply(pool_id: str, credit: CallCredit) -> CallReply:
    holding = credit.holding
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


def _unknown_number(number: str) -> Refusal:
    return Refusal(404, "UnknownNumber", f"{number} is in no pool")


def _moment_asked(text: str) -> int:
    """RFC 3339 as Unix milliseconds; raises Fault. A plus that became a blank counts."""
    try:
        return to_unix_ms(
            msgspec.convert(text.replace(" ", "+"), Annotated[datetime, Meta(tz=True)])
        )
    except ValueError:  # msgspec.ValidationError is one
        raise Fault("at", "expected a time with its offset, such as 2026-11-21T14:32:00Z") from None


number = Endpoint("number", problem, {"GET": _number})
calls = Endpoint("calls", problem, {"POST": _call})
