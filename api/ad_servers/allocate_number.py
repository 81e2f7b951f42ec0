"""For ad servers: one number, in JSON, XML or CSV, authenticated with the pool's key."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec import Struct, to_builtins

from allocator.answers import Answer, State
from api.ad_servers.allocation import (
    FORMS,
    Allocation,
    allocation,
    allocation_reply,
    error_example,
    error_form,
    written,
)
from api.ad_servers.dated_paths import check_date, dated
from api.ad_servers.number_request import parse_request
from api.http import lookups
from api.http.description import PLAIN, Operation, content, parameter, response
from api.http.endpoint import Endpoint
from api.http.parameters import POOL, PUBLISHER, VISITOR
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.response_cache import Computed
from ringpool.catalog.fallback import fall_back, has_nothing
from ringpool.catalog.snapshot import Snapshot
from ringpool.patterns import whole


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
    answer, gave = Answer(State.NONE, ""), None
    if request.method != "HEAD":  # which takes nothing
        services.metrics.count_unfilled(wanted.pool_id, wanted.unfilled)
        answer = wanted.fixed or await services.assignments.allocate(wanted.pool_id, wanted.ask)
        if wanted.prepared.fallbacks and has_nothing(answer):
            allocate, unread = services.assignments.allocate, bool(wanted.ignored)
            gave = await fall_back(wanted.prepared, wanted.click, allocate, unread=unread)
            answer = gave.answer if gave else answer
    fell_back = wanted.fell_back(gave)
    reply = allocation_reply(key.form, answer, wanted.tracking_url, wanted.ignored, fell_back)
    if wanted.ignored:
        reply = _NumberReply(reply, key.pool_id, len(wanted.ignored))
    if gave is not None:  # the pool may have a number of its own any moment
        return Computed(reply)
    return wanted.computed(answer, reply, len(key.query) + len(key.bearer) + len(reply.body))


_PARAMETERS = (
    POOL,
    *(
        parameter(
            f"param{place}", text=f"Stands for the pool's parameter number {place}", example="one"
        )
        for place in range(1, 11)
    ),
    parameter("search_engine", text="The engine that was searched", example="Google"),
    parameter("search_keywords", text="What was searched for", example="red shoes"),
    parameter("search_keyword_id", text="The network's id of the keyword", example="kwd-1"),
    parameter(
        "landing_page",
        text="The page that the visitor opens; its query counts as the pool's parameters",
        example="https://www.newspress.example/subscribe?website=one",
    ),
    parameter("referrer", text="Where the visitor comes from", example="https://blog.example/post"),
    VISITOR,
    parameter(
        "mobile_click_to_call",
        {
            "type": "string",
            "pattern": whole(
                r"\s*([01]?|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo])\s*"
            ),
        },
        text="`1` or `true`: the tracking link dials first on phones; `0` or `false`: it doesn't",
        example="1",
    ),
    PUBLISHER,
    parameter(
        "parameters",
        {"type": "object", "additionalProperties": {"type": "string"}},
        text="The pool's own parameters, by name. One that nobody reads is named in `ignored`",
        example={"website": "one", "location": "footer", "path": "home"},
    ),
)

_EXAMPLE = allocation(
    Answer(State.NEW, "+18885550101", 1_795_299_000_000),
    "https://numbers.example/t/ad-placement?website=one&location=footer&path=home",
)
_BODIES = {
    "json": (Allocation, to_builtins(_EXAMPLE)),
    "xml": (content(str, "application/xml"), written("xml", _EXAMPLE).body.decode()),
    "csv": (content(str, "text/csv"), written("csv", _EXAMPLE).body.decode()),
}


def _operations() -> list[Operation]:
    """One a form, since for readers each is a path of its own."""
    return [_operation(form, body, example) for form, (body, example) in _BODIES.items()]


def _operation(form: str, body: Any, example: Any) -> Operation:
    error = content(str, "application/xml" if form == "xml" else PLAIN)
    errors = {
        400: "A parameter that isn't acceptable; the message names it",
        401: "No key, or not the pool's",
        404: "No such pool",
        503: "The store is away: try again",
    }
    examples = {status: error_example(form, status) for status in errors}
    return Operation(
        "GET",
        f"allocate_number_{form}",
        f"A number for a parameter tuple, as {form.upper()}",
        {200: body} | {status: response(text, error) for status, text in errors.items()},
        parameters=_PARAMETERS,
        security=("RingPoolKey", "Bearer"),
        fixed={"form": form},
        tag="ad servers",
        examples={200: example, **examples},
        text="The same tuple gets the same number for as long as it is guaranteed, whatever the "
        "order, case or escaping of its parameters. `state` says where the number came from; with "
        "`none` there is no number, and the page keeps its own. Where another pool gave it, since "
        "this one had nothing to give, `pool` names that, and `fallback_from` this one.",
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
