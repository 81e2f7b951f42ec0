"""For pages: which numbers to show."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from time import monotonic, time
from typing import NamedTuple

from msgspec import Struct, to_builtins

from allocator.answers import NOBODY, Answer, Ask, State
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.worker.cache import HeldAnswer
from api.http.description import Operation
from api.http.endpoint import Endpoint
from api.http.replies import Reply
from api.http.request import Request
from api.http.request_quota import count_request
from api.http.response_cache import Computed
from api.http.services import Services
from api.pages import server_visit
from api.pages.admission import (
    Admission,
    admit,
    headers_read,
    preflight,
    surroundings_of,
)
from api.pages.page_operations import PAGE_REFUSALS, SWAP_PARAMETERS, error_examples
from api.pages.page_replies import callback_name, error_form, is_callback, page_reply
from api.pages.swap_answers import HeldSwaps, NoSwap, Swap, Swaps, swap_of
from ringpool.catalog.fallback import fall_back, has_nothing
from ringpool.catalog.routing import (
    AskedPool,
    Targets,
    kept_numbers,
    route,
    seal_of,
    signed_number,
    without,
)
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.targets import read_targets
from ringpool.faults import Fault
from ringpool.model import Scope
from ringpool.visits import crawlers
from ringpool.visits.click import Click, Surroundings, device, page_click
from ringpool.visits.per_click import SplitQuery, split_page_query
from ringpool.visits.queries import read_query


class _Key(Struct, frozen=True):
    """All of a request that its answer depends on.

    ``headers``: what the account's rules read. ``bearer``: a server's key; "" for a page.
    """

    query: tuple[bytes, ...]
    origin: str
    headers: tuple[str | tuple[str, ...], ...] = ()
    bearer: str = ""


class _Visit(Struct, frozen=True):
    """A request for numbers, as far as it is read before its answer is looked up.

    ``callback``: as far as it is a per-click value, else "". ``network``: of a server's visitor.
    """

    key: _Key
    query: bytes
    split: SplitQuery
    callback: str
    is_phone: bool
    is_visitor: bool
    snapshot: Snapshot
    network: str = NOBODY

    def attributes(self) -> bytes:
        """What is kept of this click when its answer was remembered."""
        surroundings = Surroundings(device(is_phone=self.is_phone))
        parameters = read_query(self.query)
        return page_click(parameters, surroundings, self.snapshot.accounts).attributes()


class _Withheld(NamedTuple):
    """Why a pool gives a page nothing."""

    reason: str
    message: str = ""


class _Result(NamedTuple):
    """What a pool gave for its targets. ``keep``: as in ``Swap``. ``shared``: others may get it.

    ``fallback``: the pool that gave it in place of the one that was asked; "": none did.
    """

    asked: AskedPool
    answer: Answer | _Withheld
    keep: str = ""
    shared: bool = True
    fallback: str = ""


async def _swap(request: Request) -> Reply:
    """Remembered, or computed: pools, tuples, allocation; written for this request's callback."""
    visit = _parse(request)
    if visit.key.bearer:
        await count_request(request)
    services = request.services
    compute = partial(_compute, request, visit)
    if visit.is_visitor and (not visit.callback or is_callback(visit.callback)):
        answer = await services.responses.answer(
            visit.key, visit.snapshot, compute, visit.attributes
        )
    else:
        answer = (await compute(visit.snapshot)).answer
    reply = answer.reply(visit.callback) if isinstance(answer, HeldSwaps) else answer
    return server_visit.private(reply) if visit.key.bearer else reply


def _parse(request: Request) -> _Visit:
    if bearer := request.bearer():
        return _parse_server_visit(request, bearer)
    query = request.query_string
    split = split_page_query(query)
    is_phone = crawlers.is_phone(request.headers)
    snapshot = request.services.snapshot
    read: tuple[str | tuple[str, ...], ...] = ()
    if snapshot.by_headers and (names := headers_read(snapshot, query)):
        surroundings = surroundings_of(request)
        read = tuple(getattr(surroundings, name) for name in sorted(names))
    return _Visit(
        _Key(split.cache_key, request.header(b"origin"), read),
        query,
        split,
        split.value(b"callback").decode("ascii"),
        is_phone,
        not crawlers.takes_nothing(request.method, request.headers),
        snapshot,
    )


def _parse_server_visit(request: Request, bearer: str) -> _Visit:
    server_visit.check_key(request, bearer)
    visit = server_visit.read(request)
    split = split_page_query(visit.query)
    return _Visit(
        _Key(split.cache_key, "", (device(is_phone=visit.is_phone),), bearer),
        visit.query,
        split,
        "",
        visit.is_phone,
        visit.is_visitor,
        request.services.snapshot,
        visit.network,
    )


async def _compute(
    request: Request, visit: _Visit, snapshot: Snapshot
) -> Computed[Reply | HeldSwaps]:
    parameters, asked = read_query(visit.query), monotonic()
    callback = callback_name(parameters)
    page = await admit(request, parameters, snapshot)
    # Where a server is says nothing of its visitor.
    surroundings = Surroundings(device(is_phone=visit.is_phone), network=visit.network)
    if not visit.key.bearer:
        surroundings = surroundings_of(request)._replace(network=request.network())
    click = page_click(parameters, surroundings, page.snapshot.accounts)
    valid_seconds = math.inf
    if visit.is_visitor:
        results, unmatched, valid_seconds = await _answer_all(request.services, page, click)
    else:
        routes = route(page.targets, click)
        results = [
            _Result(asked, _Withheld("not_a_visitor"), shared=False) for asked in routes.pools
        ]
        unmatched = routes.unmatched
    swaps = _swaps(page, results, unmatched, parameters.get("targets"))
    headers = server_visit.number_headers(swaps.swaps) if visit.key.bearer else page.cors
    shown = None
    if swaps.swaps and not visit.key.bearer:
        shown = partial(request.services.metrics.count_tag_swap, page.account.id)
    if callback != visit.callback or not _is_shared(visit, page, results):
        if shown is not None:
            shown()
        return Computed(page_reply(callback, swaps, headers))
    held = [result.answer for result in results if isinstance(result.answer, HeldAnswer)]
    answer = HeldSwaps(swaps, headers, asked, shown)
    size = sum(map(len, (*visit.key.query, visit.key.origin))) + answer.size
    return Computed(answer, held, size, valid_seconds=valid_seconds)


def _is_shared(visit: _Visit, page: Admission, results: Sequence[_Result]) -> bool:
    """Whether other visitors whose request has the same key get the same answer.

    Not if the page is known by its referrer only, which isn't in the key.
    """
    if page.account.origins and not (visit.key.origin or visit.key.bearer):
        return False
    if not all(result.shared for result in results):
        return False
    pools = (result.asked.prepared.pool for result in results)
    return visit.split.shareable(pools, page.snapshot.rules_of(page.account.id).compared)


async def _answer_all(
    services: Services, page: Admission, click: Click
) -> tuple[Sequence[_Result], Sequence[str], float]:
    """What the pools give, the targets that none is for, and for how many seconds that is right."""
    left, results, valid_seconds = page.targets, list[_Result](), math.inf
    now = time()
    signed = signed_number(
        page.snapshot,
        page.account.id,
        left,
        click.url_parameters,
        services.signing.keys,
        now,
    )
    if signed is not None:
        # How much of its guarantee is left isn't known here, so none is told.
        results.append(_Result(signed.asked, Answer(State.HELD, signed.number)))
        left, valid_seconds = without(left, signed.asked.targets), signed.expires - now
    if held := click.given.get("held"):
        kept = await _keep(services, page, left, held, click)
        results += kept
        left = without(left, (target for result in kept for target in result.asked.targets))
    routes = route(left, click)
    if len(routes.pools) == 1:  # most pages: no task needed
        results.append(await _allocate(services, routes.pools[0], click))
    else:
        results += await asyncio.gather(
            *(_allocate(services, asked, click) for asked in routes.pools)
        )
    return results, routes.unmatched, valid_seconds


async def _keep(
    services: Services, page: Admission, targets: Targets, held: str, click: Click
) -> list[_Result]:
    """What the visitor has of sticky pools, and may keep."""
    results: list[_Result] = []
    for kept in kept_numbers(page.snapshot, page.account.id, targets, held, services.signing.seal):
        wanted = [target for target in kept.asked.targets if target in targets]
        if not wanted:
            continue
        asked, gave = kept.asked.prepared, kept.gave
        answer: Answer | _Withheld | None
        try:
            answer = await services.assignments.find(
                gave.pool.id, Ask(kept.tuple, click.attributes, network=click.network)
            )
        except StoreUnavailable:
            answer = _Withheld("store_unavailable")
        except UnknownPool:
            answer = None
        if answer is not None:
            targets = without(targets, wanted)
            keep = seal_of(asked, gave, kept.tuple, services.signing.seal)
            shared = isinstance(answer, HeldAnswer)
            fallback = gave.pool.id if gave.pool.id != asked.pool.id else ""
            results.append(_Result(AskedPool(asked, wanted), answer, keep, shared, fallback))
    return results


async def _allocate(services: Services, asked: AskedPool, click: Click) -> _Result:
    prepared = asked.prepared
    if prepared.fixed is not None:
        return _Result(asked, prepared.fixed)
    pool = prepared.pool
    try:
        ask = click.ask(pool, prepared.areas)
        answer = await services.assignments.allocate(pool.id, ask)
    except Fault as error:
        return _Result(asked, _Withheld(error.reason, str(error)), shared=False)
    except StoreUnavailable:
        return _Result(asked, _Withheld("store_unavailable"), shared=False)
    except UnknownPool:
        return _Result(asked, _Withheld("unknown_pool"), shared=False)
    if click.unfilled:
        services.metrics.count_unfilled(pool.id, click.unfilled_of(pool))
    seal = services.signing.seal
    if prepared.fallbacks and has_nothing(answer):
        gave = await fall_back(prepared, click, services.assignments.allocate)
        if gave is not None:
            # Not to be repeated: the pool may have a number of its own any moment.
            keep = seal_of(prepared, gave.prepared, gave.tuple, seal)
            return _Result(asked, gave.answer, keep, shared=False, fallback=gave.prepared.pool.id)
    if answer.state is State.NONE:
        return _Result(asked, _Withheld(_reason(answer)), shared=False)
    keep = "" if answer.state is State.OVERFLOW else seal_of(prepared, prepared, ask.tuple, seal)
    shared = isinstance(answer, HeldAnswer) and not click.unfilled
    return _Result(asked, answer, keep, shared)


def _reason(answer: Answer) -> str:
    """Why there is no number."""
    return "budget" if answer.over_budget else "exhausted"


def _swaps(
    page: Admission,
    results: Sequence[_Result],
    unmatched: Sequence[str],
    targets_text: str | None,
) -> Swaps:
    """What the pools gave, target by target, each in the format asked for."""
    formats = read_targets(targets_text) if targets_text else {}
    swaps: list[Swap] = []
    nothing = [NoSwap(target=target, reason="unknown_target") for target in page.unknown_targets]
    nothing += [NoSwap(target=target, reason="no_rule") for target in unmatched]
    for (prepared, targets), answer, keep, _, fallback in results:
        pool = prepared.pool
        if isinstance(answer, Answer):
            swaps += [
                swap_of(target, pool, answer, keep, formats.get(target), fallback)
                for target in targets
            ]
        else:
            nothing += [
                NoSwap(target=target, reason=answer.reason, pool=pool.id, message=answer.message)
                for target in targets
            ]
    return Swaps(swaps=swaps, none=nothing)


_EXAMPLE = Swaps(
    swaps=[
        Swap(
            target="+18005550100",
            number="+18885550101",
            display="(888) 555-0101",
            national="(888) 555-0101",
            international="+1 888-555-0101",
            cc="1",
            state=State.NEW,
            guaranteed_until="2026-11-21T22:10:00Z",
            pool="ad-placement",
            hold_ms=600_000,
        )
    ]
)
_SWAP = Operation(
    "GET",
    "swap",
    "Which numbers a page, or a server with an account's API key, shows its visitor",
    {200: Swaps, **PAGE_REFUSALS},
    parameters=SWAP_PARAMETERS,
    security=("", "Bearer"),
    scopes=(Scope.ALLOCATE,),
    tag="pages",
    text="One entry of `swaps` for each printed number to replace, and one of `none` for each that "
    "stays, with its reason. With `callback=NAME` the answer is a script (JSONP), 200 whatever "
    "happened. A server tells its visitor's `url`, `ref`, `visitor`, `agent` and `address` as "
    "parameters, or as headers: `X-Ringpool-Url` for `url`, and so on. An entry may be shown to "
    "the same visitor for `hold_ms` milliseconds.",
    examples={200: to_builtins(_EXAMPLE), **error_examples(*PAGE_REFUSALS)},
)

swap = Endpoint("swap", error_form, {"GET": _swap, "OPTIONS": preflight}, [_SWAP])
