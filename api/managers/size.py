"""For managers: how many numbers a pool needs."""

from __future__ import annotations

import msgspec

from api.http import replies
from api.http.description import parameter
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from ringpool.aside import SHORT, aside
from ringpool.sizing import reading
from ringpool.sizing.sizing import Sizing, size


async def _size(request: Request) -> Reply:
    authenticate(request)
    question = reading.read(request.parameters())
    return replies.json(await aside(SHORT + 1, size, question))


_EXAMPLES = {
    "clicks": "48000/d",
    "peak": "2",
    "distinct": "60%",
    "keywords": "5000",
    "zipf": "1",
    "peakedness": "1",
    "min_duration": "10m",
    "renewed": "0",
    "overflow": "1%",
    "numbers": "430",
    "call_delay": "5m",
}
_EXAMPLE = size(reading.read(_EXAMPLES))
_GET_SIZE = ManagedOperation(
    "GET",
    "get_size",
    "How many numbers a pool needs",
    {200: Sizing},
    (400, 401),
    tuple(
        parameter(
            name,
            required=name in ("clicks", "min_duration"),
            text=f"{text[0].upper()}{text[1:]}",
            example=_EXAMPLES[name],
        )
        for name, text in reading.FIELDS.items()
    ),
    tag="pools",
    refusals={
        400: (
            "InvalidParameter",
            "clicks: 'many' isn't what is expected: clicks, as in 48000/d, 2000/h or 3/s",
        )
    },
    text="By Erlang's loss formula: from traffic and minimum duration the numbers that are needed, "
    "or from numbers the share of new tuples that find none. `load` is how many numbers would be "
    "taken at a time at the peak, `life_seconds` for how long a tuple has its number on average, "
    "`late_calls` the share of calls after it may have moved on. Nothing is read from the store.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
size_endpoint = managed_endpoint("size", {"GET": _size}, [_GET_SIZE])
