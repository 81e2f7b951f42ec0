"""For ad servers: many number requests in one call. A bad row fails alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import perf_counter
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, structs

from allocator.allocator import UnknownPool
from allocator.port import StoreUnavailable
from api import replies
from api.ad_servers import Allocation, Order, allocation, error_form, understood
from api.endpoint import Endpoint
from api.refusals import Refusal, Refused, refusal
from api.replies import Reply
from api.request import Request
from ringpool.faults import Fault
from ringpool.queries import read_query

LONGEST_BODY = 4 * 1024 * 1024
MOST_ROWS = 1_000

_REQUEST = "allocate_number.json"


class BulkRequest(Struct, frozen=True):
    """The body. Rows are checked one by one, so that a bad one fails alone."""

    requests: Annotated[list[Any], Meta(max_length=MOST_ROWS)]


class BulkAnswer(Allocation, frozen=True, omit_defaults=True, kw_only=True):
    """An Allocation for a row."""

    request_id: Any = UNSET


class BulkError(Struct, frozen=True, kw_only=True):
    """Why a row has no answer."""

    error_class: str
    message: str
    request_id: Any = UNSET


_decode = msgspec.json.Decoder(BulkRequest).decode


async def _bulk(request: Request) -> Reply:
    started = perf_counter()
    try:
        rows = _decode(await request.document(LONGEST_BODY)).requests
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "InvalidParameter", f"requests: {error}") from None
    orders: dict[str, list[tuple[int, Order]]] = defaultdict(list)
    responses: dict[int, BulkAnswer | BulkError] = {}
    for place, row in enumerate(rows):
        try:
            order = await _order(request, row)
        except Refused as error:
            responses[place] = _failed(row, error)
        else:
            orders[order.pool_id].append((place, order))
    outages = await asyncio.gather(
        *(_allocate(request, pool_id, orders[pool_id], rows, responses) for pool_id in orders)
    )
    if outages and all(outages):
        raise StoreUnavailable
    ordered = [responses[place] for place in range(len(rows))]
    took = (b"processing-time", b"%.3f" % ((perf_counter() - started) * 1000))
    return replies.json({"responses": ordered}, headers=(took,))


async def _order(request: Request, row: Any) -> Order:
    suffix = row.get("api_suffix") if isinstance(row, dict) else None
    if not isinstance(suffix, str):
        raise Fault("api_suffix", "expected POOL/allocate_number.json?ring_pool_key=…")
    path, _, query = suffix.partition("?")
    pool_id, slash, rest = path.partition("/")
    if not slash or rest != _REQUEST:
        raise Fault("api_suffix", f"expected POOL/{_REQUEST} before the question mark")
    return await understood(
        request.services, pool_id, read_query(query), request.bearer(), request.base_url()
    )


async def _allocate(
    request: Request,
    pool_id: str,
    orders: Sequence[tuple[int, Order]],
    rows: Sequence[Any],
    responses: dict[int, BulkAnswer | BulkError],
) -> bool:
    """Answer all rows of one pool at once, into ``responses``; True when the store is away."""
    asks = [order.ask for _, order in orders]
    try:
        answers = await request.services.answers.allocate_many(pool_id, asks)
    except (StoreUnavailable, UnknownPool) as error:
        responses.update((place, _failed(rows[place], error)) for place, _ in orders)
        return isinstance(error, StoreUnavailable)
    for (place, order), answer in zip(orders, answers, strict=True):
        fields = structs.asdict(allocation(answer, order.tracking_url))
        responses[place] = BulkAnswer(**fields, request_id=_request_id(rows[place]))
    return False


def _failed(row: Any, error: Exception) -> BulkError:
    refused = refusal(error)
    return BulkError(error_class=refused.kind, message=refused.message, request_id=_request_id(row))


def _request_id(row: Any) -> Any:
    """Whatever the caller wrote, to be echoed."""
    return row.get("request_id", UNSET) if isinstance(row, dict) else UNSET


bulk = Endpoint("bulk", error_form, {"POST": _bulk})
