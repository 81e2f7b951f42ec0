"""For pages: which numbers to show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from msgspec import Struct, to_builtins

from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.worker.cache import AssignmentCache, HeldAnswer
from api.http.description import Operation
from api.http.endpoint import Endpoint
from api.http.replies import Reply
from api.http.request import Request
from api.http.response_cache import Computed
from api.pages import server_visit
from api.pages.admission import (
    Admission,
    AskedPool,
    admit,
    page_click,
    preflight,
    target_formats,
)
from api.pages.page_operations import PAGE_REFUSALS, SWAP_PARAMETERS, error_examples
from api.pages.page_replies import callback_name, error_form, is_callback, page_reply
from api.pages.swap_answers import HeldSwaps, NoSwap, Swap, Swaps, swap_of
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault, Missing
from ringpool.model import Pool
from ringpool.visits import crawlers
from ringpool.visits.click import Click
from ringpool.visits.per_click import SplitQuery, split_page_query
from ringpool.visits.queries import read_query


class _Key(Struct, frozen=True):
    """All of a request that its answer depends on. ``bearer``: a server's key; "" for a page."""

    query: tuple[bytes, ...]
    origin: str
    bearer: str


class _Visit(Struct, frozen=True):
    """A request for numbers, as far as it is read before its answer is looked up.

    ``callback``: as far as it is a per-click value, else "".
    """

    key: _Key
    query: bytes
    split: SplitQuery
    callback: str
    is_phone: bool
    is_visitor: bool
    snapshot: Snapshot

    def attributes(self) -> bytes:
        """What is kept of this click when its answer was remembered."""
        return page_click(
            read_query(self.query), is_phone=self.is_phone, publishers=self.snapshot.accounts
        ).attributes()


class _Withheld(NamedTuple):
    """Why a pool gives a page nothing."""

    reason: str
    message: str = ""


async def _swap(request: Request) -> Reply:
    """Remembered, or computed: pools, tuples, allocation; written for this request's callback."""
    visit = _parse(request)
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
    return _Visit(
        _Key(split.cache_key, request.header(b"origin"), ""),
        query,
        split,
        split.value(b"callback").decode("ascii"),
        crawlers.is_phone(request.headers),
        not crawlers.takes_nothing(request.method, request.headers),
        request.services.snapshot,
    )


def _parse_server_visit(request: Request, bearer: str) -> _Visit:
    visit = server_visit.read(request)
    split = split_page_query(visit.query)
    return _Visit(
        _Key(split.cache_key, "", bearer),
        visit.query,
        split,
        "",
        visit.is_phone,
        visit.is_visitor,
        request.services.snapshot,
    )


async def _compute(
    request: Request, visit: _Visit, snapshot: Snapshot
) -> Computed[Reply | HeldSwaps]:
    parameters = read_query(visit.query)
    callback = callback_name(parameters)
    page = await admit(request, parameters, snapshot)
    results: Sequence[Answer | _Withheld] = [_Withheld("not_a_visitor")] * len(page.pools)
    if visit.is_visitor:
        publishers = page.snapshot.accounts
        click = page_click(parameters, is_phone=visit.is_phone, publishers=publishers)
        results = await _allocate_all(request.services.assignments, page.pools, click)
    swaps = _swaps(page, results, parameters.get("targets"))
    headers = page.cors
    if visit.key.bearer:
        headers = server_visit.number_headers(swaps.swaps)
    held = [result for result in results if isinstance(result, HeldAnswer)]
    if len(held) < len(results) or not _is_shared(visit, page, callback):
        return Computed(page_reply(callback, swaps, headers))
    answer = HeldSwaps(swaps, headers)
    size = sum(map(len, (*visit.key.query, visit.key.origin))) + answer.size
    return Computed(answer, held, size)


def _is_shared(visit: _Visit, page: Admission, callback: str) -> bool:
    """Whether other visitors whose request has the same key get the same answer.

    Not if the page is known by its referrer only, which isn't in the key, nor if the callback's
    name couldn't be cut out of the key.
    """
    return (
        bool(visit.key.bearer or visit.key.origin or not page.account.origins)
        and callback == visit.callback
        and visit.split.shareable(asked.pool for asked in page.pools)
    )


async def _allocate_all(
    assignments: AssignmentCache, pools: Sequence[AskedPool], click: Click
) -> Sequence[Answer | _Withheld]:
    if len(pools) == 1:  # most pages: no task needed
        return [await _allocate(assignments, pools[0].pool, click)]
    return await asyncio.gather(*(_allocate(assignments, asked.pool, click) for asked in pools))


async def _allocate(assignments: AssignmentCache, pool: Pool, click: Click) -> Answer | _Withheld:
    try:
        answer = await assignments.allocate(pool.id, click.ask(pool))
    except Missing as error:
        return _Withheld("missing_parameter", str(error))
    except Fault as error:
        return _Withheld("invalid_parameter", str(error))
    except StoreUnavailable:
        return _Withheld("store_unavailable")
    except UnknownPool:
        return _Withheld("unknown_pool")
    return _Withheld("exhausted") if answer.state is State.NONE else answer


def _swaps(
    page: Admission, results: Sequence[Answer | _Withheld], targets_text: str | None
) -> Swaps:
    """What the pools gave, target by target, each in the format asked for."""
    formats = target_formats(targets_text) if targets_text else {}
    swaps: list[Swap] = []
    nothing = [NoSwap(target=target, reason="unknown_target") for target in page.unknown_targets]
    for (pool, targets), result in zip(page.pools, results, strict=True):
        if isinstance(result, Answer):
            swaps += [swap_of(target, pool, result, formats.get(target)) for target in targets]
        else:
            nothing += [
                NoSwap(target=target, reason=result.reason, pool=pool.id, message=result.message)
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
    "Which numbers a page shows; with callback=NAME as JSONP. With an account's API key, "
    "which numbers a server shows its visitor",
    {200: Swaps, **PAGE_REFUSALS},
    parameters=SWAP_PARAMETERS,
    security=("", "Bearer"),
    tag="pages",
    examples={200: to_builtins(_EXAMPLE), **error_examples(400, 401, 403, 404, 503)},
)

swap = Endpoint("swap", error_form, {"GET": _swap, "OPTIONS": preflight}, [_SWAP])
