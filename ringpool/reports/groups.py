"""Calls by group: a parameter's value, keyword and engine, publisher, campaign, hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import standing
from ringpool.archive.tables import QUARTER_MS
from ringpool.aside import aside
from ringpool.reports.question import HOUR, PARAMETER, Question
from ringpool.reports.statements import (
    COUNTED,
    NOBODY,
    by_quarter,
    by_source,
    group_names,
)
from ringpool.times import format_rfc3339, rfc3339_or_nothing
from ringpool.visits import tuples

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class ReportRow(Struct, frozen=True, kw_only=True):
    """A group, by what it has in common. ``who``: "" or why it is no source's (``statements``).

    ``clicks``: of assignments, and of visits that found no number.
    ``overflow_share``: of the clicks, those that found none. ``calls``: whose best candidate is of
    the group; ``answered`` of them. ``soft_credit``: the sum of the probabilities that calls are
    the group's. ``hard_credit``: the calls that are attributed, each whole to its best candidate.
    ``unsure_share``: of these, those whose best candidate has a probability below 0.9. Shares are
    of 1, and 0 of nothing.
    """

    group: dict[str, str]
    who: str = ""
    clicks: int = 0
    overflow_share: float = 0.0
    calls: int = 0
    answered: int = 0
    soft_credit: float = 0.0
    hard_credit: int = 0
    unsure_share: float = 0.0


class Report(
    Struct, frozen=True, omit_defaults=True, kw_only=True, rename={"since": "from", "until": "to"}
):
    """``total``: of all groups, also of the ``left_out`` ones, for which there was no room. Credit
    in it is sources'; nobody's isn't.

    ``names``: what a row's ``group`` may have, in order. ``since``, ``until``: RFC 3339.
    ``held_as_of``: clicks of numbers that are still held are counted up to then (RFC 3339); absent:
    none are yet.
    """

    by: str
    timezone: str
    names: tuple[str, ...]
    rows: list[ReportRow]
    total: ReportRow
    left_out: int = 0
    since: str = ""
    until: str = ""
    held_as_of: str = ""


async def grouped(connection: AsyncConnection, question: Question) -> Report:
    """Return what the archive has of a question about groups."""
    if question.by == HOUR:
        quarters = (await connection.execute(by_quarter(question))).all()
        names: Sequence[str] = ("weekday", "hour")
        rows, total = await aside(len(quarters), _hours, quarters, question.zone)
        left_out = 0
    else:
        found = (await connection.execute(by_source(question))).all()
        names = group_names(question)
        rows, total = _rows(question, names, found), _total(names, found)
        groups = found[0][-1] - sum(1 for row in found if row[0]) if found else 0
        left_out = groups - sum(1 for row in rows if not row.who)
    counted_until = await standing.counted_until(connection)
    return Report(
        by=question.by,
        timezone=question.timezone,
        names=tuple(names),
        rows=rows,
        total=total,
        left_out=left_out,
        since="" if question.since is None else format_rfc3339(question.since),
        until="" if question.until is None else format_rfc3339(question.until),
        held_as_of=rfc3339_or_nothing(counted_until),
    )


def _rows(question: Question, names: Sequence[str], found: Sequence[Row[Any]]) -> list[ReportRow]:
    """The groups, then who is none."""
    groups: list[ReportRow] = []
    others: dict[str, dict[str, Any]] = {}
    first = 1 + len(names)
    for row in found:
        if who := row[0]:
            others[who] = _named(row[first:])
        elif len(groups) < question.limit:
            groups.append(_row(_named(row[first:]), _group(question.by, names, row[1:first])))
    if found and (credit := _named(found[0][first + len(COUNTED) :])["nobody"]):
        others.setdefault(NOBODY, dict.fromkeys(COUNTED, 0))["soft"] = credit
    return groups + [_row(counted, {}, who) for who, counted in others.items()]


def _group(by: str, names: Sequence[str], values: Sequence[str | None]) -> dict[str, str]:
    if by == PARAMETER:
        written = values[0]
        return {} if written is None else tuples.parse(f"{names[0]}={written}")
    return {name: value or "" for name, value in zip(names, values, strict=True)}


def _total(names: Sequence[str], found: Sequence[Row[Any]]) -> ReportRow:
    if not found:
        return ReportRow(group={})
    first = 1 + len(names)
    total = _named(found[0][first + len(COUNTED) :])
    for row in found:
        if row[0] == NOBODY:
            nobodys = _named(row[first:])
            total |= {name: total[name] - nobodys[name] for name in ("hard", "unsure")}
    return _row(total, {})


def _hours(quarters: Iterable[Sequence[Any]], zone: tzinfo) -> tuple[list[ReportRow], ReportRow]:
    """A row for each hour of the week on the zone's clocks, from Monday on."""
    week: list[list[Any]] = [[0] * len(COUNTED) for _ in range(7 * 24)]
    whole: list[Any] = [0] * len(COUNTED)
    for row in quarters:
        at = datetime.fromtimestamp(row[0] * QUARTER_MS // 1000, zone)
        for sums in (week[at.weekday() * 24 + at.hour], whole):
            for place, count in enumerate(row[1:]):
                sums[place] += count
    rows = [
        _row(_named(counted), {"weekday": WEEKDAYS[place // 24], "hour": str(place % 24)})
        for place, counted in enumerate(week)
    ]
    return rows, _row(_named(whole), {})


def _named(counted: Sequence[Any]) -> dict[str, Any]:
    """``counted`` by name; it begins with COUNTED."""
    return dict(zip(COUNTED, counted, strict=False))


def _row(counted: Mapping[str, Any], group: dict[str, str], who: str = "") -> ReportRow:
    """``counted``: by name, as the database sums up."""
    clicks, hard = int(counted["clicks"]), int(counted["hard"])
    return ReportRow(
        group=group,
        who=who,
        clicks=clicks,
        overflow_share=_share(counted["overflow"], clicks),
        calls=int(counted["calls"]),
        answered=int(counted["answered"]),
        soft_credit=round(float(counted["soft"]), 4),
        hard_credit=hard,
        unsure_share=_share(counted["unsure"], hard),
    )


def _share(part: Any, whole: int) -> float:
    return round(int(part) / whole, 4) if whole else 0.0
