"""For ad servers: many number requests in one call. A bad row fails alone."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct

from allocator.answers import Answer
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.worker.cache import AssignmentCache
from api.ad_servers.allocation import Allocation, allocation_json, error_example, error_form
from api.ad_servers.dated_paths import NO_DATE, VERSION_OR_DATE, check_date, dated
from api.ad_servers.number_request import NumberRequest, parse_request, wrong_key
from api.http import lookups, replies
from api.http.description import PLAIN, Operation, content, named, response, too_large
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal, Refused, refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.response_cache import Computed
from api.http.services import Services
from api.metrics import Metrics
from ringpool.catalog.fallback import Gave, HandedOn, fall_back_many, has_nothing
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault, Missing
from ringpool.visits.pool_tuples import is_bare, parameter_names
from ringpool.visits.queries import read_query

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_KEYLESS_BYTES = 1024 * 1024
"""Of a body that comes without a key in the head: its rows' keys aren't known until it is read."""

MAX_ROWS = 1_000

_SUFFIX = re.compile(
    rf"(?:(?:/?api/{VERSION_OR_DATE})?/?ring_pools/)?([^/]+)/allocate_number\.json"
)
"""A row's path: from the pool's id on, from ``ring_pools``, or the whole one."""


class BulkRequest(Struct, frozen=True):
    """The body. Rows are checked one by one, so that a bad one fails alone."""

    requests: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_ROWS)]


class BulkRow(Struct, frozen=True):
    """One row. ``request_id``: whatever the caller wrote, to be echoed as it came."""

    api_suffix: str
    request_id: Raw = Raw()


class BulkAnswer(Allocation, frozen=True, omit_defaults=True, kw_only=True):
    """An Allocation for a row, for the description: rows are put together from encoded parts."""

    request_id: Any = UNSET


class BulkError(Struct, frozen=True, kw_only=True):
    """Why a row has no answer."""

    error_class: str
    message: str
    request_id: Any = UNSET


class _Label(Struct):
    """Of a row that is no BulkRow, what its answer is recognised by."""

    request_id: Raw = Raw()


_decode = msgspec.json.Decoder(BulkRequest).decode
_decode_row = msgspec.json.Decoder(BulkRow).decode
_decode_label = msgspec.json.Decoder(_Label).decode
_encode = msgspec.json.Encoder().encode


class _Partly(Struct, frozen=True):
    """An answer to a row of which something was ignored, which is counted every time."""

    document: bytes
    pool_id: str
    ignored: int


_Answer = bytes | _Partly | Exception
"""A row's answer as a JSON object, or why it has none (one of ``Refused``)."""


class _Key(Struct, frozen=True):
    """All of a row that its answer depends on. ``api_suffix`` is None when it is no BulkRow."""

    api_suffix: str | None
    bearer: str
    base_url: str


async def _dated_bulk(request: Request) -> Reply:
    """The same under a path with a date."""
    check_date(request)
    return await _bulk(request)


async def _bulk(request: Request) -> Reply:
    """Rows whose answer is remembered, and the others computed together."""
    started = perf_counter()
    services = request.services
    await lookups.check_started(services)
    bearer, base_url = request.bearer(), request.base_url()
    if bearer:
        await _check_bearer(services, bearer)
    rows = _parse(await request.document(MAX_BODY_BYTES if bearer else MAX_KEYLESS_BYTES))
    keys = [_Key(api_suffix, bearer, base_url) for api_suffix, _ in rows]
    snapshot = services.snapshot
    snapshot = await lookups.with_known_pools(services, snapshot, _unknown_pools(keys, snapshot))
    answers = await services.responses.answer_many(keys, snapshot, partial(_compute, services))
    if answers and all(isinstance(answer, StoreUnavailable) for answer in answers):
        raise StoreUnavailable
    responses = [
        _with_id(_document(answer, services.metrics), request_id)
        for (_, request_id), answer in zip(rows, answers, strict=True)
    ]
    took = (b"processing-time", b"%.3f" % ((perf_counter() - started) * 1000))
    return replies.json_text(b'{"responses":[%s]}' % b",".join(responses), headers=(took,))


async def _check_bearer(services: Services, bearer: str) -> None:
    """Raise Refusal 401 for the key of no pool, before the body is read."""
    if not services.snapshot.is_pool_key(bearer):
        await services.keeper.look()
        if not services.snapshot.is_pool_key(bearer):
            raise wrong_key()


def _parse(document: bytes) -> list[tuple[str | None, Raw]]:
    """Each row's ``api_suffix``, None when it is no BulkRow, and its ``request_id``.

    Raises Refusal 400 for what is no BulkRequest.
    """
    try:
        if not document.isascii():
            document.decode()  # what is echoed as it came must be UTF-8
        raw_rows = _decode(document).requests
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "InvalidParameter", f"requests: {error}") from None
    rows: list[tuple[str | None, Raw]] = []
    for raw in raw_rows:
        try:
            row = _decode_row(raw)
            rows.append((row.api_suffix, row.request_id))
        except msgspec.ValidationError:
            rows.append((None, _request_id(raw)))
    return rows


async def _compute(
    services: Services, keys: Sequence[_Key], snapshot: Snapshot
) -> list[Computed[_Answer]]:
    """Answers in the order of their keys: pools, tuples, one allocation a pool."""
    computed: dict[int, Computed[_Answer]] = {}
    waiting: dict[str, list[tuple[int, NumberRequest]]] = defaultdict(list)
    for place, key in enumerate(keys):
        try:
            pool_id, query = _split_suffix(key.api_suffix)
            parameters = read_query(query)
            if pool_id not in snapshot.pools:
                raise lookups.unknown_pool(pool_id)
            wanted = parse_request(snapshot, pool_id, parameters, key.bearer, key.base_url)
            if wanted.fixed is None and is_bare(wanted.ask.tuple):
                names = ", ".join(parameter_names(snapshot.pools[pool_id].pool))
                raise Missing(names, "a row needs at least one of them, an empty one perhaps")
            waiting[pool_id].append((place, wanted))
        except Refused as error:
            computed[place] = Computed(error)

    async def allocate(pool_id: str) -> None:
        places, requests = zip(*waiting[pool_id], strict=True)
        for wanted in requests:
            services.metrics.count_unfilled(pool_id, wanted.unfilled)
        answers = await _allocate(services.assignments, pool_id, requests)
        gave = await _fall_back(services.assignments, requests, answers)
        for turn, (place, wanted) in enumerate(zip(places, requests, strict=True)):
            computed[place] = _computed(keys[place], wanted, answers[turn], gave.get(turn))

    await asyncio.gather(*map(allocate, waiting))
    return [computed[place] for place in range(len(keys))]


def _unknown_pools(keys: Sequence[_Key], snapshot: Snapshot) -> Iterator[str]:
    """The pools of well-formed rows that the snapshot doesn't have."""
    for key in keys:
        if key.api_suffix and key.api_suffix.partition("/")[0] not in snapshot.pools:
            with suppress(Fault):
                pool_id, _ = _split_suffix(key.api_suffix)
                if pool_id not in snapshot.pools:
                    yield pool_id


def _split_suffix(api_suffix: str | None) -> tuple[str, str]:
    """A row's pool and query; raises Fault."""
    if api_suffix is None:
        raise Fault("api_suffix", "expected POOL/allocate_number.json?ring_pool_key=…")
    path, _, query = api_suffix.partition("?")
    matched = _SUFFIX.fullmatch(path)
    if matched is None:
        raise Fault("api_suffix", "expected POOL/allocate_number.json before the question mark")
    return matched[1], query


async def _allocate(
    assignments: AssignmentCache, pool_id: str, requests: Sequence[NumberRequest]
) -> Sequence[Answer | StoreUnavailable | UnknownPool]:
    """The answers of one pool, in order, each with its own failure."""
    fixed = requests[0].fixed
    if fixed is not None:
        return [fixed] * len(requests)
    try:
        return await assignments.allocate_many(pool_id, [wanted.ask for wanted in requests])
    except UnknownPool as error:
        return [error] * len(requests)


async def _fall_back(
    assignments: AssignmentCache,
    requests: Sequence[NumberRequest],
    answers: Sequence[Answer | StoreUnavailable | UnknownPool],
) -> dict[int, Gave]:
    """What other pools give for requests of one pool that had nothing, by their places."""
    first = requests[0].prepared
    if not first.fallbacks:
        return {}
    places = [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer, Answer) and has_nothing(answer)
    ]
    handed_on = [HandedOn(requests[place].click, bool(requests[place].ignored)) for place in places]
    given = await fall_back_many(first, handed_on, assignments.allocate_many)
    return {place: gave for place, gave in zip(places, given, strict=True) if gave is not None}


def _computed(
    key: _Key,
    wanted: NumberRequest,
    answer: Answer | StoreUnavailable | UnknownPool,
    gave: Gave | None,
) -> Computed[_Answer]:
    if gave is not None:
        answer = gave.answer
    if not isinstance(answer, Answer):
        return Computed(answer)
    fell_back = wanted.fell_back(gave)
    document = allocation_json(answer, wanted.tracking_url, wanted.ignored, fell_back)
    row: _Answer = document
    if wanted.ignored:
        row = _Partly(document, wanted.pool_id, len(wanted.ignored))
    if gave is not None:  # the pool may have a number of its own any moment
        return Computed(row)
    size = len(key.api_suffix or "") + len(key.bearer) + len(key.base_url) + len(document)
    return wanted.computed(answer, row, size)


def _document(answer: _Answer, metrics: Metrics) -> bytes:
    """The answer as a JSON object; what was ignored of its row is counted."""
    if isinstance(answer, bytes):
        return answer
    if isinstance(answer, _Partly):
        metrics.count_ignored(answer.pool_id, answer.ignored)
        return answer.document
    return _error(answer)


def _with_id(document: bytes, request_id: Raw) -> bytes:
    """A JSON object that has fields, with the caller's request_id as its last."""
    given = bytes(request_id)
    return b'%s,"request_id":%s}' % (document[:-1], given) if given else document


def _error(error: Exception) -> bytes:
    refused = refusal(error)
    return _encode(BulkError(error_class=refused.kind, message=refused.message))


def _request_id(raw: Raw) -> Raw:
    """The request_id of a row that is no BulkRow, as far as it has one."""
    try:
        return _decode_label(raw).request_id
    except msgspec.ValidationError:  # no object
        return Raw()


_ROW = named("BulkRow", {"api_suffix": str, "request_id": {}}, ["api_suffix"])
_REQUEST = named(
    "BulkRequest",
    {"requests": {"type": "array", "items": _ROW, "minItems": 1, "maxItems": MAX_ROWS}},
    ["requests"],
)
_RESPONSES = named(
    "BulkResponses",
    {"responses": {"type": "array", "items": {"anyOf": [BulkAnswer, BulkError]}}},
    ["responses"],
)
_EXAMPLE = {
    "requests": [
        {
            "api_suffix": "ad-placement/allocate_number.json?ring_pool_key=KEY&website=one",
            "request_id": "193C5F",
        },
        {"api_suffix": "ad-placement/allocate_number.json?website=two", "request_id": "58CD4F"},
    ]
}
_EXAMPLE_RESPONSES = {
    "responses": [
        {
            "promo_number": "8885550101",
            "promo_number_formatted": "888-555-0101",
            "tracking_url": "https://numbers.example/t/ad-placement?website=one",
            "number": "+18885550101",
            "state": "new",
            "guaranteed_until": "2026-11-21T22:10:00Z",
            "request_id": "193C5F",
        },
        {
            "error_class": "MissingParameter",
            "message": "ring_pool_key: no key was given",
            "request_id": "58CD4F",
        },
    ]
}
_ERRORS = {
    400: "No list of requests, or an empty one",
    401: "A key as `Authorization`, but no pool's",
    413: "The body is too large",
    415: "The body isn't JSON",
    503: "The store is away: try again",
}
_REFUSALS = {
    400: ("InvalidParameter", "requests: Expected `array` of length >= 1 - at `$.requests`"),
    413: too_large(MAX_KEYLESS_BYTES),
}
_BULK = Operation(
    "POST",
    "bulk",
    "Up to 1,000 number requests; a bad row fails alone",
    {200: response("An answer or an error a row, in order", content(_RESPONSES))}
    | {status: response(text, content(str, PLAIN)) for status, text in _ERRORS.items()},
    body=content(_REQUEST),
    security=("", "Bearer"),
    tag="ad servers",
    text="Each row is a request of allocate_number, and has its key, if none comes as "
    "`Authorization`: a body may have 4 MB with it, 1 MB without. Answers come in the order of the "
    "rows, each with its row's `request_id`. The header `processing-time` tells the milliseconds "
    "that it took.",
    examples={
        200: _EXAMPLE_RESPONSES,
        **{each: error_example("json", each, _REFUSALS.get(each)) for each in _ERRORS},
    },
    example=_EXAMPLE,
)
bulk = Endpoint("bulk", error_form, {"POST": _bulk}, [_BULK])
_DATED_BULK = _BULK._replace(
    responses={**_BULK.responses, 404: response("No date in the path", content(str, PLAIN))},
    examples={**_BULK.examples, 404: error_example("json", 404, ("NotFound", NO_DATE))},
)
dated_bulk = Endpoint("bulk", error_form, {"POST": _dated_bulk}, [dated(_DATED_BULK)])
