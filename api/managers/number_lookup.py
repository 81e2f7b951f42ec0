"""For managers: who holds a number, or held it at a time."""

from __future__ import annotations

import msgspec

from allocator.answers import Holding
from api.http import replies
from api.http.description import parameter
from api.http.parameter_values import TIME_EXPECTED, Time, unix_ms
from api.http.refusals import Refusal, archive_unavailable
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from ringpool.archive.database import ArchiveAway
from ringpool.catalog.snapshot import Snapshot
from ringpool.history.number_lookup import Holder, NumberLookup, number_lookup
from ringpool.history.number_report import NumberReport, number_report
from ringpool.model import Number, Scope
from ringpool.numbers import phone


async def _look_up(request: Request) -> Reply:
    caller = authenticate(request)
    try:
        number = phone.parse(request.path("number"))
    except ValueError as error:
        raise Refusal(404, "UnknownNumber", str(error)) from None
    services = request.services
    await services.keeper.refresh()
    snapshot = services.snapshot
    at = request.parameters().get("at")
    at_ms = None if at is None else unix_ms("at", at)
    try:
        report = await number_report(
            services.catalog, services.allocator, snapshot, number, at_ms, services.archive
        )
    except ArchiveAway:
        raise archive_unavailable() from None
    visible = _visible(report, snapshot, caller)
    if not (visible.owner or visible.holder or visible.last or visible.overflow_of):
        raise unknown_number(number)
    return replies.json(number_lookup(visible))


def _visible(report: NumberReport, snapshot: Snapshot, caller: Caller) -> NumberReport:
    """The report without what belongs to other accounts."""
    owner_visible = bool(report.owner) and (
        _sees_stock(caller, snapshot, report.owner)
        if report.owner_kind == "stock"
        else _sees_pool(caller, snapshot, report.owner)
    )
    holder = _seen(report.holder, snapshot, caller)
    last = _seen(report.last, snapshot, caller)
    uses = tuple(use for use in report.overflow_of if _sees_pool(caller, snapshot, use.pool))
    if not owner_visible:
        return NumberReport(
            number=report.number, at=report.at, holder=holder, last=last, overflow_of=uses
        )
    return msgspec.structs.replace(report, holder=holder, last=last, overflow_of=uses)


def _seen(holding: Holding | None, snapshot: Snapshot, caller: Caller) -> Holding | None:
    if holding is None:
        return None
    present = snapshot.pools.get(holding.pool)
    return holding if caller.may_see_holding(holding, present.pool if present else None) else None


def _sees_pool(caller: Caller, snapshot: Snapshot, pool_id: str) -> bool:
    """The administrator sees pools that are deleted by now, too."""
    prepared = snapshot.pools.get(pool_id)
    return caller.may_see(prepared.pool) if prepared else caller.account is None


def _sees_stock(caller: Caller, snapshot: Snapshot, stock_id: str) -> bool:
    stock = snapshot.stocks.get(stock_id)
    return caller.may_see(stock) if stock else caller.account is None


def unknown_number(number: str) -> Refusal:
    """404, for a number that isn't there or isn't the caller's to see."""
    return Refusal(404, "UnknownNumber", f"{number} is in no pool")


_EXAMPLE = NumberLookup(
    number="+18885550101",
    owner="pool/ad-placement",
    pool="ad-placement",
    holder=Holder(
        pool="ad-placement",
        tuple={"website": "one", "location": "footer", "path": "home"},
        assigned_at="2026-11-21T22:00:00Z",
        guaranteed_until="2026-11-21T22:10:00Z",
        clicks=3,
        calls=1,
        first_click={"medium": "paid", "gclid": "EAIaIQ"},
        last_click={"medium": "direct"},
    ),
)
_GET_NUMBER = ManagedOperation(
    "GET",
    "get_number",
    "Where a number is, and who holds it or held it at a time",
    {200: NumberLookup},
    (400, 401, 404),
    (
        parameter("number", Number, "path", text="In E.164", example="+18885550101"),
        parameter(
            "at", Time, text="Who held it then; now, without", example="2026-11-21T22:05:00Z"
        ),
    ),
    tag="numbers",
    scopes=(Scope.READ, Scope.CALLS),
    refusals={
        400: ("InvalidParameter", f"at: {TIME_EXPECTED}"),
        404: ("UnknownNumber", "+18885550101 is in no pool"),
    },
    text="Whose a number is, in which pool it is now, and the tuple that holds it or held it at a "
    "time, with its first and last click. Of a number that has left all pools and stocks, who "
    "held it last. An account's key sees what is its own.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
number = managed_endpoint("number", {"GET": _look_up}, [_GET_NUMBER])
