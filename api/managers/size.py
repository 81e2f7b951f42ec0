"""For managers: how many numbers a pool needs."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from allocator.series import MOST_HOURS, MOST_MINUTES
from api.http import replies
from api.http.description import parameter
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate, callers_pool
from api.managers.managed_endpoint import managed_endpoint
from ringpool.aside import SHORT, aside
from ringpool.model import Identifier
from ringpool.sizing import reading, seen
from ringpool.sizing.sizing import Sizing, size
from ringpool.times import format_rfc3339


class PoolSizing(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A pool's size by what it saw. ``question``: as it was asked, what came with the request and
    the rest as the pool saw it; ``busiest`` and ``hours``: when that was."""

    sizing: Sizing
    question: dict[str, str]
    busiest: str = ""
    hours: float = 0.0


async def _size(request: Request) -> Reply:
    authenticate(request)
    question = reading.read(request.parameters())
    return replies.json(await aside(SHORT + 1, size, question))


async def _pool_size(request: Request) -> Reply:
    prepared = await callers_pool(request)
    pool = prepared.pool
    series = await request.services.allocator.series(pool.id, MOST_MINUTES, MOST_HOURS)
    found = seen.busiest(series, pool.min_duration / 1000)
    asked = {name: text for name, text in request.parameters().items() if name in reading.FIELDS}
    given = seen.question(pool, found, asked)
    sizing = await aside(SHORT + 1, size, reading.read(given))
    return replies.json(
        PoolSizing(
            sizing=sizing,
            question=given,
            busiest=format_rfc3339(found.start_ms) if found else "",
            hours=round(found.hours, 3) if found else 0.0,
        )
    )


_EXAMPLES = {
    "clicks": "48000/d",
    "peak": "2",
    "distinct": "0.6",
    "keywords": "5000",
    "zipf": "1",
    "peakedness": "1",
    "min_duration": "10m",
    "renewed": "1",
    "extension": "0s",
    "overflow": "0.01",
    "numbers": "430",
    "call_delay": "5m",
}
_EXAMPLE = size(reading.read(_EXAMPLES))
_FIELDS = {
    name: parameter(
        name,
        text=f"{text[0].upper()}{text[1:]}",
        example=_EXAMPLES[name],
    )
    for name, text in reading.FIELDS.items()
}
_REFUSALS = {
    400: (
        "InvalidParameter",
        "clicks: 'many' isn't what is expected: clicks, as in 48000/d, 2000/h or 3/s",
    )
}
_GET_SIZE = ManagedOperation(
    "GET",
    "get_size",
    "How many numbers a pool needs",
    {200: Sizing},
    (400, 401),
    tuple(
        {**field, "required": name in ("clicks", "min_duration")} for name, field in _FIELDS.items()
    ),
    tag="pools",
    refusals=_REFUSALS,
    text="By Erlang's loss formula: from traffic and minimum duration the numbers that are needed, "
    "or from numbers the share of new tuples that find none. `load` is how many numbers would be "
    "taken at a time at the peak, `life_seconds` for how long a tuple has its number on average, "
    "`late_calls` the share of calls after it may have moved on. Nothing is read from the store.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
size_endpoint = managed_endpoint("size", {"GET": _size}, [_GET_SIZE])

_POOL_EXAMPLE = PoolSizing(
    sizing=_EXAMPLE, question=_EXAMPLES, busiest="2026-11-20T14:00:00Z", hours=1.0
)
_GET_POOL_SIZE = ManagedOperation(
    "GET",
    "get_pool_size",
    "How many numbers a pool needs for what it saw",
    {200: PoolSizing},
    (400, 401, 404),
    (
        parameter("id", Identifier, "path", text="The pool's id", example="ad-placement"),
        *_FIELDS.values(),
    ),
    tag="pools",
    refusals=_REFUSALS,
    text="As `/admin/v1/size`; what isn't given is taken from the pool's rules and from what came "
    "to it in its busiest hour of the last week, or busiest minimum duration where that is longer. "
    "400 where the pool was never asked and no `clicks` are given.",
    examples={200: msgspec.to_builtins(_POOL_EXAMPLE)},
)
pool_size = managed_endpoint("pool_size", {"GET": _pool_size}, [_GET_POOL_SIZE])
