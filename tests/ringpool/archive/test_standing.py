"""Assignments in the archive while they stand, and once they end."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy import select, update

from allocator.answers import Holding
from allocator.ledger import AssignmentEnded, Ledgers
from allocator.replies import HolderReply
from ringpool.archive import standing
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.holders import archived_holder
from ringpool.archive.tables import ASSIGNMENTS
from ringpool.archive.writer import ArchiveWriter

NUMBER = "+18885550101"
BEGAN = 1_795_000_000_000
STANDS = Holding(
    number=NUMBER,
    pool="p",
    owner="a",
    tuple="w=one",
    serial=7,
    since=BEGAN,
    guaranteed_until=BEGAN + 600_000,
    clicks=2,
    first_click=b'{"utm_campaign":"spring"}',
    last_click=b'{"gclid":"x"}',
    last_click_at=BEGAN + 60_000,
)
GREW = replace(STANDS, clicks=5, calls=1, guaranteed_until=BEGAN + 900_000)
ENDED = replace(GREW, clicks=6, until=BEGAN + 2_000_000, last_click_at=BEGAN + 950_000)


class LedgerOf(Ledgers):
    """A ledger with one assignment that ended, over and over: nobody trims it."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding

    async def read_packed(self, kind: Any, name: str, messages: int = 200) -> bytes:
        told = self._holding
        holder = HolderReply(
            pool=told.pool,
            tuple=told.tuple,
            since=told.since,
            until=told.until or 0,
            guaranteed_until=told.guaranteed_until,
            clicks=told.clicks,
            calls=told.calls,
            first_click=told.first_click.decode(),
            last_click=told.last_click.decode(),
            owner=told.owner,
            last_click_at=told.last_click_at,
            serial=told.serial,
        )
        message = msgspec.msgpack.encode((0, AssignmentEnded(told.number, holder)))
        as_lua_has_it = b"\xdb" + len(message).to_bytes(4, "big") + message  # a string, not bytes
        return msgspec.msgpack.encode([(f"{told.since}-0", Raw(as_lua_has_it))])

    async def trim(self, kind: Any, name: str, trim: str) -> int:
        return 0


async def _rows(archive: Archive) -> list[tuple[int, int, int]]:
    async with archive.engine.connect() as connection:
        found = await connection.execute(select(ASSIGNMENTS))
        return [(row.until, row.clicks, row.calls) for row in found]


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
async def test_a_row_grows_until_its_end_comes_and_no_further(
    database: str, tmp_path: Path
) -> None:
    """Whatever is repeated, or comes late: one row an assignment."""
    archive = Archive(archive_url(database, tmp_path))
    writer = ArchiveWriter(archive, LedgerOf(ENDED))

    async def stands(*held: Holding) -> list[tuple[int, int, int]]:
        await writer.write_standing([(each, "a") for each in held], None)
        return await _rows(archive)

    try:
        assert await stands(STANDS) == [(0, 2, 0)]
        assert await stands(GREW, STANDS) == [(0, 5, 1)]  # read twice, the older one late
        assert await stands(STANDS) == [(0, 5, 1)]
        for _ in range(2):
            await writer.write("pool", "p")
            assert await _rows(archive) == [(ENDED.until, 6, 1)]
        assert await stands(replace(GREW, clicks=99)) == [(ENDED.until, 6, 1)]
    finally:
        await archive.close()


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
async def test_the_time_that_clicks_are_counted_up_to_never_goes_back(
    database: str, tmp_path: Path
) -> None:
    """Two that lead, one after the other, may note it in any order."""
    archive = Archive(archive_url(database, tmp_path))
    writer, found = ArchiveWriter(archive, LedgerOf(ENDED)), []
    try:
        for until in (None, BEGAN, BEGAN + 1, BEGAN - 1):
            await writer.write_standing([], until)
            async with archive.engine.connect() as connection:
                found.append(await standing.counted_until(connection))
    finally:
        await archive.close()
    assert found == [0, BEGAN, BEGAN + 1, BEGAN + 1]


async def test_who_held_a_number_whose_end_never_came(tmp_path: Path) -> None:
    """The store is asked first; what it has lost is believed as long as it was guaranteed."""
    archive = Archive(archive_url("", tmp_path))
    writer = ArchiveWriter(archive, LedgerOf(ENDED))
    promised = BEGAN + 600_000
    try:
        await writer.write_standing([(STANDS, "a")], None)
        assert await archived_holder(archive, NUMBER, promised - 1) == replace(
            STANDS, until=promised
        )
        assert await archived_holder(archive, NUMBER, promised) is None
        assert await archived_holder(archive, NUMBER, BEGAN - 1) is None
        await writer.write("pool", "p")
        assert await archived_holder(archive, NUMBER, promised) == ENDED
        assert await archived_holder(archive, NUMBER, BEGAN + 2_000_000) is None
    finally:
        await archive.close()


async def test_a_certificate_that_is_not_believed_refuses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though Python has it as a ValueError, as wrong values of a row are: the rows wait."""

    async def connect(*_: Any, **_options: Any) -> None:
        raise ssl.SSLCertVerificationError("certificate has expired")

    monkeypatch.setattr(asyncpg, "connect", connect)
    archive = Archive(archive_url("postgresql://u@127.0.0.1:1/x", tmp_path))
    archive._prepared = True  # it was, before the certificate expired
    writer = ArchiveWriter(archive, LedgerOf(ENDED))
    for writing in (writer.write_standing([(STANDS, "a")], None), writer.write("pool", "p")):
        with pytest.raises(ArchiveAway, match=r"^SSLCertVerificationError$"):
            await writing


async def test_where_a_click_came_from_stays_when_a_visitor_is_forgotten(tmp_path: Path) -> None:
    """The store has forgotten that, too, before the assignment grows and ends."""
    archive = Archive(archive_url("", tmp_path))
    writer = ArchiveWriter(archive, LedgerOf(forgotten(ENDED)))
    await writer.write_standing([(STANDS, "a")], None)
    kept = {"tuple": "w=forgotten", "source": 5, "first_click": "{}"}
    async with archive.engine.begin() as connection:
        await connection.execute(update(ASSIGNMENTS).values(kept))
    for clicks in (5, 6):
        if clicks == 6:
            await writer.write("pool", "p")
        else:
            await writer.write_standing([(forgotten(GREW), "a")], None)
        async with archive.engine.connect() as connection:
            (row,) = (await connection.execute(select(ASSIGNMENTS))).mappings()
        assert {name: row[name] for name in kept} == kept
        assert row["clicks"] == clicks
    await archive.close()


def forgotten(holding: Holding) -> Holding:
    return replace(holding, tuple="w=forgotten.1", first_click=b"{}", last_click=b"{}")
