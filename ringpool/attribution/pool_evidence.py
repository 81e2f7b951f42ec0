"""What the archive knows of a pool: its calls and clicks of a window, for ``fit_pool``."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.tables import ASSIGNMENTS, CALLS, OVERFLOWS
from ringpool.attribution.call_evidence import (
    MOST_EARLIER,
    MOST_OVERFLOWS,
    RETURN_MS,
    SHOWN_MS,
    told_holders,
)
from ringpool.attribution.evidence import (
    MOST_HOLDERS,
    CallEvidence,
    Clicks,
    EarlierCall,
    PoolEvidence,
)
from ringpool.attribution.fits import WINDOW_MS, PoolKey
from ringpool.attribution.suspects import MOST_SHOWN, Row, decode_holder, group_of

MOST_CALLS = 20_000
"""Calls that a pool is learned of from, the latest ones."""

MOST_ROWS = 100_000
"""Assignments, the latest ones, and as many overflows."""

HELD_BEFORE_MS = 30 * 86_400_000
"""Who held a number so long before the window may have made a call in it."""

_AT_ONCE = 500

OfNumber = dict[str, list[Clicks]]
"""Clicks by number, in the order of the first ones."""


async def pool_evidence(connection: AsyncConnection, pool: PoolKey, now_ms: int) -> PoolEvidence:
    """All that is known of a pool up to now (Unix ms).

    The window is shorter than WINDOW_MS where there is more in it than is read. Who held a number
    of the pool in another one isn't among its holders.
    """
    begins = now_ms - WINDOW_MS
    calls, calls_since = await _read(connection, _calls(pool, begins, now_ms), MOST_CALLS)
    assigned, held_since = await _read(connection, _assignments(pool, begins, now_ms), MOST_ROWS)
    given, shown_since = await _read(connection, _overflows(pool, begins, now_ms), MOST_ROWS)
    since = max(begins, calls_since, held_since, shown_since)
    calls = [call for call in reversed(calls) if call["at"] >= since]
    held, shown = _by_number(assigned), _by_number(given)
    told = await _told(connection, pool[0], calls)
    earlier = _earlier(calls)
    evidence: list[CallEvidence] = []
    for call, before in zip(calls, earlier, strict=True):
        number, at = call["number"], call["at"]
        if call["overflow"]:
            latest = _until(shown.get(number, ()), at, MOST_OVERFLOWS)
            latest = [each for each in latest if each.first_at > at - SHOWN_MS]
            holders = by_key(latest, MOST_SHOWN)
        else:
            holders = _until(held.get(number, ()), at, MOST_HOLDERS)
            holder = told.get(call["id"])
            if holder is not None and holder.first_at <= at:
                if all(each.first_at != holder.first_at for each in holders):
                    insort(held.setdefault(number, []), holder, key=_first_at)
                others = [each for each in holders if each.first_at != holder.first_at]
                holders = sorted((holder, *others), key=_first_at, reverse=True)
        evidence.append(CallEvidence(at, tuple(holders), call["overflow"], before))
    clicks = [each for of_number in (*held.values(), *shown.values()) for each in of_number]
    called = {call["number"] for call in calls if not call["overflow"]}
    return PoolEvidence(
        calls=tuple(evidence),
        clicks=tuple(clicks),
        numbers=max(1, len(called | held.keys())),
        since=since,
        until=now_ms,
    )


def _calls(pool: PoolKey, since: int, now_ms: int) -> Select[Any]:
    names = ("id", "number", "overflow", "caller_hash", "tuple", "source", "probability")
    return (
        select(CALLS.c.started_at.label("at"), *(CALLS.c[name] for name in names))
        .where(CALLS.c.account == pool[0], CALLS.c.pool == pool[1])
        .where(CALLS.c.started_at.between(since, now_ms))
        .order_by(CALLS.c.started_at.desc(), CALLS.c.id.desc())
    )


def _assignments(pool: PoolKey, since: int, now_ms: int) -> Select[Any]:
    until = ASSIGNMENTS.c.until
    names = ("number", "tuple", "clicks", "last_click_at", "first_click")
    return (
        select(ASSIGNMENTS.c.since.label("at"), *(ASSIGNMENTS.c[name] for name in names))
        .where(ASSIGNMENTS.c.pool == pool[1], ASSIGNMENTS.c.account == pool[0])
        .where(or_(until >= since - HELD_BEFORE_MS, until == 0), ASSIGNMENTS.c.since <= now_ms)
        .order_by(ASSIGNMENTS.c.since.desc())
    )


def _overflows(pool: PoolKey, since: int, now_ms: int) -> Select[Any]:
    return (
        select(
            *(OVERFLOWS.c[name] for name in ("at", "number", "tuple")),
            OVERFLOWS.c.click.label("first_click"),
        )
        .where(OVERFLOWS.c.pool == pool[1], OVERFLOWS.c.account == pool[0])
        .where(OVERFLOWS.c.at.between(since - SHOWN_MS, now_ms), OVERFLOWS.c.number != "")
        .order_by(OVERFLOWS.c.at.desc())
    )


async def _read(
    connection: AsyncConnection, wanted: Select[Any], most: int
) -> tuple[list[Row], int]:
    """The latest rows, the latest first, and since when they are all (0: always)."""
    found = await connection.execute(wanted.limit(most))
    rows: list[Row] = list(found.mappings())
    return rows, rows[-1]["at"] if len(rows) == most else 0


def _by_number(rows: Iterable[Row]) -> OfNumber:
    """``rows``: the latest first. Those of overflows have neither ``clicks`` nor a last one."""
    found: OfNumber = {}
    for row in rows:
        found.setdefault(row["number"], []).append(_clicks(row))
    for of_number in found.values():
        of_number.reverse()
    return found


def _clicks(row: Row) -> Clicks:
    return Clicks(
        key=row["tuple"],
        count=max(1, row.get("clicks", 1)),
        first_at=row["at"],
        last_at=max(row["at"], row.get("last_click_at", 0)),
        group=group_of(row["tuple"], row["first_click"]),
    )


def _until(clicks: Sequence[Clicks], at: int, most: int) -> list[Clicks]:
    """Those that began at a time (Unix ms) or before, the latest first."""
    end = bisect_right(clicks, at, key=_first_at)
    return list(reversed(clicks[max(0, end - most) : end]))


def by_key(clicks: Iterable[Clicks], most: int) -> list[Clicks]:
    """Single clicks, the latest first, put together by whose they are: of so many at most."""
    found: dict[str, Clicks] = {}
    for each in clicks:
        known = found.get(each.key)
        if known is not None:
            found[each.key] = replace(known, count=known.count + 1, first_at=each.first_at)
        elif len(found) < most:
            found[each.key] = each
    return list(found.values())


def _first_at(clicks: Clicks) -> int:
    return clicks.first_at


async def _told(
    connection: AsyncConnection, account: str, calls: Sequence[Row]
) -> dict[str, Clicks]:
    """Who held the number when calls began, as their events have it, by the call's id."""
    found: dict[str, Clicks] = {}
    for start in range(0, len(calls), _AT_ONCE):
        page = [{"account": account, "id": call["id"]} for call in calls[start : start + _AT_ONCE]]
        for (_, call_id), text in (await told_holders(connection, page)).items():
            holder = decode_holder(text)
            if holder.account in ("", account):
                found[call_id] = _clicks({**asdict(holder), "at": holder.since})
    return found


def _earlier(calls: Sequence[Row]) -> list[tuple[EarlierCall, ...]]:
    """Of each call those of its caller before, the latest first, as they are credited by now."""
    of_caller: dict[str, list[tuple[str, EarlierCall]]] = {}
    found: list[tuple[EarlierCall, ...]] = []
    for call in calls:
        known = of_caller.setdefault(call["caller_hash"], []) if call["caller_hash"] else []
        found.append(
            tuple(
                replace(each, same_number=number == call["number"])
                for number, each in reversed(known[-MOST_EARLIER:])
                if each.at > call["at"] - RETURN_MS
            )
        )
        if call["source"]:
            credit = EarlierCall(call["tuple"], call["probability"], call["at"])
            known.append((call["number"], credit))
    return found
