"""Numbers that are still held, read into the archive by the leader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from allocator.allocator import Allocator
from allocator.answers import Ask, Holding, Rules
from allocator.ledger import Ledgers
from allocator.port import Store, StoreUnavailable
from ringpool.archive import standing
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.tables import ASSIGNMENTS
from ringpool.archive.writer import ArchiveWriter
from ringpool.background import held_assignments
from ringpool.background.held_assignments import EVERY_SECONDS, HeldAssignments
from ringpool.reports import question
from ringpool.reports.groups import grouped
from tests.allocator.pools import START, numbers

CLICK = b'{"utm_campaign":"spring"}'


class Leader:
    """One that leads, in virtual time: pools' clocks and its own are one."""

    def __init__(self, store: Store, folder: Path, *pools: str) -> None:
        self.allocator = Allocator(store)
        self.pools, self.now = pools, START
        self.archive = Archive(archive_url("", folder))
        self.writer = ArchiveWriter(self.archive, Ledgers(store))
        self.written: list[int] = []
        self.fails: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """Lead anew: what was known is forgotten."""
        self.held = HeldAssignments(
            self.allocator, self.writer, lambda: self.pools, clock=lambda: self.now / 1000
        )

    async def make(self, size: int) -> None:
        for pool in self.pools:
            rules = Rules(min_duration=3_600_000, owner="a")
            await self.allocator.edit(pool, rules, 1, now_ms=self.now)
            area = f"+1888{self.pools.index(pool)}"
            await self.allocator.add(pool, numbers(size, area), now_ms=self.now)

    async def click(self, pool: str, *tuples: str) -> None:
        asks = [Ask(f"w={each}", CLICK) for each in tuples]
        await self.allocator.allocate(pool, asks, now_ms=self.now)

    async def round(self, seconds: float = 1) -> int:
        """Look at every pool as the sweeper does, then read; of how many something is written."""
        self.now += int(seconds * 1000)
        for pool in self.pools:
            swept = await self.allocator.sweep(pool, now_ms=self.now)
            self.held.note(pool, "a", swept)
        return await self.held.round()

    async def rows(self) -> dict[str, tuple[int, int]]:
        """Clicks and ends by tuple; each has one row."""
        async with self.archive.engine.connect() as connection:
            found = (await connection.execute(select(ASSIGNMENTS))).all()
        rows = {row._mapping["tuple"]: (row.clicks, row.until) for row in found}
        assert len(rows) == len(found)
        return rows

    async def counted_until(self) -> float:
        """Seconds before now."""
        async with self.archive.engine.connect() as connection:
            return (self.now - await standing.counted_until(connection)) / 1000


@pytest.fixture
async def leader(valkey_store: Store, tmp_path: Path, unique: str) -> AsyncIterator[Leader]:
    leader = Leader(valkey_store, tmp_path, f"{unique}-p", f"{unique}-q")
    yield leader
    await leader.archive.close()


async def test_clicks_of_held_numbers_are_in_reports(leader: Leader) -> None:
    """As of when they were read; the end completes the same row."""
    await leader.make(2)
    pool = leader.pools[0]
    await leader.click(pool, "x", "x", "y")
    assert await leader.round() == 2
    assert await leader.rows() == {"w=x": (2, 0), "w=y": (1, 0)}

    await leader.click(pool, "x")
    assert [await leader.round(60) for _ in range(9)] == [0] * 9  # not yet
    assert await leader.round(60) == 1  # nothing happened to the other
    assert await leader.rows() == {"w=x": (3, 0), "w=y": (1, 0)}
    await leader.round(10)
    assert 0 < await leader.counted_until() <= 12
    async with leader.archive.engine.connect() as connection:
        report = await grouped(connection, question.read("campaign", {}))
    assert (report.total.clicks, report.rows[0].group["utm_campaign"]) == (4, "spring")
    assert report.held_as_of

    leader.now += 4 * 3_600_000
    await leader.click(pool, "z")  # the first number that was idle goes
    await leader.writer.write("pool", pool)
    await leader.round()
    rows = await leader.rows()
    assert sorted((clicks, until > 0) for clicks, until in rows.values()) == [
        (1, False),
        (1, True),
        (3, False),
    ]


async def test_how_far_it_is_read_is_never_overstated(leader: Leader) -> None:
    """Clicks that wait for their ten minutes hold the time back, and so does a new leader."""
    await leader.make(2)
    pool = leader.pools[0]
    await leader.round()
    await leader.round(11)
    clicked = leader.now
    await leader.click(pool, "x")
    for _ in range(20):
        await leader.round(20)
        async with leader.archive.engine.connect() as connection:
            assert await standing.counted_until(connection) <= clicked
    assert await leader.rows() == {}
    leader.begin()
    before = await leader.counted_until()
    await leader.round(1)
    assert await leader.counted_until() == before + 1  # it has read nothing yet when it writes
    assert await leader.rows() == {"w=x": (1, 0)}
    await leader.round(11)
    assert await leader.counted_until() <= 14


async def test_a_large_pool_is_read_page_by_page(
    leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many numbers a round, each once, while others come in between."""
    monkeypatch.setattr(held_assignments, "_NUMBERS_A_ROUND", 400)
    monkeypatch.setattr(held_assignments, "_PAGE", 100)
    leader.pools = leader.pools[:1]
    (pool,) = leader.pools
    await leader.make(1_500)
    await leader.click(pool, *(str(n) for n in range(1_500)))
    found = [await leader.round()]
    while found[-1]:
        await leader.click(pool, "1")
        found.append(await leader.round())
    assert sum(found) >= 1_500
    assert max(found) <= 600  # a page more than wanted, as it comes
    assert len(await leader.rows()) == 1_500
    again = [await leader.round(seconds) for seconds in (EVERY_SECONDS, 1, 1, 1, 1)]
    assert sum(again) == 1
    assert (await leader.rows())["w=1"][0] == len(found)


async def test_what_was_not_written_is_read_again(leader: Leader) -> None:
    """The archive is away in the middle, or another one begins to lead."""
    await leader.make(3)
    for pool in leader.pools:
        await leader.click(pool, f"{pool}-x", f"{pool}-y")
    write, failing = leader.writer.write_standing, True

    async def fails_once(held: list[tuple[Holding, str]], until: int | None) -> None:
        nonlocal failing
        if failing:
            failing = False
            raise ArchiveAway("away")
        await write(held, until)

    leader.writer.write_standing = fails_once  # type: ignore[method-assign,assignment]
    with pytest.raises(ArchiveAway):
        await leader.round()
    assert await leader.round() == 4
    assert len(await leader.rows()) == 4
    leader.begin()
    assert await leader.round() == 4
    assert set((await leader.rows()).values()) == {(1, 0)}


async def test_a_store_that_is_away_keeps_no_other_pool_waiting(
    leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a pool that is deleted is forgotten."""
    await leader.make(1)
    away, other = leader.pools
    for pool in leader.pools:
        await leader.click(pool, pool)
    pages = leader.allocator.numbers
    gone = {away}

    async def numbers_of(pool: str, cursor: str = "0", limit: int = 1000) -> object:
        if pool in gone:
            raise StoreUnavailable("away")
        return await pages(pool, cursor, limit)

    monkeypatch.setattr(leader.allocator, "numbers", numbers_of)
    assert await leader.round() == 1
    assert list(await leader.rows()) == [f"w={other}"]
    gone.clear()
    assert [await leader.round(30) for _ in range(2)] == [0, 1]
    leader.pools = (other,)
    await leader.round(11)
    assert await leader.counted_until() <= 13
