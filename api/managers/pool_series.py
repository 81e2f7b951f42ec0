"""For managers: what happened in a pool in each minute of a day, each hour of 35 days."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from allocator.series import HOUR_MS, MINUTE_MS, MOST_HOURS, MOST_MINUTES, Minute
from api.http import replies
from api.http.description import parameter
from api.http.parameter_values import TIME_EXPECTED, Time, unix_ms
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, callers_pool
from api.managers.managed_endpoint import managed_endpoint
from ringpool.faults import Fault
from ringpool.model import Identifier
from ringpool.times import format_rfc3339

_UNITS = {"minute": (MINUTE_MS, MOST_MINUTES), "hour": (HOUR_MS, MOST_HOURS)}
_DEFAULT_LIMIT = 60


class SeriesRow(Struct, frozen=True, kw_only=True):
    """What happened in a minute or an hour. ``age_seconds``: how long the former assignments of the
    recycled numbers had stood, on average."""

    start: str
    asks: int
    new: int
    recycled: int
    overflow: int
    peak_held: int
    calls: int
    age_seconds: float


class PoolSeries(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``begun``: when the pool was asked first; absent before. ``next``: the ``from`` of the rows
    after these, absent on the last page."""

    unit: str
    rows: list[SeriesRow]
    begun: str = ""
    next: str = ""


def series_rows(rows: Sequence[Minute]) -> list[SeriesRow]:
    """As programs read them."""
    return [
        SeriesRow(
            start=format_rfc3339(row.start_ms),
            asks=row.asks,
            new=row.new,
            recycled=row.recycled,
            overflow=row.overflow,
            peak_held=row.peak_held,
            calls=row.calls,
            age_seconds=row.age_ms / 1000,
        )
        for row in rows
    ]


async def _series(request: Request) -> Reply:
    prepared = await callers_pool(request)
    parameters = request.parameters()
    unit = parameters.get("unit", "minute")
    if unit not in _UNITS:
        raise Fault("unit", "expected minute or hour")
    span, kept = _UNITS[unit]
    limit = _limit(parameters.get("limit", str(_DEFAULT_LIMIT)))
    since = parameters.get("from")
    first = None if since is None else unix_ms("from", since)
    wanted = kept if first is not None else min(limit, kept)
    found = await request.services.allocator.series(
        prepared.pool.id, *((wanted, 0) if unit == "minute" else (0, wanted))
    )
    rows: Sequence[Minute] = found.minutes or found.hours
    following = ""
    if first is not None:
        rows = [row for row in rows if row.start_ms + span > first]
        if len(rows) > limit:
            following = format_rfc3339(rows[limit].start_ms)
        rows = rows[:limit]
    begun = format_rfc3339(found.begun_ms) if found.begun_ms else ""
    return replies.json(PoolSeries(unit=unit, rows=series_rows(rows), begun=begun, next=following))


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise Fault("limit", f"expected 1 to {MOST_MINUTES}")
    if not 1 <= int(text) <= MOST_MINUTES:
        raise Fault("limit", f"expected 1 to {MOST_MINUTES}")
    return int(text)


_EXAMPLE = PoolSeries(
    unit="minute",
    rows=[
        SeriesRow(
            start="2026-11-21T22:00:00Z",
            asks=48,
            new=2,
            recycled=17,
            overflow=1,
            peak_held=19,
            calls=3,
            age_seconds=640.0,
        )
    ],
    begun="2026-11-14T09:31:00Z",
)
_GET_SERIES = ManagedOperation(
    "GET",
    "get_pool_series",
    "What happened in a pool, minute by minute or hour by hour",
    {200: PoolSeries},
    (400, 401, 404),
    (
        parameter("id", Identifier, "path", text="The pool's id", example="ad-placement"),
        parameter(
            "unit",
            {"type": "string", "enum": [*_UNITS], "default": "minute"},
            text="What a row is of: minutes of a day, or hours of 35 days",
            example="minute",
        ),
        parameter(
            "from",
            Time,
            text="From the row on that this time is in. Without: the last rows",
            example="2026-11-21T22:00:00Z",
        ),
        parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "default": _DEFAULT_LIMIT},
            text="How many rows",
            example=_DEFAULT_LIMIT,
        ),
    ),
    tag="pools",
    refusals={400: ("InvalidParameter", f"from: {TIME_EXPECTED}")},
    text="The oldest row first, none left out; the last one of all isn't over yet. Counts are "
    "exact while they are small: up to 63, recycled and overflow up to 31; else within 1.6% and "
    "3.2%.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
pool_series = managed_endpoint("pool_series", {"GET": _series}, [_GET_SERIES])
