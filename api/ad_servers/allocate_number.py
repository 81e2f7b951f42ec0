"""For ad servers: one number, in JSON, XML or CSV, authenticated with the pool's key."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from allocator.answers import Answer, State
from allocator.worker.cache import HeldAnswer
from api.ad_servers.allocation import FORMS, allocation_reply, error_form
from api.ad_servers.number_request import parse_request
from api.http import lookups
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Reply
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
        answer = await services.assignments.allocate(wanted.pool_id, wanted.ask)
    reply = allocation_reply(key.form, answer, wanted.tracking_url)
    if not isinstance(answer, HeldAnswer):
        return Computed(reply)
    size = len(key.query) + len(key.bearer) + len(reply.body)
    return Computed(reply, (answer,), size, wanted.click.attributes())


allocate_number = Endpoint("allocate_number", error_form, {"GET": _allocate_number})
