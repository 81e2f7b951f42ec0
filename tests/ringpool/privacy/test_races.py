"""Forgotten while others write: what was read before comes back neither here nor there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from allocator.answers import Ask
from allocator.ledger import Ledgers
from ringpool.archive.database import Archive
from ringpool.archive.tables import ASSIGNMENTS
from ringpool.archive.turn import turn
from ringpool.archive.writer import ArchiveWriter
from ringpool.background.archiving import Archiving
from ringpool.background.held_assignments import HeldAssignments
from ringpool.privacy import person as persons
from ringpool.privacy.person import FORGOTTEN, Person
from ringpool.privacy.search import Search
from ringpool.security.signing import Signer, SigningKeys
from ringpool.visits import tuples
from tests.ringpool.archive.databases import DATABASES, empty_archive
from tests.ringpool.conftest import Bench
from tests.ringpool.privacy.everywhere import (
    OTHER,
    VISITOR,
    click,
    every_row,
    everything,
    live,
)

KEYS = SigningKeys(Signer.generate())


def visitor(_: set[str]) -> Person:
    return persons.visitor(VISITOR)


@pytest.mark.parametrize("kind", DATABASES)
async def test_a_leader_in_the_middle_of_a_page(kind: str, bench: Bench, tmp_path: Path) -> None:
    """It has read a ledger and writes it later: the command waits, and finds what it wrote."""
    async with empty_archive(kind, tmp_path) as archive:
        await live(bench, archive, KEYS)
        read, may_write = asyncio.Event(), asyncio.Event()

        class Slow(Ledgers):
            async def trim(self, *arguments: object) -> int:
                read.set()
                await may_write.wait()  # it is written, and not trimmed
                return await super().trim(*arguments)  # type: ignore[arg-type]

        leading = Archive(archive.engine.url)
        archiving = Archiving(ArchiveWriter(leading, Slow(bench.store)), turn=lambda: turn(leading))
        archiving.note("pool", "recycling", "b")
        archiving.go_on(lambda _kind, _name: "b")
        await read.wait()
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0)
        forgetting = asyncio.create_task(search.forget(visitor))
        done, _ = await asyncio.wait([forgetting], timeout=0.3)
        assert not done
        may_write.set()
        forgotten = await forgetting
        await archiving.stop()
        await leading.close()
        assert forgotten.removed
        assert forgotten.left == []
        assert VISITOR not in await every_row(archive)
        assert VISITOR.encode() not in everything(bench.server)


async def test_numbers_are_given_on_meanwhile(bench: Bench, tmp_path: Path) -> None:
    """Assignments of theirs end while they are forgotten, so that they wander into histories."""
    async with empty_archive("sqlite", tmp_path) as archive:
        await live(bench, archive, KEYS)
        now, over = 2_000_000_000_000, asyncio.Event()
        tuples = [f"visitor={VISITOR}", *(f"visitor={OTHER}-{n}" for n in range(4))]
        # Who comes again after they were forgotten isn't forgotten: theirs are all before.
        for tuple_ in tuples:
            now += 2_000
            await bench.allocator.allocate("recycling", [Ask(tuple_, click(VISITOR))], now_ms=now)

        async def go_on() -> int:
            at, given = now, 0
            while not over.is_set():
                at += 2_000
                tuple_ = f"visitor={OTHER}-{given % 5}"
                asks = [Ask(tuple_, click(OTHER))]
                await bench.allocator.allocate("recycling", asks, now_ms=at)
                given += 1
                await asyncio.sleep(0.005)  # no faster than the archive reads
            return given

        going_on = asyncio.create_task(go_on())
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0.2)
        try:
            forgotten = await search.forget(visitor)
        finally:
            over.set()
        assert await going_on > 20
        assert forgotten.left == []
        assert VISITOR not in await every_row(archive)
        assert VISITOR.encode() not in everything(bench.server)


async def test_who_comes_again_and_again_is_left(bench: Bench, tmp_path: Path) -> None:
    """It isn't told that nothing is left, and it ends."""
    async with empty_archive("sqlite", tmp_path) as archive:
        await live(bench, archive, KEYS)
        search = Search(bench.store, archive, bench.catalog, settle_seconds=0)
        comings = 0

        accounts = search._accounts

        async def meanwhile() -> set[str]:
            nonlocal comings
            comings += 1
            asks = [Ask(f"visitor={VISITOR}", click(VISITOR))]
            now = 3_000_000_000_000 + comings * 9_000
            await bench.allocator.allocate("recycling", asks, now_ms=now)
            return await accounts()

        search._accounts = meanwhile  # type: ignore[method-assign]
        forgotten = await search.forget(visitor)
        assert comings > 10
        assert any("recycling" in trace.where for trace in forgotten.left)


async def test_an_assignment_that_stands_is_read_again(bench: Bench, tmp_path: Path) -> None:
    """By the leader after it was forgotten: it has another tuple then, in one row as before."""
    async with empty_archive("sqlite", tmp_path) as archive:
        await live(bench, archive, KEYS)
        writer = ArchiveWriter(archive, Ledgers(bench.store))

        async def read() -> list[str]:
            """As a new leader does: all of it."""
            held = HeldAssignments(bench.allocator, writer, lambda: ["held"])
            held.note("held", "a", await bench.allocator.sweep("held"))
            assert await held.round() == 2
            async with archive.engine.connect() as connection:
                of_pool = ASSIGNMENTS.c.pool == "held", ASSIGNMENTS.c.until == 0
                found = await connection.scalars(select(ASSIGNMENTS.c.tuple).where(*of_pool))
                return sorted(found)

        assert len(await read()) == 2
        assert VISITOR in await every_row(archive)
        await Search(bench.store, archive, bench.catalog, settle_seconds=0).forget(visitor)
        other, theirs = sorted(await read(), key=lambda each: FORGOTTEN in each)
        assert other == tuples.canonical(["visitor"], {"visitor": OTHER})
        assert theirs == f"visitor={FORGOTTEN}"
        assert VISITOR not in await every_row(archive)
