"""The leader's rounds of the archive: what fails keeps nothing else from its turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from allocator.ledger import Kind, Ledgers
from allocator.port import Store, StoreUnavailable
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.tables import OVERFLOWS
from ringpool.archive.writer import ArchiveWriter
from ringpool.background.archiving import Archiving
from tests.ringpool.archive.test_unreadable import append, overflow
from tests.ringpool.conftest import Bench


class Broken(ArchiveWriter):
    """A writer that fails for some ledgers, and notes which it was asked for."""

    faults: dict[str, Exception]
    asked: list[str]

    async def write(self, kind: Kind, name: str, account: str = "") -> int:
        self.asked.append(name)
        if name in self.faults:
            raise self.faults[name]
        return await super().write(kind, name, account)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(archive_url("", tmp_path))


def broken(archive: Archive, store: Store, faults: dict[str, Exception]) -> Broken:
    writer = Broken(archive, Ledgers(store))
    writer.faults, writer.asked = faults, []
    return writer


def nobodys(_kind: Kind, _name: str) -> str:
    return ""


async def pools_in(archive: Archive) -> set[str]:
    async with archive.engine.connect() as connection:
        return set((await connection.execute(select(OVERFLOWS.c.pool))).scalars())


async def test_a_ledger_and_a_job_that_fail_hold_nothing_up(archive: Archive, bench: Bench) -> None:
    """Those after them are done in the same round; what failed is tried in the next one."""
    server, store = bench.server, bench.store
    names = ["a", "bad", "b", "bad-unread", "c"]
    for name in names:
        append(server, name, 0, overflow("x=1"))
    await Ledgers(store).note_unread([("pool", "bad-unread"), ("pool", "c")])
    faults: dict[str, Exception] = {
        "bad": RuntimeError("a fault of the program"),
        "bad-unread": StoreUnavailable("its part of the cluster is away"),
    }
    writer = broken(archive, store, faults)
    done: list[str] = []

    async def job() -> None:
        done.append("job")

    async def bad_job() -> None:
        raise OSError("its own")

    archiving = Archiving(writer, [bad_job, job])
    for name in ("bad", "a", "b"):
        archiving.note("pool", name, "")
    try:
        failures = await archiving.round(nobodys)
        whats = [failure.what for failure in failures]
        assert sorted(whats[:-1]) == ["pool bad", "pool bad-unread"]
        assert whats[-1].endswith("bad_job")
        assert await pools_in(archive) == {"a", "b", "c"}
        assert done == ["job"]
        faults.clear()
        assert len(await archiving.round(nobodys)) == 1
        assert await pools_in(archive) == set(names)
        assert await writer.unread() == []
    finally:
        await archive.close()


async def test_a_database_that_is_away_ends_the_round(archive: Archive, bench: Bench) -> None:
    """What waits then waits; the ledger that found it so is behind the others the next time."""
    store = bench.store
    writer = broken(archive, store, {"a": ArchiveAway("timeout")})
    done: list[str] = []

    async def job() -> None:
        done.append("job")

    archiving = Archiving(writer, [job])
    for name in ("a", "b"):
        archiving.note("pool", name, "")
    try:
        (failure,) = await archiving.round(nobodys)
        assert isinstance(failure.error, ArchiveAway)
        assert (writer.asked, done) == (["a"], [])
        await archiving.round(nobodys)
        assert writer.asked == ["a", "b", "a"]
    finally:
        await archive.close()


async def test_a_store_that_is_away_is_not_asked_for_every_ledger(
    archive: Archive, bench: Bench
) -> None:
    """Each ask would wait for as long as one may take."""
    store = bench.store
    names = [f"p{n}" for n in range(9)]
    writer = broken(archive, store, dict.fromkeys(names, StoreUnavailable("away")))
    archiving = Archiving(writer)
    for name in names:
        archiving.note("pool", name, "")
    try:
        assert len(await archiving.round(nobodys)) == 3
        await archiving.round(nobodys)
        assert writer.asked == names[:6]  # the others first
    finally:
        await archive.close()
