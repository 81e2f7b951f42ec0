"""For media buyers: the tracking link. A click goes to the landing page with a number and proof."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct

from allocator.answers import NOBODY, Answer, State
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.worker.cache import HeldAnswer
from api.http import lookups
from api.http.description import Operation, content, parameter, response
from api.http.endpoint import Endpoint, problem_form
from api.http.parameters import POOL, PUBLISHER, VISITOR
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.response_cache import Computed
from api.http.services import Services
from api.links.dial_page import dial_page
from api.links.landing import (
    SHORT_PROOF_SECONDS,
    NumberedRedirect,
    forwarded,
    is_plain,
    proof,
    redirect,
    split_landing_url,
    without_number,
)
from ringpool.catalog.fallback import fall_back, has_nothing
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.faults import Missing, UnknownValue
from ringpool.model import Pool
from ringpool.visits import crawlers
from ringpool.visits.click import Click, Surroundings, device
from ringpool.visits.per_click import SplitQuery, split_link_query
from ringpool.visits.queries import read_query


class _Key(Struct, frozen=True):
    """All of a request that its answer depends on. ``area``: for a pool that goes by areas."""

    pool_id: str
    query: tuple[bytes, ...]
    referrer: str
    is_phone: bool
    area: tuple[str, ...] = ()


class _Visit(Struct, frozen=True):
    """A click on a tracking link, as far as it is read before its answer is looked up."""

    key: _Key
    query: bytes
    split: SplitQuery
    snapshot: Snapshot

    def attributes(self) -> bytes:
        """What is kept of this click when its answer was remembered."""
        parameters = read_query(self.query, lenient=True)
        return _click(self.key, parameters, self.snapshot).attributes()


async def _link(request: Request) -> Reply:
    """Remembered, or computed: pool, tuple, allocation; written for this click's query."""
    visit = _parse(request)
    if crawlers.takes_nothing(request.method, request.headers):
        pool, _ = await _find_pool(request.services, visit.snapshot, visit.key.pool_id)
        return without_number(pool.landing_url or "", visit.query)
    answer = await request.services.responses.answer(
        visit.key, visit.snapshot, partial(_compute, request, visit), visit.attributes
    )
    return answer.reply(visit.query) if isinstance(answer, NumberedRedirect) else answer


def _parse(request: Request) -> _Visit:
    query = request.query_string
    split = split_link_query(query)
    pool_id, snapshot = request.path("pool"), request.services.snapshot
    prepared = snapshot.pools.get(pool_id)
    key = _Key(
        pool_id,
        split.cache_key,
        request.header(b"referer"),
        crawlers.is_phone(request.headers),
        request.area() if prepared is not None and prepared.by_area else (),
    )
    return _Visit(key, query, split, snapshot)


async def _compute(
    request: Request, visit: _Visit, snapshot: Snapshot
) -> Computed[Reply | NumberedRedirect]:
    services = request.services
    pool, snapshot = await _find_pool(services, snapshot, visit.key.pool_id)
    parameters = request.parameters(lenient=True)
    click = _click(visit.key, parameters, snapshot, request.network())
    services.metrics.count_unfilled(pool.id, click.unfilled_of(pool))
    answer, fallback = await _allocate(services, snapshot.pools[pool.id], click)
    if answer is None:
        return Computed(without_number(pool.landing_url or "", visit.query))
    start, fragment = split_landing_url(pool.landing_url or "")
    after = proof(services.signing.sign, pool.id, answer, fallback) + fragment
    if visit.key.is_phone and _click_to_call(pool, parameters):
        landing_page = start + forwarded(visit.query) + after
        return Computed(dial_page(answer.number, landing_page))
    if (
        isinstance(answer, HeldAnswer)
        and not fallback
        and not click.unfilled
        and is_plain(visit.query)
        and visit.split.shareable((pool,))
    ):
        shared = NumberedRedirect(start, after)
        size = sum(map(len, (*visit.key.query, visit.key.referrer))) + shared.size
        long_proof = answer.hold_ms / 1000 - SHORT_PROOF_SECONDS
        return Computed(shared, (answer,), size, valid_seconds=long_proof)
    return Computed(redirect((start + forwarded(visit.query) + after).encode("ascii")))


async def _find_pool(services: Services, snapshot: Snapshot, pool_id: str) -> tuple[Pool, Snapshot]:
    """The link's pool and the snapshot that has it, a newer one perhaps; raises Refusal 404."""
    snapshot = await lookups.with_pool(services, snapshot, pool_id)
    pool = snapshot.pools[pool_id].pool
    if pool.landing_url is None:
        raise Refusal(404, "NoLandingPage", f"pool {pool_id} has no landing_url")
    return pool, snapshot


def _click(
    key: _Key, parameters: Mapping[str, str], snapshot: Snapshot, network: str = NOBODY
) -> Click:
    """The click, whose tuple is made of the link's parameters alone.

    The landing page is kept with it, but adds nothing to the tuple: links to one pool that have
    the same parameters have the same tuple.
    """
    landing_url = snapshot.pools[key.pool_id].pool.landing_url or ""
    extra = {"landing_page": landing_url}
    publisher = parameters.get("publisher", "")
    if publisher in snapshot.accounts:
        extra["publisher"] = publisher
    surroundings = Surroundings(device(is_phone=key.is_phone), area=key.area, network=network)
    return Click(
        "",
        key.referrer,
        parameters,
        parameters.get("visitor", ""),
        extra,
        surroundings=surroundings,
    )


async def _allocate(
    services: Services, prepared: PreparedPool, click: Click
) -> tuple[Answer | None, str]:
    """The click's answer; None when the landing page keeps its own number.

    With it the pool that gave it in place of the link's; "": none did.
    """
    if prepared.fixed is not None:
        return prepared.fixed, ""
    pool, allocate = prepared.pool, services.assignments.allocate
    try:
        answer = await allocate(pool.id, click.ask(pool, prepared.areas))
    except (Missing, UnknownValue, StoreUnavailable, UnknownPool):
        return None, ""
    if prepared.fallbacks and has_nothing(answer):
        gave = await fall_back(prepared, click, allocate)
        if gave is not None:
            return gave.answer, gave.prepared.pool.id
    return None if answer.state is State.NONE else answer, ""


def _click_to_call(pool: Pool, parameters: Mapping[str, str]) -> bool:
    """Whether phones dial first: the link's parameter decides, else the pool's setting."""
    wanted = parameters.get("mobile_click_to_call")
    return pool.mobile_click_to_call if wanted is None else wanted in ("1", "true", "yes")


_LINK = Operation(
    "GET",
    "link",
    "To the landing page with a signed number, the query's parameters kept",
    {
        200: response("A page that dials, for phones", content(str, "text/html")),
        302: response("The landing page"),
    },
    (400, 404),
    [
        POOL,
        PUBLISHER,
        VISITOR,
        parameter(
            "mobile_click_to_call",
            text="`1`: phones dial first, `0`: they don't; else as the pool says",
            example="1",
        ),
        parameter(
            "parameters",
            {"type": "object", "additionalProperties": True},
            text="The pool's own parameters, by name, and any that the landing page shall get",
            example={"website": "one", "gclid": "EAIaIQ"},
        ),
    ],
    tag="links",
    text="What a media buyer gives an ad network as the ad's address. The number comes to the "
    "landing page as `rp_number`, `rp_pool`, `rp_exp` and `rp_sig`, which the page script and "
    "`/v1/verify` check; `rp_fallback` names the pool that gave it where the link's had none left. "
    "Where there is none to give, the visitor gets there without. "
    "Crawlers and HEAD take nothing.",
    examples={200: '<!doctype html><a id="call" href="tel:+18885550101">Call (888) 555-0101</a>'},
)
link = Endpoint("link", problem_form, {"GET": _link}, [_LINK])
