"""Calls in the archive: rows made of events, pages of them, and those that never end."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import calls
from ringpool.archive.calls import CallFilter, Cursor
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import CALL_EVENTS, CALLS
from ringpool.calls.states import CallState
from tests.ringpool.archive.told import BEGAN, event, tell
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled
from tests.servers.programs import missing


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Archive]:
    archive = Archive(archive_url(url, folder))
    await archive.prepare()
    try:
        yield archive
    finally:
        await archive.close()


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    async with opened("", tmp_path) as archive, archive.engine.begin() as connection:
        yield connection


async def row(connection: AsyncConnection, call: str, account: str = "a") -> Any:
    found = await calls.one(connection, account, call)
    assert found is not None
    return found


async def check_rows(connection: AsyncConnection) -> None:
    """Rows as their events have them, told in parts and in any order; and found again."""
    for place, order in enumerate(itertools.permutations(range(3))):
        told = [
            event(f"1-{place}", "started", caller_hash="c"),
            event(f"1-{place}", "answered", 9),
            event(f"1-{place}", "ended", 69, sku_list=("x",), quantity_list=(2,), amount="49.90"),
        ]
        for which in order:
            await tell(connection, told[which])
        found = await row(connection, f"1-{place}")
        assert (found.state, found.duration_seconds, found.skus) == ("ended", 60, '["x"]')
        assert (found.started_at, found.amount, found.quantities) == (BEGAN, "49.90", "[2]")
    await tell(connection, event("2", "started", 100), event("3", "missed", 100, account="b"))
    everything, following = await calls.page(connection, CallFilter(), 3)
    assert [each.id for each in everything] == ["3", "2", "1-5"]
    assert following == Cursor(BEGAN, "a", "1-5")
    rest, following = await calls.page(connection, CallFilter(), 10, following)
    assert [each.id for each in rest] == ["1-4", "1-3", "1-2", "1-1", "1-0"]
    assert following is None
    # Who it is attributed to stays when more is told, unless it is of another time now.
    attributed = {"attributed_at": BEGAN, "probability": 0.9, "tuple": "a=B&b=x%26y"}
    await connection.execute(update(CALLS).where(CALLS.c.id == "2").values(attributed))
    await tell(connection, event("2", "ended", 130))
    assert (await row(connection, "2")).probability == 0.9
    for values, ids in (({"a": "B"}, ["2"]), ({"a": "b"}, []), ({"b": "x&y"}, ["2"])):
        found, _ = await calls.page(connection, CallFilter(values=values), 10)
        assert [each.id for each in found] == ids
    await tell(connection, event("4", "ended", 150))
    await connection.execute(update(CALLS).where(CALLS.c.id == "4").values(attributed))
    await tell(connection, event("4", "started", 120))
    assert (await row(connection, "4")).attributed_at == 0
    for wanted, ids in (
        (CallFilter(account="b"), ["3"]),
        (CallFilter(state=CallState.MISSED), ["3"]),
        (CallFilter(since=BEGAN + 100_000, until=BEGAN + 120_000), ["3", "2"]),
        (CallFilter(pool="p", number="+1"), []),
    ):
        found, _ = await calls.page(connection, wanted, 10)
        assert [each.id for each in found] == ids


async def test_rows_on_sqlite(connection: AsyncConnection) -> None:
    """All of it on SQLite."""
    await check_rows(connection)


async def test_rows_on_postgresql(tmp_path: Path) -> None:
    """The same on PostgreSQL."""
    try:
        # Not in pytest's folders, whose parents are its user's alone.
        with TemporaryDirectory() as folder, postgres(Path(folder)) as url:
            async with opened(url, tmp_path) as archive, archive.engine.begin() as connection:
                await check_rows(connection)
                await check_closing(connection)
    except NotInstalled as what:
        missing(what)


async def test_calls_that_never_end_are_closed(connection: AsyncConnection) -> None:
    """Those that nobody told the end of, once; an end that is told later counts."""
    await check_closing(connection)


async def check_closing(connection: AsyncConnection) -> None:
    now = BEGAN + 14_400_000
    late = BEGAN + 10_000
    await tell(
        connection,
        event("open", "started"),
        event("talking", "started"),
        event("talking", "answered", 9),
        event("over", "missed", 9),
        event("young", "started", 20),
    )

    async def close() -> int:
        return await calls.close_overdue(connection, began_before=late, now_ms=now)

    assert await close() == 2
    assert await close() == 0
    states = {}
    for each in ("open", "talking", "over", "young"):
        states[each] = (await row(connection, each)).state
    assert states == {"open": "closed", "talking": "closed", "over": "missed", "young": "ringing"}
    assert (await row(connection, "open")).ended_at == now
    await tell(connection, event("open", "ended", 60))
    found = await row(connection, "open")
    assert (found.state, found.ended_at) == ("ended", BEGAN + 60_000)
    told = await connection.execute(select(CALL_EVENTS).where(CALL_EVENTS.c.call == "open"))
    assert {each.event for each in told} == {"started", "closed", "ended"}
