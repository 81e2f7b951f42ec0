"""Calls by group: what is counted, whose it is, and that SQLite reads no more than it must."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from ringpool.archive.database import Archive, archive_url
from ringpool.reports.groups import Report, ReportRow, grouped
from ringpool.reports.question import GROUPS, HOUR, PARAMETER, read
from ringpool.reports.statements import by_quarter, by_source
from tests.ringpool.reports.archived import Archived
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled


async def report(archived: Archived, by: str, **given: str) -> Report:
    if by == PARAMETER:
        given.setdefault("name", "website")
    async with archived.archive.engine.connect() as connection:
        return await grouped(connection, read(by, given))


def rows(found: Report) -> dict[tuple[str, ...], ReportRow]:
    """Rows by the group's values, or by who."""
    return {(row.who,) if row.who else tuple(row.group.values()): row for row in found.rows}


async def fill(archived: Archived) -> None:
    """Two campaigns, a source of another pool, another account's; calls of each kind."""
    await archived.source(
        1,
        "website=one&location=footer",
        utm_source="google",
        utm_campaign="spring",
        search_engine="Google",
        search_keywords="solar",
        publisher="partner-9",
    )
    await archived.source(2, "website=a%26b&location=", utm_campaign="autumn")
    await archived.source(3, "location=top", pool="other", utm_campaign="autumn")
    await archived.source(4, "website=theirs", account="rival", pool="rivals")
    await archived.assignment(1, "2026-11-01T10:00:00Z", clicks=7)
    await archived.assignment(2, "2026-11-01T10:00:00Z", clicks=3)
    await archived.assignment(4, "2026-11-01T10:00:00Z", clicks=90, account="rival")
    await archived.overflow(2, "2026-11-01T11:00:00Z")
    hour = "2026-11-01T12:00:00Z"
    await archived.call("a", hour, {1: 0.95, 2: 0.03, 0: 0.02}, answered_at=1)
    await archived.call("b", hour, {1: 0.6, 2: 0.3, 0: 0.1})
    await archived.call("c", hour, {3: 0.92, 0: 0.08}, pool="other", answered_at=1)
    await archived.call("d", hour, {0: 0.7, 1: 0.3})
    await archived.call("e", hour)
    await archived.call("f", hour, {4: 0.9, 0: 0.1})  # its holder was another account's
    await archived.call("g", "2026-11-08T12:00:00Z", {2: 1.0, 0: 0.0})
    await archived.call("a", hour, {4: 1.0}, account="rival", pool="rivals")


async def test_which_campaign_made_the_phone_ring(archived: Archived) -> None:
    """Clicks, calls, answered, credit soft and hard, shares: of each campaign and in total."""
    await fill(archived)
    found = await report(archived, "campaign", account="newspress")
    assert found.names == ("utm_source", "utm_medium", "utm_campaign")
    by = rows(found)
    assert list(by)[:2] == [("", "", "autumn"), ("google", "", "spring")]
    assert set(by) == {
        ("google", "", "spring"),
        ("", "", "autumn"),
        ("nobody",),
        ("pending",),
        ("unknown",),
    }
    spring = by["google", "", "spring"]
    assert spring == ReportRow(
        group={"utm_source": "google", "utm_medium": "", "utm_campaign": "spring"},
        clicks=7,
        calls=2,
        answered=1,
        soft_credit=pytest.approx(1.85),  # type: ignore[arg-type]
        hard_credit=2,
        unsure_share=0.5,
    )
    autumn = by["", "", "autumn"]
    assert (autumn.clicks, autumn.overflow_share, autumn.calls) == (4, 0.25, 2)
    assert (autumn.soft_credit, autumn.unsure_share) == (pytest.approx(0.03 + 0.3 + 0.92 + 1), 0)
    nobody, pending, unknown = by["nobody",], by["pending",], by["unknown",]
    assert (nobody.calls, nobody.soft_credit) == (1, pytest.approx(0.02 + 0.1 + 0.08 + 0.7 + 0.1))
    assert (pending.calls, pending.hard_credit) == (1, 0)
    assert (unknown.calls, unknown.soft_credit, unknown.group) == (1, 0.9, {})
    total = found.total
    assert (total.clicks, total.calls, total.answered, total.hard_credit) == (11, 7, 2, 5)
    assert total.soft_credit == pytest.approx(6 - nobody.soft_credit)
    assert (total.unsure_share, total.overflow_share) == (0.2, round(1 / 11, 4))
    everybody = await report(archived, "campaign")
    assert (everybody.total.clicks, everybody.total.calls) == (101, 8)


async def test_by_parameter_keyword_publisher(archived: Archived) -> None:
    """A parameter that is missing isn't one that is empty; what tuples escape is read."""
    await fill(archived)
    websites = rows(await report(archived, PARAMETER, account="newspress"))
    assert {each for each in websites if each not in [("nobody",), ("pending",)]} == {
        ("one",),
        ("a&b",),
        (),
        ("unknown",),
    }
    assert (websites["one",].calls, websites["a&b",].calls, websites[()].calls) == (2, 1, 1)
    locations = rows(await report(archived, PARAMETER, name=" Location", account="newspress"))
    assert (locations["",].calls, locations["top",].calls) == (1, 1)
    keywords = rows(await report(archived, "keyword", account="newspress"))
    assert keywords["solar", "Google"].calls == 2
    publishers = rows(await report(archived, "publisher", account="newspress"))
    assert publishers["partner-9",].clicks == 7


async def test_a_pool_a_time_and_no_more_groups_than_asked_for(archived: Archived) -> None:
    """Of another pool nothing is counted; what is left out is in the total."""
    await fill(archived)
    other = await report(archived, "campaign", account="newspress", pool="other")
    assert {key: row.calls for key, row in rows(other).items() if row.calls} == {
        ("", "", "autumn"): 1
    }
    week = await report(
        archived, "campaign", account="newspress", **{"from": "2026-11-02", "to": "2026-11-08"}
    )
    assert (week.total.calls, week.total.soft_credit, week.total.clicks) == (1, 1, 0)
    assert (week.since, week.until) == ("2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z")
    first = await report(archived, "campaign", account="newspress", limit="1")
    assert [row.group.get("utm_campaign", row.who) for row in first.rows][:1] == ["autumn"]
    assert (first.left_out, first.total.calls) == (1, 7)
    assert {row.who for row in first.rows} == {"", "nobody", "pending", "unknown"}
    nothing = await report(archived, "campaign", account="nowhere")
    assert (nothing.rows, nothing.total.calls) == ([], 0)


HOURS = [
    # Clocks go from 02:00 to 03:00, and back from 03:00 to 02:00.
    ("Europe/Berlin", "2026-03-29T00:59:00Z", "sunday", "1"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z", "sunday", "3"),
    ("Europe/Berlin", "2026-10-25T00:30:00Z", "sunday", "2"),
    ("Europe/Berlin", "2026-10-25T01:30:00Z", "sunday", "2"),
    ("Europe/Berlin", "2026-10-25T02:00:00Z", "sunday", "3"),
    ("America/New_York", "2026-03-08T07:00:00Z", "sunday", "3"),
    ("America/New_York", "2026-11-01T06:59:00Z", "sunday", "1"),
    ("America/New_York", "2026-11-02T03:00:00Z", "sunday", "22"),
    ("Asia/Kathmandu", "2026-11-01T18:14:00Z", "sunday", "23"),
    ("Asia/Kathmandu", "2026-11-01T18:15:00Z", "monday", "0"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z", "sunday", "2"),  # by half an hour
    ("UTC", "2026-11-01T23:59:59Z", "sunday", "23"),
]


@pytest.mark.parametrize(("zone", "at", "weekday", "hour"), HOURS)
async def test_hours_are_those_of_the_zones_clocks(
    archived: Archived, zone: str, at: str, weekday: str, hour: str
) -> None:
    """Over both changes of the clocks, and where zones are off by quarters of an hour."""
    await archived.source(1)
    await archived.call("a", at, {1: 0.75, 0: 0.25}, answered_at=1)
    await archived.assignment(1, at, clicks=2)
    await archived.overflow(1, at)
    found = await report(archived, HOUR, timezone=zone)
    assert len(found.rows) == 168
    (busy,) = (row for row in found.rows if row.calls)
    assert busy.group == {"weekday": weekday, "hour": hour}
    assert (busy.clicks, busy.soft_credit, busy.hard_credit, busy.answered) == (3, 0.75, 1, 1)
    assert (found.total.clicks, found.total.unsure_share) == (3, 1)


async def test_hours_of_a_pool_and_of_calls_that_nobody_is_told_for(archived: Archived) -> None:
    """Credit is sources': what is nobody's, or isn't attributed yet, is a call and no credit."""
    await fill(archived)
    found = (await report(archived, HOUR, account="newspress")).total
    assert (found.clicks, found.calls, found.hard_credit) == (11, 7, 5)
    assert found.soft_credit == pytest.approx(5.0)
    other = (await report(archived, HOUR, account="newspress", pool="other")).total
    assert (other.calls, other.clicks) == (1, 0)


async def test_postgresql_counts_the_same(archived: Archived) -> None:
    """Every report, of everything and of a part."""
    await fill(archived)
    try:
        # pytest's own folders are closed to the user that PostgreSQL runs as.
        with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as url:
            archive = Archive(archive_url(url, Path(folder)))
            try:
                await archive.prepare()
                there = Archived(archive)
                await fill(there)
                asked: list[dict[str, str]] = [
                    {},
                    {"account": "newspress", "pool": "ad-placement", "from": "2026-11-01"},
                    {"limit": "1", "timezone": "Asia/Kathmandu"},
                ]
                for by in GROUPS:
                    for given in asked:
                        assert await report(there, by, **given) == await report(
                            archived, by, **given
                        )
            finally:
                await archive.close()
    except NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("account", ["newspress", ""])
async def test_a_million_calls_are_neither_sorted_nor_read(
    archived: Archived, account: str
) -> None:
    """Indexes have all that is counted, in the order that it is grouped in."""
    for by in GROUPS:
        question = read(by, {"name": "website", "account": account, "from": "2026-01-01"})
        statement = by_quarter(question) if by == HOUR else by_source(question)
        compiled = statement.compile(
            dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
        )
        async with archived.archive.engine.connect() as connection:
            plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {compiled}"))).all()
        steps = [step[-1] for step in plan]
        for table in ("assignments", "calls", "candidates"):
            places = [place for place, step in enumerate(steps) if f" {table} " in step]
            assert all("USING COVERING INDEX" in steps[place] for place in places), steps
            # Calls without a source come after those with one, and are sorted by why.
            assert all("TEMP B-TREE" not in steps[place + 1] for place in places[:1]), steps
