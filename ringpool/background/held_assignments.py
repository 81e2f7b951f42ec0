"""What the leader tells the archive of numbers that are still held.

The ledger has an assignment only once it ended, and reports count its clicks before that. So a pool
that was in use is read again, ten minutes after it was read last at the soonest: a page at a time,
and so many numbers a round that neither the store nor the archive is busy with it for long. Numbers
that nothing happened to since then are passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from allocator.allocator import MAX_ASKS_PER_CALL, Allocator
from allocator.answers import Holding, Swept
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from ringpool.archive.writer import ArchiveWriter

EVERY_SECONDS = 600.0
"""A pool is read no sooner after it was read last."""

_NUMBERS_A_ROUND = 2_000
_PAGE = 500
_A_POOL = 10
"""A pool without numbers is work, too: as much as some numbers are."""

_RETRY_SECONDS = 60.0
_NOTE_SECONDS = 10.0
"""It's noted no more often that there was nothing to read."""

_LATE_SECONDS = 2.0
"""Clicks that a worker answered from memory are in the store by then."""


@dataclass
class _Reading:
    """Of a pool, under way. ``begun``: when (Unix seconds); ``clock``: the pool's then (ms).

    ``known``: numbers without activity since then, by the pool's clock, are in the archive.
    """

    begun: float
    clock: int
    known: int
    cursor: str = "0"


@dataclass
class _Pool:
    """``answers`` and ``clock``: as they were seen last. ``used``: since the last reading began.

    ``counted_until``: when all its clicks were in the archive (Unix seconds); 0: never yet.
    """

    account: str
    answers: int = -1
    clock: int = 0
    used: bool = False
    not_before: float = 0.0
    known: int = 0
    counted_until: float = 0.0
    reading: _Reading | None = None


class HeldAssignments:
    """``pools``: the ids of those that there are. ``clock``: Unix seconds."""

    def __init__(
        self,
        allocator: Allocator,
        writer: ArchiveWriter,
        pools: Callable[[], Collection[str]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._allocator = allocator
        self._writer = writer
        self._pools = pools
        self._clock = clock
        self._seen: dict[str, _Pool] = {}
        self._noted_at = float("-inf")

    def note(self, pool_id: str, account: str, swept: Swept) -> None:
        """A pool was looked at just now."""
        pool = self._seen.setdefault(pool_id, _Pool(account))
        pool.used = pool.used or swept.answers_total != pool.answers
        pool.account, pool.answers, pool.clock = account, swept.answers_total, swept.clock
        if not pool.used and pool.reading is None:
            pool.counted_until = self._clock()

    async def round(self) -> int:
        """Read some of what is due; returns of how many assignments something is written.

        A pool whose store is away is tried again later. Raises ArchiveAway: then the next round
        goes on where this one began.
        """
        there = self._pools()
        for name in [name for name in self._seen if name not in there]:
            del self._seen[name]
        held: list[tuple[Holding, str]] = []
        read: list[tuple[_Pool, _Reading, str]] = []
        room = _NUMBERS_A_ROUND
        for name, pool in self._due():
            if room <= 0:
                break
            reading = self._begin(pool)
            try:
                cursor, looked_at, holdings = await self._read(name, reading, room)
            except UnknownPool:  # it was deleted since the snapshot was read
                del self._seen[name]
            except StoreUnavailable:
                pool.not_before = self._clock() + _RETRY_SECONDS
            else:
                room -= looked_at + _A_POOL
                held += [(holding, pool.account) for holding in holdings]
                read.append((pool, reading, cursor))
        await self._write(held)
        for pool, reading, cursor in read:
            reading.cursor = cursor
            if cursor == "0":
                pool.reading, pool.known = None, reading.clock
                pool.counted_until = reading.begun
                pool.not_before = reading.begun + EVERY_SECONDS
        return len(held)

    def _due(self) -> list[tuple[str, _Pool]]:
        """Those that are to be read now: what was begun, then who waits for the longest time."""
        now = self._clock()
        due = [
            (name, pool)
            for name, pool in self._seen.items()
            if (pool.used or pool.reading is not None) and pool.not_before <= now
        ]
        return sorted(due, key=lambda each: (each[1].reading is None, each[1].not_before))

    def _begin(self, pool: _Pool) -> _Reading:
        if pool.reading is None:
            pool.reading = _Reading(self._clock(), pool.clock, pool.known)
            pool.used = False
        return pool.reading

    async def _read(
        self, pool_id: str, reading: _Reading, most: int
    ) -> tuple[str, int, list[Holding]]:
        """Read about ``most`` numbers on from where the reading is.

        Returns where it is then ("0": at the end), how many numbers that were, and the assignments
        of those that anything happened to.
        """
        cursor, looked_at = reading.cursor, 0
        holdings: list[Holding] = []
        while looked_at < most:
            cursor, rows = await self._allocator.numbers(pool_id, cursor, _PAGE)
            looked_at += len(rows)
            held = [row.number for row in rows if row.since and row.last_activity >= reading.known]
            for start in range(0, len(held), MAX_ASKS_PER_CALL):
                numbers = held[start : start + MAX_ASKS_PER_CALL]
                called = await self._allocator.called(pool_id, numbers)
                holdings += [
                    each.holding
                    for each in called
                    if each is not None and each.holding is not None and each.holding.until is None
                ]
            if cursor == "0":
                break
        return cursor, looked_at, holdings

    async def _write(self, held: list[tuple[Holding, str]]) -> None:
        now = self._clock()
        if held or now >= self._noted_at + _NOTE_SECONDS:
            await self._writer.write_standing(held, self._counted_until())
            self._noted_at = now

    def _counted_until(self) -> int | None:
        """When the clicks of every pool were in the archive (Unix ms); None: nobody knows."""
        there = self._pools()
        if len(self._seen) < len(there):
            return None
        oldest = min((pool.counted_until for pool in self._seen.values()), default=self._clock())
        return int((oldest - _LATE_SECONDS) * 1000) if oldest else None
