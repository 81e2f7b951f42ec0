"""What is older than its account keeps it is deleted from the archive, by the leader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import old_rows
from ringpool.archive.partitions import Partitions
from ringpool.archive.tables import (
    ASSIGNMENTS,
    CALL_EVENTS,
    CALLS,
    CANDIDATES,
    OVERFLOWS,
    SOURCES,
)
from ringpool.background.retention import EVERY_SECONDS, Retention
from ringpool.model import Account
from ringpool.times import Duration
from tests.ringpool.archive.databases import DATABASES, empty_archive
from tests.ringpool.archive.told import BEGAN, event, tell

DAY_MS = 86_400_000


def _source(id_: int, account: str) -> dict[str, Any]:
    return {"id": id_, "account": account, "pool": "p", "tuple": f"w={id_}"}


def _assignment(
    serial: int, account: str, until: int, source: int, last_click_at: int = BEGAN
) -> dict[str, Any]:
    return {
        "pool": "p",
        "serial": serial,
        "since": BEGAN,
        "account": account,
        "until": until,
        "guaranteed_until": BEGAN + DAY_MS,
        "last_click_at": last_click_at,
        "source": source,
        "clicks": 1,
        "calls": 0,
    }


async def _fill(connection: AsyncConnection) -> None:
    """Of accounts a and b each: two calls, an old and a new assignment and overflow, and two
    assignments without an end."""
    await Partitions().make(connection, ASSIGNMENTS, [BEGAN])
    await Partitions().make(connection, OVERFLOWS, [BEGAN])
    ids = {"a": 10, "b": 20}
    for account, base in ids.items():
        await connection.execute(insert(SOURCES), [_source(base + n, account) for n in range(1, 5)])
        await connection.execute(
            insert(ASSIGNMENTS),
            [
                _assignment(base, account, BEGAN + 1, base + 1),
                _assignment(base + 1, account, BEGAN + DAY_MS, base + 2),
                _assignment(base + 2, account, 0, base + 2, BEGAN + 20 * DAY_MS),  # it stands
                _assignment(base + 3, account, 0, base + 2),  # its end was lost
            ],
        )
        await connection.execute(
            insert(OVERFLOWS),
            [
                {"pool": "p", "at": at, "entry": base + n, "account": account, "source": source}
                for n, (at, source) in enumerate([(BEGAN, base + 1), (BEGAN + 5_000, base + 3)])
            ],
        )
        await tell(
            connection,
            event("old", "started", account=account),
            event("old", "ended", 4, account=account),
            event("new", "started", 5, account=account),
        )
        await connection.execute(
            insert(CANDIDATES),
            [
                {"account": account, "call": call, "rank": 1, "probability": 1.0, "source": source}
                for call, source in (("old", base + 4), ("new", base + 3))
            ],
        )


async def _left(connection: AsyncConnection, account: str) -> list[int]:
    tables = (CALLS, CALL_EVENTS, CANDIDATES, ASSIGNMENTS, OVERFLOWS, SOURCES)
    counts = [
        select(func.count()).select_from(table).where(table.c.account == account)
        for table in tables
    ]
    return [(await connection.execute(count)).scalar_one() for count in counts]


@pytest.mark.parametrize("kind", DATABASES)
async def test_what_is_too_old_goes(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that belongs to it; of no other account, and not before its time."""
    monkeypatch.setattr(old_rows, "ROWS_A_PAGE", 1)
    accounts = [Account(id="a", retention=Duration.parse("1d")), Account(id="b")]
    async with empty_archive(kind, tmp_path) as archive:
        async with archive.engine.begin() as connection:
            await _fill(connection)
        now = BEGAN / 1000 + 86_400
        retention = Retention(archive, lambda: accounts, clock=lambda: now)
        assert await retention.round() == 0
        now += EVERY_SECONDS - 1
        assert await retention.round() == 0  # not looked at again yet
        now = BEGAN / 1000 + 86_400 + 5
        retention = Retention(archive, lambda: accounts, clock=lambda: now)
        assert await retention.round() == 3
        async with archive.engine.connect() as connection:
            # The new call and its candidate, three assignments, an overflow, the sources of those.
            assert await _left(connection, "a") == [1, 1, 1, 3, 1, 2]
            assert await _left(connection, "b") == [2, 3, 2, 4, 2, 4]
        accounts[1] = Account(id="b", retention=Duration.parse("2d"))
        assert await retention.round() == 0
        now += 10 * 86_400
        deleted = 0
        for _ in range(4):
            now += EVERY_SECONDS
            deleted += await retention.round()
        assert deleted == 4 + 7
        async with archive.engine.connect() as connection:
            assert await _left(connection, "a") == [0, 0, 0, 1, 0, 1]  # one stands
            assert await _left(connection, "b") == [0, 0, 0, 1, 0, 1]


async def test_old_rows_are_found_by_index(tmp_path: Path) -> None:
    """So that it costs nothing to look where there is nothing to delete."""
    async with empty_archive("sqlite", tmp_path) as archive:
        plans: list[str] = []
        async with archive.engine.connect() as connection:
            await old_rows.delete_page(connection, "a", BEGAN)
            for statement in (
                "SELECT id FROM calls WHERE account = 'a' AND started_at < 5 "
                "ORDER BY started_at, id LIMIT 5",
                "SELECT serial FROM assignments WHERE account = 'a' AND (assignments.since / "
                "900000) <= 5 AND until < 5 AND (until > 0 OR guaranteed_until < 5) LIMIT 5",
                "SELECT entry FROM overflows WHERE account = 'a' AND at < 5 ORDER BY at LIMIT 5",
            ):
                found = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"))
                plans += [row.detail for row in found]
    assert len(plans) == 3
    for plan, index in zip(
        plans, ("calls_by_start", "assignments_by_quarter", "overflows_by_time"), strict=True
    ):
        assert index in plan
        assert "SEARCH" in plan


async def test_an_archive_that_fails_is_tried_again(tmp_path: Path) -> None:
    """Nothing is raised, so that the other work of the round goes on."""
    account = Account(id="a", retention=Duration.parse("1d"))
    async with empty_archive("sqlite", tmp_path) as archive:
        async with archive.engine.begin() as connection:
            await _fill(connection)
            await connection.execute(text("ALTER TABLE calls RENAME TO away"))
        retention = Retention(archive, lambda: [account], clock=lambda: BEGAN / 1000 + 10 * 86_400)
        assert await retention.round() == 0
        async with archive.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE away RENAME TO calls"))
        assert await retention.round() > 0
