"""For ad servers: one number, in JSON, XML or CSV, authenticated with the pool's key."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec import Struct

from allocator.answers import Answer, State
from api.ad_servers.allocation import FORMS, Allocation, allocation_reply, error_form
from api.ad_servers.dated_paths import check_date, dated
from api.ad_servers.number_request import parse_request
from api.http import lookups
from api.http.description import PLAIN, Operation, content, parameter, response
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.response_cache import Computed
from ringpool.catalog.snapshot import Snapshot


class _NumberReply(Reply):
    """A reply to a request of which something was ignored, which is counted every time."""

    __slots__ = ("ignored", "pool_id")

    def __init__(self, reply: Reply, pool_id: str, ignored: int) -> None:
        self.status, self.headers, self.body = reply.status, reply.headers, reply.body
        self.pool_id = pool_id
        self.ignored = ignored


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
    reply = await services.responses.answer(key, services.snapshot, compute)
    if isinstance(reply, _NumberReply):
        services.metrics.count_ignored(reply.pool_id, reply.ignored)
    return reply


async def _dated_allocate_number(request: Request) -> Reply:
    """The same under a path with a date."""
    check_date(request)
    return await _allocate_number(request)


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
    reply = allocation_reply(key.form, answer, wanted.tracking_url, wanted.ignored)
    if wanted.ignored:
        reply = _NumberReply(reply, key.pool_id, len(wanted.ignored))
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


def _operations() -> list[Operation]:
    """One a form, since for readers each is a path of its own."""
    bodies = {
        "json": Allocation,
        "xml": content(str, "application/xml"),
        "csv": content(str, "text/csv"),
    }
    return [_operation(form, body) for form, body in bodies.items()]


def _operation(form: str, body: Any) -> Operation:
    error = content(str, "application/xml" if form == "xml" else PLAIN)
    responses = {
        200: body,
        400: response("A parameter that isn't acceptable", error),
        401: response("No key, or not the pool's", error),
        404: response("No such pool", error),
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
    _operations(),
)
dated_allocate_number = Endpoint(
    "allocate_number",
    error_form,
    {"GET": _dated_allocate_number},
    [dated(operation) for operation in _operations()],
)
