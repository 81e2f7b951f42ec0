"""For ad servers: the number API in JSON, XML and CSV, authenticated with the pool's key."""

from __future__ import annotations

import hmac
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from allocator.answers import Answer, Ask, State, made
from api.http import lookups, replies
from api.http.description import PLAIN, PROBLEM, Operation, content, parameter, response
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Problem, Reply
from api.http.request import Request
from api.http.services import Services
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.faults import Fault
from ringpool.numbers import phone
from ringpool.times import format_rfc3339
from ringpool.visits.click import Click
from ringpool.visits.tracking_url import tracking_url

_CHALLENGE = (b"www-authenticate", b'Bearer realm="ring pool"')
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}
_ELEMENTS = {
    "PromoNumberFormatted": "promo_number_formatted",
    "PromoNumber": "promo_number",
    "TrackingUrl": "tracking_url",
    "Number": "number",
    "State": "state",
    "GuaranteedUntil": "guaranteed_until",
    "Overflow": "overflow",
}
"""The names in XML and CSV, in order, and the fields of Allocation that they show."""


class Allocation(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer. Without number when ``state`` is none; ``overflow`` only when it is true."""

    promo_number: str = ""
    promo_number_formatted: str = ""
    tracking_url: str
    number: str = ""
    state: State
    guaranteed_until: str = ""
    overflow: bool = False


class NumberRequest(NamedTuple):
    """One request for a number, understood and authorised under one configuration."""

    directory: Snapshot
    pool_id: str
    ask: Ask
    tracking_url: str

    def keep(self, services: Services, asked: Hashable, asked_bytes: int, reply: Reply) -> None:
        """Remember the reply for the same question, if it is good for longer than now."""
        held = services.answers.peek(self.pool_id, self.ask.tuple)
        if held is not None:
            attributes = made(self.ask.attributes)
            size = asked_bytes + len(reply.body)
            services.number_responses.keep(asked, self.directory, (held,), reply, size, attributes)


def parse_request(
    services: Services,
    prepared: PreparedPool,
    parameters: Mapping[str, str],
    bearer: str,
    base_url: str,
) -> NumberRequest:
    """Check the key and make the tuple; raises Refusal or Fault."""
    directory = services.snapshot
    _check_key(prepared, parameters.get("ring_pool_key") or bearer)
    also = []
    if publisher := parameters.get("publisher", ""):
        if publisher not in directory.accounts:
            raise Fault("publisher", "no such account")
        also.append(f"publisher={publisher}")
    if "mobile_click_to_call" in parameters:
        also.append(f"mobile_click_to_call={_switch(parameters['mobile_click_to_call']):d}")
    click = Click(
        parameters.get("landing_page", ""),
        parameters.get("referrer", ""),
        parameters,
        parameters.get("visitor", ""),
        {"publisher": publisher} if publisher else {},
    )
    pool_id, ask = prepared.pool.id, click.ask(prepared.pool)
    return NumberRequest(
        directory, pool_id, ask, tracking_url(base_url, pool_id, ask.tuple, "&".join(also))
    )


def allocation(answer: Answer, tracking_url: str) -> Allocation:
    """The answer in the words of the number API."""
    if answer.state is State.NONE:
        return Allocation(state=State.NONE, tracking_url=tracking_url)
    digits, dashed = phone.digits_and_dashed(answer.number)
    return Allocation(
        promo_number=digits,
        promo_number_formatted=dashed,
        tracking_url=tracking_url,
        number=answer.number,
        state=answer.state,
        guaranteed_until=format_rfc3339(answer.guaranteed_until) if answer.guaranteed_until else "",
        overflow=answer.state is State.OVERFLOW,
    )


async def _allocate_number(request: Request) -> Reply:
    form = request.path("form")
    if form not in ("json", "xml", "csv"):
        raise Refusal(404, "UnknownFormat", "ask for allocate_number.json, .xml or .csv")
    services = request.services
    pool_id, bearer, base_url = request.path("pool"), request.bearer(), request.base_url()
    query = request.query_string
    asked = (form, pool_id, query, bearer, base_url)
    if request.method == "GET" and (
        reply := services.number_responses.give(asked, services.snapshot)
    ):
        return reply
    prepared = await lookups.pool(services, pool_id)
    order = parse_request(services, prepared, request.parameters(), bearer, base_url)
    if request.method == "HEAD":
        answer = Answer(State.NONE, "")
    else:
        answer = await services.answers.allocate(order.pool_id, order.ask)
    reply = _written(form, allocation(answer, order.tracking_url))
    if answer.state is State.HELD:
        order.keep(services, asked, len(query) + len(bearer), reply)
    return reply


def _written(form: str, given: Allocation) -> Reply:
    if form == "json":
        return replies.json(given)
    if form == "xml":
        return replies.xml("Response", {name: cell for name, cell in _cells(given) if cell})
    return replies.csv_row(dict(_cells(given)))


def _cells(given: Allocation) -> list[tuple[str, str]]:
    return [
        (name, "true" if value is True else str(value or ""))
        for name, field in _ELEMENTS.items()
        for value in (getattr(given, field),)
    ]


def _check_key(prepared: PreparedPool, key: str) -> None:
    if not key:
        raise Refusal(
            401, "MissingParameter", "ring_pool_key: no key was given", headers=(_CHALLENGE,)
        )
    right = prepared.pool.key
    if not isinstance(right, str) or not hmac.compare_digest(key.encode(), right.encode()):
        raise Refusal(
            401, "InvalidKey", "ring_pool_key: not the key of this pool", headers=(_CHALLENGE,)
        )


def _switch(text: str) -> bool:
    try:
        return _SWITCH[text.strip().lower()]
    except KeyError:
        raise Fault("mobile_click_to_call", "write 1 or 0") from None


def error_form(request: Request, refused: Refusal) -> Reply:
    """XML for XML; else the line ``Class: message``."""
    if request.scope["path_params"].get("form") == "xml":
        fields = {"Class": refused.kind, "Message": refused.message}
        reply = replies.xml("Error", fields, refused.status)
    else:
        line = " ".join(refused.message.split())
        reply = replies.plain(refused.status, f"{refused.kind}: {line}")
    reply.headers.extend(refused.headers)
    return reply


_PARAMETERS = (
    parameter("pool", where="path"),
    *(parameter(f"param{place}") for place in range(1, 11)),
    parameter("search_engine"),
    parameter("search_keywords"),
    parameter("search_keyword_id"),
    parameter("landing_page"),
    parameter("referrer"),
    parameter("mobile_click_to_call", {"type": "string", "enum": ["0", "1"]}),
    parameter("publisher", text="The account to credit"),
)


def _operation(form: str, body: Any) -> Operation:
    """The operation of one ``form``: for readers, each is a path of its own."""
    error = content(str, "application/xml" if form == "xml" else PLAIN)
    responses = {
        200: body,
        400: response("A parameter that isn't acceptable", error),
        401: response("No key, or not the pool's", error),
        # A pool with a slash makes it a path that isn't there: that is refused as a problem.
        404: response("No such pool", error | content(Problem, PROBLEM)),
        503: response("The store is away: try again", error),
    }
    return Operation(
        "GET",
        f"allocate_number_{form}",
        "A number for a parameter tuple; the pool's own parameter names work too",
        responses,
        parameters=_PARAMETERS,
        security=("RingPoolKey", "Bearer"),
        fixed={"form": form},
    )


allocate_number = Endpoint(
    "allocate_number",
    error_form,
    {"GET": _allocate_number},
    [
        _operation("json", Allocation),
        _operation("xml", content(str, "application/xml")),
        _operation("csv", content(str, "text/csv")),
    ],
)
