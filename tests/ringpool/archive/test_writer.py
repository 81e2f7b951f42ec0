"""Ledgers in the archive: every row once, whatever is killed in between."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules
from allocator.ledger import Ledgers
from allocator.port import Store
from loadtests.archive.kills import killed
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.partitions import month_of
from ringpool.archive.tables import ASSIGNMENTS, LEDGERS, OVERFLOWS, SOURCES
from ringpool.archive.writer import ArchiveWriter
from tests.allocator.pools import make
from tests.servers import stores


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
async def test_a_writer_that_is_killed_loses_and_doubles_nothing(
    database: str, tmp_path: Path, valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """SIGKILL at any moment; `python -m loadtests.archive` does it 50 times."""
    outcome = await killed(
        valkey_store, valkey_server.url, database, tmp_path, kills=2, seed=1, pool=unique
    )
    assert outcome.assignments > 500
    assert outcome.overflows > 100
    assert (outcome.lost, outcome.doubled, outcome.dropped) == (0, 0, 0)


async def test_what_was_dropped_is_counted_and_a_page_again_changes_nothing(
    tmp_path: Path, valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """A gap in the entries is what the bound dropped."""
    allocator, now = Allocator(valkey_store), 2_000_000_000_000
    await allocator.edit(unique, Rules(min_duration=1_000, owner="us"), 1, now_ms=now)
    await allocator.add(unique, ["+18885550101"], now_ms=now)
    archive, told = Archive(archive_url("", tmp_path)), list[tuple[int, int]]()
    writer = ArchiveWriter(archive, Ledgers(valkey_store), told=lambda *counts: told.append(counts))
    click = b'{"landing_page":"https://a.example/?x=1","utm_campaign":"spring"}'
    key = f"rp:{{{unique}}}:ledger"
    for n in range(6):
        now += 2_000
        await allocator.allocate(unique, [Ask(f"website={n}", click)], now_ms=now)
        if n == 2:  # two assignments have ended
            valkey_server.command("XTRIM", key, "MAXLEN", "0")
    assert await writer.write("pool", unique) == 3
    assert await writer.write("pool", unique) == 0
    assert told == [(3, 2)]
    async with archive.engine.connect() as connection:
        rows = (await connection.execute(select(ASSIGNMENTS).order_by(ASSIGNMENTS.c.since))).all()
        found = [(row.serial, row._mapping["tuple"], row.account, row.clicks) for row in rows]
        assert found == [
            (3, "website=2", "us", 1),
            (4, "website=3", "us", 1),
            (5, "website=4", "us", 1),
        ]
        (source,) = (
            await connection.execute(select(SOURCES).where(SOURCES.c.id == rows[0].source))
        ).all()
        assert (source.utm_campaign, source.landing_page) == ("spring", "https://a.example/")
        (ledger,) = (await connection.execute(select(LEDGERS))).all()
        assert (ledger.entries, ledger.dropped) == (5, 2)
        overflows = await connection.execute(select(func.count()).select_from(OVERFLOWS))
        assert overflows.scalar_one() == 0
    await archive.close()


@pytest.mark.parametrize(
    ("at", "began"),
    [
        ("2026-11-28T05:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z"),
    ],
)
def test_months_begin_at_utc(at: str, began: str) -> None:
    """As partitions have them."""
    assert month_of(_ms(at)) == _ms(began)


def _ms(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)


async def test_a_pool_that_is_made_again_has_lost_nothing(
    valkey_store: Store, tmp_path: Path, unique: str
) -> None:
    """Its entries are counted anew, in the ledger that its former self left unread."""
    for life in "ab":
        pool = await make(valkey_store, unique, ["+11"])
        for n in range(3):
            pool.now += 20_000
            await pool.one(f"{life}{n}")
        pool.now += 20_000
        await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
        await pool.sweep()
        await pool.sweep()
        assert await pool.allocator.forget(unique, now_ms=pool.now)
    dropped: list[int] = []
    ledgers = Ledgers(valkey_store)
    archive = Archive(archive_url("", tmp_path))
    await archive.prepare()
    writer = ArchiveWriter(archive, ledgers, told=lambda _, lost: dropped.append(lost))
    try:
        rows = await writer.write("pool", unique)
    finally:
        await archive.close()
    assert sum(dropped) == 0
    # Both lives began at the same moment of virtual time: a row that is there stays.
    assert rows == 6
    assert (await ledgers.read("pool", unique)).entries == []
