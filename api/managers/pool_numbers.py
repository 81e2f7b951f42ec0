"""For managers: the numbers in a pool, and how the pool stands."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from allocator.answers import NumberRow
from api.http import lookups, replies
from api.http.documents import decoded
from api.http.endpoint import Endpoint
from api.http.paging import page
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller, caller
from api.managers.resources import problem
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.times import format_rfc3339
from ringpool.visits import tuples

MAX_BODY_BYTES = 1024 * 1024
MAX_NUMBERS = 10_000

_LAST_CURSOR = 2**64 - 1  # of the store's HSCAN


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
    """``next``: the ``after`` of the next page, absent on the last. Pages are no snapshot.

    ``limit`` is about how many a page holds: small pools come on one.
    """

    numbers: list[PoolNumber]
    next: str = ""


class NumberChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers to add to a pool or to remove from it."""

    numbers: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=40)]],
        Meta(min_length=1, max_length=MAX_NUMBERS),
    ]


_decode_change = msgspec.json.Decoder(NumberChange).decode


async def _numbers(request: Request) -> Reply:
    prepared = await _own_pool(request, caller(request))
    after, limit = page(request)
    if after and not (after.isascii() and after.isdecimal() and int(after[:21]) <= _LAST_CURSOR):
        raise Fault("after", "expected what the page before gave as next")
    following, rows = await request.services.allocator.numbers(
        prepared.pool.id, after or "0", limit
    )
    shown = [_shown(row) for row in rows]
    return replies.json(PoolNumbers(shown, "" if following == "0" else following))


async def _add(request: Request) -> Reply:
    prepared = await _own_pool(request, caller(request))
    change = decoded(_decode_change, await request.document(MAX_BODY_BYTES))
    await request.services.catalog.add_numbers(prepared.pool.id, change.numbers)
    return replies.empty()


async def _remove(request: Request) -> Reply:
    """Drain the numbers in the body or, as not every client sends one, the one in ``?number=``."""
    prepared = await _own_pool(request, caller(request))
    if request.query_string:
        number = lookups.required(request.parameters(), "number")
        wanted = [f"+{number[1:]}" if number[0] == " " else number]  # a plus, read as in a form
    else:
        wanted = decoded(_decode_change, await request.document(MAX_BODY_BYTES)).numbers
    await request.services.catalog.remove_numbers(prepared.pool.id, wanted)
    return replies.empty()


async def _status(request: Request) -> Reply:
    prepared = await _own_pool(request, caller(request))
    return replies.json(await request.services.allocator.status(prepared.pool.id))


async def _own_pool(request: Request, who: Caller) -> PreparedPool:
    pool_id = request.path("id")
    prepared = await lookups.pool(request.services, pool_id)
    if not who.sees(prepared.pool.account):
        raise lookups.unknown_pool(pool_id)
    return prepared


def _shown(row: NumberRow) -> PoolNumber:
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


pool_numbers = Endpoint("pool_numbers", problem, {"GET": _numbers, "POST": _add, "DELETE": _remove})
pool_status = Endpoint("pool_status", problem, {"GET": _status})
