"""For call centres and managers: calls, found again, and what came of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.calls.told import CallReply, record_one
from api.http import replies
from api.http.archive_reading import archive_reading
from api.http.description import INVALID_JSON, Operation, parameter, too_large
from api.http.documents import converted, parsed_object
from api.http.paging import PAGE_REFUSALS, page, page_parameters
from api.http.parameter_values import Time, unix_ms
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, ManagedOperation, authenticate
from ringpool.archive.calls import CallFilter
from ringpool.calls.events import AMOUNT_EXPECTED, CallId, CallOutcome, checked
from ringpool.calls.states import CallState
from ringpool.faults import Fault
from ringpool.history.call_lookup import CallDetail, KnownCalls, call_detail, known_calls
from ringpool.model import Identifier, Number, Scope
from ringpool.numbers import phone
from ringpool.patterns import whole

MAX_OUTCOME_BYTES = 64 * 1024

_VALUE = "param."
"""What begins the name of a query's parameter that is about one of the tuple's."""


async def list_calls(request: Request) -> Reply:
    """A page of calls."""
    caller = authenticate(request)
    after, limit = page(request)
    wanted = call_filter(request.parameters(), caller)
    async with archive_reading(request.services) as connection:
        try:
            found = await known_calls(connection, wanted, limit, after)
        except Fault as wrong:  # a value that no tuple has
            raise Fault(f"{_VALUE}{wrong.field}", wrong.message) from None
        except ValueError as error:
            raise Fault("after", str(error)) from None
    return replies.json(found)


async def show_call(request: Request) -> Reply:
    """One call with all that is known of it."""
    return replies.json(await _detail(request, authenticate(request)))


async def tell_outcome(request: Request) -> Reply:
    """Record what came of a call."""
    caller = authenticate(request)
    body = await request.document(MAX_OUTCOME_BYTES)
    told = converted(parsed_object(body), CallOutcome)
    number = told.number or (await _detail(request, caller)).number
    report = told.report(_call_id(request), number)
    event = checked(report, request.services.recorder.now_ms())
    return replies.json(await record_one(request, event, caller))


async def _detail(request: Request, caller: Caller) -> CallDetail:
    """The call that the path's ``id`` names, if the caller may see it; raises Refusal 404."""
    call_id = _call_id(request)
    account = _account(request.parameters(lenient=True), caller)
    async with archive_reading(request.services) as connection:
        found = await call_detail(connection, account, call_id)
    if found is None:
        raise _unknown(call_id)
    return found


def _call_id(request: Request) -> str:
    text = request.path("id")
    try:
        return msgspec.convert(text, CallId)
    except msgspec.ValidationError:
        raise _unknown(text) from None


def _unknown(call_id: str) -> Refusal:
    return Refusal(404, "UnknownCall", f"there is no call {call_id[:128]!r}")


def _account(parameters: Mapping[str, str], caller: Caller) -> str | None:
    """Whose calls: the key's account; for the administrator the one that he names, or all.

    "", which is no account's, for a key with another's account.
    """
    named = parameters.get("account")
    if named is None or caller.account in (None, named):
        return caller.account or named
    return ""


def call_filter(parameters: Mapping[str, str], caller: Caller) -> CallFilter:
    """Which calls a query asks for; raises a Fault that names the parameter."""
    number, pool, state = (parameters.get(name) for name in ("number", "pool", "state"))
    if number is not None:
        try:
            number = phone.parse(number)
        except ValueError as error:
            raise Fault("number", str(error)) from None
    if "account" in parameters:
        _converted("account", parameters["account"], Identifier)
    return CallFilter(
        account=_account(parameters, caller),
        pool=None if pool is None else _converted("pool", pool, Identifier),
        number=number,
        since=_beginning("from", parameters),
        until=_beginning("to", parameters),
        state=None if state is None else _converted("state", state, CallState),
        values={
            name.removeprefix(_VALUE): value
            for name, value in parameters.items()
            if name.startswith(_VALUE)
        },
    )


def _beginning(name: str, parameters: Mapping[str, str]) -> int | None:
    """The beginning of a second (Unix ms)."""
    return unix_ms(name, parameters[name]) // 1000 * 1000 if name in parameters else None


def _converted(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.convert(text, kind)
    except msgspec.ValidationError:
        expected = ", ".join(CallState) if kind is CallState else "an id: a-z, 0-9 and -"
        raise Fault(name, f"expected {expected}") from None


_EXAMPLE = {
    "id": "call-1",
    "account": "newspress",
    "number": "+18885550101",
    "pool": "ad-placement",
    "state": "ended",
    "started_at": "2026-11-21T22:05:00Z",
    "answered_at": "2026-11-21T22:05:09Z",
    "ended_at": "2026-11-21T22:06:44Z",
    "duration_seconds": 95,
    "caller_hash": "9f86d081884c7d659a2feaa0c55ad015",
}
_STATE = {"type": "string", "enum": [state.value for state in CallState]}
_ACCOUNT = parameter(
    "account", Identifier, text="Whose, for the administrator", example="newspress"
)
_ID = parameter(
    "id", CallId, "path", text="The call's, percent-encoded: a slash is `%2F`", example="call-1"
)
_OUTCOME = {
    "id": "call-1",
    "event": "outcome",
    "number": "+18885550101",
    "pool": "ad-placement",
    "counted": False,
}
_UNKNOWN = ("UnknownCall", "there is no call 'call-1'")


def list_operation(name: str) -> Operation:
    """``name``: its operationId."""
    return ManagedOperation(
        "GET",
        name,
        "Calls, the latest first",
        {200: KnownCalls},
        (400, 401),
        (
            _ACCOUNT,
            parameter("pool", Identifier, text="Only of this pool", example="ad-placement"),
            parameter("number", Number, text="Only to this number", example="+18885550101"),
            parameter(
                "from", Time, text="Only that began then, or later", example="2026-11-21T22:00:00Z"
            ),
            parameter("to", Time, text="Only that began before", example="2100-01-01T00:00:00Z"),
            parameter("state", _STATE, text="Only in this state", example="ended"),
            {
                **parameter(
                    "values",
                    {"type": "object", "additionalProperties": {"type": "string"}},
                    text="Only of whom these values were told, each as `param.NAME`",
                    example={},
                ),
                "style": "form",
                "explode": True,
            },
            *page_parameters(
                Annotated[str, Meta(pattern=whole("[A-Za-z0-9_-]{0,500}"))], "WzE3NjQsImEiLCIxIl0"
            ),
        ),
        tag="calls",
        refusals=PAGE_REFUSALS,
        text="An account's key sees its own calls. What was told just now may not be there yet.",
        examples={200: {"calls": [_EXAMPLE]}},
    )


def show_operation(name: str) -> Operation:
    """``name``: its operationId."""
    return ManagedOperation(
        "GET",
        name,
        "One call: its events, and who may have made it",
        {200: CallDetail},
        (401, 404),
        (_ID, _ACCOUNT),
        tag="calls",
        refusals={404: _UNKNOWN},
        text="`candidates` are there once the call is attributed: their probabilities add up to 1.",
        examples={200: _EXAMPLE},
    )


def outcome_operation(name: str) -> Operation:
    """``name``: its operationId."""
    return ManagedOperation(
        "POST",
        name,
        "Tell what came of a call",
        {200: CallReply},
        (400, 401, 404, 413, 415, 422),
        (_ID, _ACCOUNT),
        body=CallOutcome,
        tag="calls",
        scopes=(Scope.CALLS,),
        refusals={
            400: INVALID_JSON,
            404: _UNKNOWN,
            413: too_large(MAX_OUTCOME_BYTES),
            422: ("InvalidDocument", f"amount: {AMOUNT_EXPECTED}"),
        },
        text="As an event `outcome` of `POST /v1/calls`: the first that is told of a call stands.",
        examples={200: _OUTCOME},
        example={"outcome": "sale", "amount": "49.90", "currency": "USD"},
    )
