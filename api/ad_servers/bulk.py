"""For ad servers: many number requests in one call. A bad row fails alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import perf_counter
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Raw, Struct

from allocator.allocator import UnknownPool
from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from api.ad_servers.allocate_number import (
    Allocation,
    NumberRequest,
    allocation,
    error_form,
    parse_request,
)
from api.http import lookups, replies
from api.http.description import PLAIN, Operation, content, response
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal, Refused, refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.visits.queries import read_query

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ROWS = 1_000

_REQUEST = "allocate_number.json"


class BulkRequest(Struct, frozen=True):
    """The body. Rows are checked one by one, so that a bad one fails alone."""

    requests: Annotated[list[Raw], Meta(max_length=MAX_ROWS)]


class BulkRow(Struct, frozen=True):
    """One row. ``request_id``: whatever the caller wrote, to be echoed as it came."""

    api_suffix: str
    request_id: Raw = Raw()


class BulkAnswer(Allocation, frozen=True, omit_defaults=True, kw_only=True):
    """An Allocation for a row, as readers see it: rows are put together from what is written."""

    request_id: Any = UNSET


class BulkError(Struct, frozen=True, kw_only=True):
    """Why a row has no answer."""

    error_class: str
    message: str
    request_id: Any = UNSET


class _Label(Struct):
    """Of a row that is no BulkRow, what its answer is known by."""

    request_id: Raw = Raw()


_decode = msgspec.json.Decoder(BulkRequest).decode
_row = msgspec.json.Decoder(BulkRow).decode
_label = msgspec.json.Decoder(_Label).decode
_encode = msgspec.json.Encoder().encode


class _Waiting(NamedTuple):
    """A row whose number isn't known yet. ``asked``: what ``ResponseCache`` knows its reply by."""

    place: int
    row: BulkRow
    order: NumberRequest
    asked: tuple[str, ...]


async def _bulk(request: Request) -> Reply:
    started = perf_counter()
    try:
        document = await request.document(MAX_BODY_BYTES)
        if not document.isascii():
            document.decode()  # what is echoed as it came must be UTF-8
        rows = _decode(document).requests
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "InvalidParameter", f"requests: {error}") from None
    services = request.services
    await lookups.check_started(services)
    directory = services.snapshot
    bearer, base_url, pools = request.bearer(), request.base_url(), _Pools(services)
    waiting: dict[str, list[_Waiting]] = defaultdict(list)
    responses: list[bytes] = [b""] * len(rows)
    for place, raw in enumerate(rows):
        try:
            row = _row(raw)
            asked = (row.api_suffix, bearer, base_url)
            if reply := services.number_responses.give(asked, directory):
                responses[place] = _with_id(reply.body, row.request_id)
            else:
                pool_id, parameters = _read(row)
                prepared = await pools.find(pool_id)
                order = parse_request(services, prepared, parameters, bearer, base_url)
                waiting[order.pool_id].append(_Waiting(place, row, order, asked))
        except msgspec.ValidationError:
            expected = Fault("api_suffix", "expected POOL/allocate_number.json?ring_pool_key=…")
            responses[place] = _failed(expected, _request_id(raw))
        except Refused as error:
            responses[place] = _failed(error, row.request_id)
    unanswered = await asyncio.gather(
        *(_allocate(services, pool_id, waiting[pool_id], responses) for pool_id in waiting)
    )
    if rows and sum(unanswered) == len(rows):
        raise StoreUnavailable
    took = (b"processing-time", b"%.3f" % ((perf_counter() - started) * 1000))
    body = b'{"responses":[%s]}' % b",".join(responses)
    return Reply(200, b"application/json", body, (replies.NO_STORE, took))


class _Pools:
    """Finds the rows' pools. What isn't known is looked for in the store once, for all rows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looked = False

    async def find(self, pool_id: str) -> PreparedPool:
        """Raises Refusal 404."""
        prepared = self._services.snapshot.pools.get(pool_id)
        if prepared is None and not self._looked:
            self._looked = True
            prepared = await lookups.pool(self._services, pool_id)
        if prepared is None:
            raise lookups.unknown_pool(pool_id)
        return prepared


def _read(row: BulkRow) -> tuple[str, dict[str, str]]:
    """The row's pool and parameters; raises Fault."""
    path, _, query = row.api_suffix.partition("?")
    pool_id, slash, rest = path.partition("/")
    if not slash or rest != _REQUEST:
        raise Fault("api_suffix", f"expected POOL/{_REQUEST} before the question mark")
    return pool_id, read_query(query)


async def _allocate(
    services: Services, pool_id: str, waiting: Sequence[_Waiting], responses: list[bytes]
) -> int:
    """Answer all rows of one pool at once, into ``responses``.

    Returns how many of them the store, being away, left without a number.
    """
    answers: Sequence[Answer | StoreUnavailable | UnknownPool]
    try:
        answers = await services.answers.allocate_many(pool_id, [w.order.ask for w in waiting])
    except UnknownPool as error:
        answers = [error] * len(waiting)
    for (place, row, order, asked), answer in zip(waiting, answers, strict=True):
        if isinstance(answer, Exception):
            responses[place] = _failed(answer, row.request_id)
            continue
        reply = replies.json(allocation(answer, order.tracking_url))
        responses[place] = _with_id(reply.body, row.request_id)
        if answer.state is State.HELD:
            order.keep(services, asked, sum(map(len, asked)), reply)
    return sum(isinstance(answer, StoreUnavailable) for answer in answers)


def _with_id(document: bytes, request_id: Raw) -> bytes:
    """A JSON object that has fields, with the caller's request_id as its last."""
    given = bytes(request_id)
    return b'%s,"request_id":%s}' % (document[:-1], given) if given else document


def _failed(error: Exception, request_id: Raw) -> bytes:
    refused = refusal(error)
    return _with_id(
        _encode(BulkError(error_class=refused.kind, message=refused.message)), request_id
    )


def _request_id(raw: Raw) -> Raw:
    """The request_id of a row that is no BulkRow, as far as it has one."""
    try:
        return _label(raw).request_id
    except msgspec.ValidationError:  # no object
        return Raw()


_RESPONSES = {
    "type": "object",
    "required": ["responses"],
    "properties": {"responses": {"type": "array", "items": {"anyOf": [BulkAnswer, BulkError]}}},
}
_ERROR = content(str, PLAIN)
_BULK = Operation(
    "POST",
    "bulk",
    "Up to 1,000 number requests; a bad row fails alone",
    {
        200: response("An answer or an error a row, in order", content(_RESPONSES)),
        400: response("No list of requests", _ERROR),
        413: response("The body is too large", _ERROR),
        415: response("The body isn't JSON", _ERROR),
        503: response("The store is away: try again", _ERROR),
    },
    body=BulkRequest,
)
bulk = Endpoint("bulk", error_form, {"POST": _bulk}, [_BULK])
