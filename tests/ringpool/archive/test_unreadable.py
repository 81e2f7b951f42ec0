"""Entries that can't be archived: left out, counted and told; the others of their page are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from allocator.ledger import Ledgers
from allocator.port import Store
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.tables import ASSIGNMENTS, LEDGERS, OVERFLOWS
from ringpool.archive.writer import ArchiveWriter
from tests.servers import stores

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
AT = 1_764_000_000_000
CALLER = "+18885550199"


def overflow(tuple_: str, at: int = AT, click: str = "") -> list[Any]:
    return [2, at, tuple_, click, "+11", "us"]


def append(server: stores.Server, pool: str, before: int, *entries: Any) -> None:
    """A message of a pool's ledger, as its scripts append it."""
    message = msgspec.msgpack.encode([before, *entries])
    server.command("XADD", f"rp:{{{pool}}}:ledger", "*", "e", message)


async def written(
    store: Store, archive: Archive, pool: str
) -> tuple[int, int, Sequence[Mapping[str, Any]]]:
    """How many rows were written and entries dropped, and what the log says of these."""
    told = list[tuple[int, int]]()
    writer = ArchiveWriter(archive, Ledgers(store), told=lambda *counts: told.append(counts))
    with capture_logs() as logs:
        rows = await writer.write("pool", pool)
    assert rows == sum(each for each, _ in told)
    return rows, sum(dropped for _, dropped in told), logs


@BOTH
async def test_what_is_wrong_is_left_out_and_all_else_written(
    database: str, tmp_path: Path, valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """What can't be decoded, what makes no row, and what no column takes; told without values."""
    archive = Archive(archive_url(database, tmp_path))
    append(
        valkey_server,
        unique,
        0,
        overflow("a=1"),
        [9, CALLER],  # of a later version
        overflow("a=2", click="no JSON " + CALLER),
        [3, CALLER, 0, "", "no JSON", []],
        overflow("a=3"),
        overflow("a=" + CALLER, at=2**63),  # no database has such a number
        overflow("a=4"),
    )
    valkey_server.command("XADD", f"rp:{{{unique}}}:ledger", "*", "e", b"\xff" + CALLER.encode())
    append(valkey_server, unique, 9, overflow("a=5"))  # two were in that
    try:
        rows, dropped, logs = await written(valkey_store, archive, unique)
        assert (rows, dropped) == (4, 4 + 2)
        (line,) = [line for line in logs if line["event"] == "ledger_entries_unreadable"]
        assert (line["entries"], line["places"]) == (4, [1, 2, 3, 5])
        assert CALLER[1:] not in str(logs)
        assert await written(valkey_store, archive, unique) == (0, 0, [])
        async with archive.engine.connect() as connection:
            found = await connection.execute(select(OVERFLOWS).order_by(OVERFLOWS.c.entry))
            assert [row._mapping["tuple"] for row in found] == ["a=1", "a=3", "a=4", "a=5"]
            (ledger,) = (await connection.execute(select(LEDGERS))).all()
            assert (ledger.entries, ledger.dropped) == (10, 6)
    finally:
        await archive.close()


async def test_text_that_postgres_cannot_hold_is_one_entrys_fault(
    tmp_path: Path, valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """SQLite takes it; on PostgreSQL no text has a NUL."""
    archive = Archive(archive_url("", tmp_path))
    append(valkey_server, unique, 0, overflow("a=\0"), overflow("a=1"))
    try:
        assert (await written(valkey_store, archive, unique))[:2] == (2, 0)
    finally:
        await archive.close()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_postgres_refuses_a_row_or_is_away(
    database: str, tmp_path: Path, valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """What it doesn't take is dropped; while it takes nothing, nothing is."""
    archive = Archive(archive_url(database, tmp_path))
    try:
        append(valkey_server, unique, 0, overflow("a=\0"), overflow("a=1"))
        assert (await written(valkey_store, archive, unique))[:2] == (1, 1)
        # A month that is gone is made again.
        async with archive.engine.begin() as connection:
            await connection.execute(text("DROP TABLE overflows_2025_11"))
        append(valkey_server, unique, 2, overflow("a=2"))
        writer = ArchiveWriter(archive, Ledgers(valkey_store))
        assert await writer.write("pool", unique) == 1
        async with archive.engine.begin() as connection:
            await connection.execute(text("DROP TABLE overflows_2025_11"))
        append(valkey_server, unique, 3, overflow("a=3"))
        assert await writer.write("pool", unique) == 1
        async with archive.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE overflows RENAME TO elsewhere"))
        append(valkey_server, unique, 4, overflow("a=4"))
        with pytest.raises(ArchiveAway, match="UndefinedTableError"):
            await writer.write("pool", unique)
        async with archive.engine.begin() as connection:
            await connection.execute(text("ALTER TABLE elsewhere RENAME TO overflows"))
        assert await writer.write("pool", unique) == 1
        async with archive.engine.connect() as connection:
            count = select(func.count()).select_from(OVERFLOWS)
            assert (await connection.execute(count)).scalar_one() == 2
    finally:
        await archive.close()


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_months_are_made_before_they_are_needed(
    database: str, tmp_path: Path, valkey_store: Store
) -> None:
    """This one and the next one of both tables, by the leader; again is harmless."""
    archive, now = Archive(archive_url(database, tmp_path)), AT / 1000
    writers = [ArchiveWriter(archive, Ledgers(valkey_store), clock=lambda: now) for _ in range(2)]

    async def months() -> list[str]:
        async with archive.engine.connect() as connection:
            wanted = text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN "
                "(CAST('assignments' AS regclass), CAST('overflows' AS regclass)) ORDER BY 1"
            )
            return list((await connection.execute(wanted)).scalars())

    try:
        for writer in (*writers, *writers):
            await writer.make_partitions_ahead()
        made = [f"{t.name}_2025_{m}" for t in (ASSIGNMENTS, OVERFLOWS) for m in (11, 12)]
        assert await months() == made
        now += 31 * 86_400
        await writers[0].make_partitions_ahead()
        assert await months() == sorted([*made, "assignments_2026_01", "overflows_2026_01"])
    finally:
        await archive.close()
