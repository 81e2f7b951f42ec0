"""For ad servers: one number, in JSON, XML or CSV, authenticated with the pool's key."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec import Struct

from allocator.answers import Answer, State
from api.ad_servers.allocation import FORMS, Allocation, allocation_reply, error_form
from api.ad_servers.number_request import parse_request
from api.http import lookups
from api.http.description import PLAIN, PROBLEM, Operation, content, parameter, response
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Problem, Reply
from api.http.request import Request
from api.http.response_cache import Computed
from ringpool.catalog.snapshot import Snapshot


class _Key(Struct, frozen=True):
    """All of a request that its answer depends on."""

    form: str
    pool_id: str
    query: bytes
    bearer: str
    base_url: str


async def _allocate_number(request: Request) -> Reply:
    """Remembered, or computed: pool, tuple, allocation, written in the form asked for."""
    key = _parse(request)
    services = request.services
    compute = partial(_compute, request, key)
    if request.method == "HEAD":
        return (await compute(services.snapshot)).answer
    return await services.responses.answer(key, services.snapshot, compute)


def _parse(request: Request) -> _Key:
    form = request.path("form")
    if form not in FORMS:
        raise Refusal(404, "UnknownFormat", "ask for allocate_number.json, .xml or .csv")
    return _Key(
        form, request.path("pool"), request.query_string, request.bearer(), request.base_url()
    )


async def _compute(request: Request, key: _Key, snapshot: Snapshot) -> Computed[Reply]:
    services = request.services
    snapshot = await lookups.with_pool(services, snapshot, key.pool_id)
    wanted = parse_request(snapshot, key.pool_id, request.parameters(), key.bearer, key.base_url)
    answer = Answer(State.NONE, "")
    if request.method != "HEAD":  # which takes nothing
        services.metrics.count_unfilled(wanted.pool_id, wanted.unfilled)
        answer = wanted.fixed or await services.assignments.allocate(wanted.pool_id, wanted.ask)
    reply = allocation_reply(key.form, answer, wanted.tracking_url)
    return wanted.computed(answer, reply, len(key.query) + len(key.bearer) + len(reply.body))


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
