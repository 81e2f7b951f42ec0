"""The archive's writer, killed again and again under load: what is in the archive in the end."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from msgspec import Struct
from sqlalchemy import func, select

from allocator.allocator import Allocator
from allocator.answers import Ask, Call, Rules
from allocator.ledger import Ledgers
from allocator.port import Store
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import ASSIGNMENTS, CALL_EVENTS, CALLS, LEDGERS, OVERFLOWS
from ringpool.archive.writer import ArchiveWriter
from ringpool.calls.events import CallDocument, EventKind, encode_document

_ACCOUNT = "account"
_NUMBERS, _ASKS_A_CALL, _EXTRA_ASKS = 50, 60, 20
_START, _STEP_MS, _GUARANTEE_MS = 2_000_000_000_000, 1_000, 900


class Outcome(Struct, frozen=True, kw_only=True):
    """What there was to archive, and what is in the archive.

    ``dropped``: entries that the ledger's bound left out, and that the archive counted as such.
    ``lost``: rows that are neither there nor counted so. ``doubled``: rows there are too many of,
    and entries counted as dropped whose rows are there.
    """

    kills: int
    assignments: int
    overflows: int
    calls: int
    lost: int
    doubled: int
    dropped: int


async def killed(
    store: Store,
    store_url: str,
    database: str,
    folder: Path,
    kills: int,
    seed: int = 0,
    pool: str = "killed",
) -> Outcome:
    """Load a pool and kill its archive's writer ``kills`` times, then write what is left.

    ``database``: as RINGPOOL_DATABASE_URL; "": SQLite in ``folder``.
    """
    draw = random.Random(seed)
    archive = Archive(archive_url(database, folder))
    await archive.prepare()
    load = _Load(store, pool)
    await load.begin()
    try:
        for _ in range(kills):
            await _one_life(load, (store_url, database or "-", str(folder), pool), draw)
        ledgers = Ledgers(store)
        await ArchiveWriter(archive, ledgers).write("pool", pool)
        return await _compared(load, archive, kills)
    finally:
        await archive.close()


async def _one_life(load: _Load, arguments: tuple[str, ...], draw: random.Random) -> None:
    """Start a writer, load the pool while it writes, and kill it at any moment."""
    command = (sys.executable, "-m", "loadtests.archive.writer", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"writing\n"
        for _ in range(draw.randint(5, 40)):
            await load.step()
        await asyncio.sleep(draw.random() * 0.2)  # while it writes what waits
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


class _Load:
    """Tuples that come once each, so that numbers are recycled and some visits overflow; calls."""

    def __init__(self, store: Store, pool: str) -> None:
        self._pool = pool
        self._allocator = Allocator(store)
        self._now = _START
        self._tuples = 0
        self.ended = self.overflows = self.calls = 0
        self.numbers = [f"+1888555{n:04}" for n in range(_NUMBERS)]

    async def begin(self) -> None:
        rules = Rules(min_duration=_GUARANTEE_MS, overflow_number="+18005550100", owner=_ACCOUNT)
        await self._allocator.edit(self._pool, rules, 1, now_ms=self._now)
        await self._allocator.add(self._pool, self.numbers, now_ms=self._now)

    async def step(self) -> None:
        """One script call that ends assignments and overflows, and an event of a call."""
        self._now += _STEP_MS
        asks = [
            Ask(f"website={self._tuples + n}", b'{"landing_page":"https://a.example/"}')
            for n in range(_ASKS_A_CALL)
        ]
        self._tuples += len(asks)
        answers = await self._allocator.allocate(self._pool, asks, now_ms=self._now)
        states = Counter(answer.state.value for answer in answers)
        self.ended += states["recycled"]
        self.overflows += states["overflow"]
        self.calls += 1
        document = CallDocument(
            account=_ACCOUNT,
            id=f"call-{self.calls}",
            event=EventKind.STARTED,
            number=self.numbers[0],
            at=self._now,
        )
        call = Call(
            id=document.id,
            number=self.numbers[0],
            event="started",
            document=encode_document(document),
        )
        await self._allocator.record_call(self._pool, call, now_ms=self._now)


async def _compared(load: _Load, archive: Archive, kills: int) -> Outcome:
    told = {
        ASSIGNMENTS: load.ended,
        OVERFLOWS: load.overflows,
        CALL_EVENTS: load.calls,
        CALLS: load.calls,
    }
    async with archive.engine.connect() as connection:
        counts = {
            table: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in told
        }
        # Each assignment of the pool that ended: another than each other one.
        distinct = select(func.count(ASSIGNMENTS.c.serial.distinct()))
        again = counts[ASSIGNMENTS] - (await connection.execute(distinct)).scalar_one()
        of_all = select(func.sum(LEDGERS.c.dropped))
        dropped = int((await connection.execute(of_all)).scalar_one() or 0)
    missing = {table: expected - counts[table] for table, expected in told.items()}
    # The bound leaves out overflows alone, as long as the writer comes at all.
    missing[OVERFLOWS] -= dropped
    return Outcome(
        kills=kills,
        assignments=load.ended,
        overflows=load.overflows,
        calls=load.calls,
        lost=sum(max(0, count) for count in missing.values()),
        doubled=sum(max(0, -count) for count in missing.values()) + again,
        dropped=dropped,
    )
