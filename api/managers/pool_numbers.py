"""For managers: the numbers in a pool, and the pool's counters."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict

from allocator import answers
from api.http import lookups, replies
from api.http.description import INVALID_JSON, parameter, too_large
from api.http.documents import decoded
from api.http.paging import PAGE_REFUSALS
from api.http.replies import Reply
from api.http.request import Request
from api.managers import conditions
from api.managers.callers import ManagedOperation, authenticate, callers_pool
from api.managers.managed_endpoint import managed_endpoint
from api.managers.scanned_page import SCANNED_PAGE, scanned_page
from ringpool.archive.database import ArchiveAway
from ringpool.aside import SHORT, aside
from ringpool.attribution.pool_attribution import Attribution, pool_attribution
from ringpool.model import Identifier, Number
from ringpool.sizing import verdict
from ringpool.sizing.verdict import Fit, SizeVerdict
from ringpool.times import format_rfc3339
from ringpool.visits import tuples

MAX_BODY_BYTES = 1024 * 1024
MAX_NUMBERS = 10_000


class PoolNumber(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number of a pool. The rest is absent while it is unassigned.

    ``guaranteed_until`` may lie in the past: the number is recyclable. ``draining``: removed, and
    gone when the guarantee ends.
    """

    number: str
    tuple: dict[str, str] | None = None
    assigned_at: str = ""
    guaranteed_until: str = ""
    clicks: int = 0
    calls: int = 0
    draining: bool = False


class PoolNumbers(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last.

    Pages are read one by one, and the pool may change between them. ``limit`` is about how many a
    page holds: small pools come on one.
    """

    numbers: list[PoolNumber]
    next: str = ""


class NumberChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers to add to a pool or to remove from it."""

    numbers: Annotated[
        list[Number],
        Meta(min_length=1, max_length=MAX_NUMBERS),
    ]


_decode_change = msgspec.json.Decoder(NumberChange).decode


async def _list(request: Request) -> Reply:
    prepared = await callers_pool(request)
    after, limit = scanned_page(request)
    following, rows = await request.services.allocator.numbers(prepared.pool.id, after, limit)
    numbers = [_pool_number(row) for row in rows]
    return replies.json(PoolNumbers(numbers, "" if following == "0" else following))


async def _add(request: Request) -> Reply:
    prepared = await callers_pool(request)
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    change = decoded(_decode_change, await request.document(MAX_BODY_BYTES))
    catalog = request.services.catalog.by(caller.actor(request))
    await catalog.add_numbers(prepared.pool.id, change.numbers, condition)
    return replies.empty()


async def _remove(request: Request) -> Reply:
    """Drain the numbers in the body or, as not every client sends one, the one in ``?number=``."""
    prepared = await callers_pool(request)
    caller = authenticate(request)
    condition = conditions.condition(request, caller, exists=True)
    if request.query_string:
        number = lookups.required(request.parameters(), "number")
        removed = [f"+{number[1:]}" if number[0] == " " else number]  # a plus, read as in a form
    else:
        removed = decoded(_decode_change, await request.document(MAX_BODY_BYTES)).numbers
    catalog = request.services.catalog.by(caller.actor(request))
    await catalog.remove_numbers(prepared.pool.id, removed, condition)
    return replies.empty()


class PoolStatus(answers.PoolStatus, frozen=True, kw_only=True):
    """A pool's counts, whether its size fits what comes to it, and how well its calls are
    attributed (None: the archive doesn't answer)."""

    sizing: SizeVerdict
    attribution: Attribution | None


async def _status(request: Request) -> Reply:
    prepared = await callers_pool(request)
    allocator, pool = request.services.allocator, prepared.pool
    status = await allocator.status(pool.id)
    series = await allocator.series(pool.id, verdict.MINUTES, verdict.HOURS)
    sizing = await aside(SHORT + 1, verdict.judge, pool, status, series)
    attribution: Attribution | None = None
    with suppress(ArchiveAway):
        attribution = await pool_attribution(
            request.services.archive,
            (pool.account, pool.id),
            int(pool.min_duration),
            int(time.time() * 1000),
        )
    return replies.json(PoolStatus(**asdict(status), sizing=sizing, attribution=attribution))


def _pool_number(row: answers.NumberRow) -> PoolNumber:
    if row.since == 0:
        return PoolNumber(number=row.number, draining=bool(row.leaving))
    return PoolNumber(
        number=row.number,
        tuple=tuples.parse(row.tuple),
        assigned_at=format_rfc3339(row.since),
        guaranteed_until=format_rfc3339(row.until),
        clicks=row.clicks,
        calls=row.calls,
        draining=bool(row.leaving),
    )


_ID = parameter("id", Identifier, "path", text="The pool's id", example="ad-placement")
_IF_MATCH = {
    **conditions.IF_MATCH,
    "description": "The pool's `ETag`: 412 when it is another by now",
}
_EXAMPLE = PoolNumbers(
    [
        PoolNumber(
            number="+18885550101",
            tuple={"website": "one", "location": "footer", "path": "home"},
            assigned_at="2026-11-21T22:00:00Z",
            guaranteed_until="2026-11-21T22:10:00Z",
            clicks=3,
            calls=1,
        ),
        PoolNumber(number="+18885550102"),
    ]
)
_EXAMPLE_STATUS = PoolStatus(
    size=2,
    unassigned=1,
    held=1,
    recyclable=0,
    draining=0,
    overflow_total=0,
    new_total=1,
    recycled_total=0,
    held_total=2,
    utilization=0.5,
    oldest_held_seconds=12.5,
    exhausted=False,
    sizing=SizeVerdict(
        fit=Fit.UNKNOWN,
        text="Too little seen to judge its size (since 2026-11-21T21:40:00Z): it takes 6 hours, "
        "and 50 new tuples in the busiest.",
    ),
    attribution=Attribution(
        calls=0,
        text="Whether it tells its sources apart is said once it has learned from 200 calls how "
        "long after a click people call: 0 so far.",
    ),
)
_NUMBERS = {"numbers": ["+18885550103", "+18885550104"]}
_CHANGE_PROBLEMS = (400, 401, 404, 412, 413, 415, 422)
_CHANGE_REFUSALS = {
    400: INVALID_JSON,
    412: conditions.STALE,
    413: too_large(MAX_BODY_BYTES),
    422: ("InvalidDocument", "numbers: Expected `array` of length >= 1"),
}

pool_numbers = managed_endpoint(
    "pool_numbers",
    {"GET": _list, "POST": _add, "DELETE": _remove},
    [
        ManagedOperation(
            "GET",
            "list_pool_numbers",
            "The numbers in a pool and who holds them",
            {200: PoolNumbers},
            (400, 401, 404),
            (_ID, *SCANNED_PAGE),
            tag="pools",
            refusals=PAGE_REFUSALS,
            text="With the tuple that holds each, until when, and its clicks and calls since. The "
            "pool may change between two pages.",
            examples={200: msgspec.to_builtins(_EXAMPLE)},
        ),
        ManagedOperation(
            "POST",
            "add_pool_numbers",
            "Add numbers",
            {204: None},
            _CHANGE_PROBLEMS,
            [_ID, _IF_MATCH],
            NumberChange,
            tag="pools",
            refusals=_CHANGE_REFUSALS,
            text="Those that the pool has already stay as they are; one that another pool or stock "
            "has is refused, and then none is added.",
            example=_NUMBERS,
        ),
        ManagedOperation(
            "DELETE",
            "remove_pool_numbers",
            "Drain numbers: each goes when its guarantee is over. A body works as in POST",
            {204: None},
            _CHANGE_PROBLEMS,
            (
                _ID,
                _IF_MATCH,
                parameter(
                    "number",
                    Number,
                    required=True,
                    text="The number to drain",
                    example="+18885550103",
                ),
            ),
            tag="pools",
            refusals=_CHANGE_REFUSALS,
            text="A number that nobody holds goes at once. The tuple that holds one keeps it until "
            "its guarantee ends.",
        ),
    ],
)

_STATUS = "A pool's numbers and answers, counted"

pool_status = managed_endpoint(
    "pool_status",
    {"GET": _status},
    [
        ManagedOperation(
            "GET",
            "get_pool_status",
            _STATUS,
            {200: PoolStatus},
            (401, 404),
            [_ID],
            tag="pools",
            text="How many numbers are unassigned, held, recyclable and draining now, and how many "
            "answers of each state were given since the pool was made. `exhausted`: the next new "
            "tuple gets the overflow number, or none. `sizing` says whether the pool is too small "
            "or too big for what came to it at its busiest, and by how much. `attribution` says "
            "how sure it is who made the calls of the last 30 days, and whether the pool tells its "
            "sources apart.",
            examples={200: msgspec.to_builtins(_EXAMPLE_STATUS)},
        )
    ],
)
