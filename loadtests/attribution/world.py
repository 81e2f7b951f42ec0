"""A pool in a store of its own, in virtual time: the real scripts, asked by simulated traffic.

Time is the scripts' ``now`` argument, so months pass in minutes. What is handed back is what the
service keeps (the pool's ledger, and who holds its numbers), and beside it who really called.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Call, Holding, Rules
from allocator.embedded import open_embedded
from allocator.ledger import AssignmentEnded, CallTold, Ledgers, OverflowGiven
from allocator.redis.url import connect
from loadtests.attribution.traffic import Draw, Kind, Traffic
from ringpool.model import Pool, rules
from ringpool.times import Duration

POOL = "simulated"
OVERFLOW = "+18005550000"
BEGUN = 1_700_000_000_000
NOBODY = -1
"""The keyword of a call that no click led to."""

_AT_ONCE = 100
"""Clicks that are with the store before it is waited for."""

_READ_EVERY = 5_000
"""Clicks; the ledger keeps a few times as many."""

_TIMEOUT_MS = 20_000


class Truth(Struct, frozen=True):
    """Who made a call: "" and NOBODY where no click led to it."""

    key: str
    keyword: int


class Seen(NamedTuple):
    """What the service knows. ``standing``: who held the numbers when half of the calls were made,
    at ``half`` (Unix ms)."""

    ended: list[Holding]
    overflows: list[OverflowGiven]
    calls: list[CallTold]
    standing: list[Holding]
    half: int
    began: int


class World(NamedTuple):
    """``truth``: by the id of each call."""

    seen: Seen
    truth: dict[str, Truth]
    draw: Draw


class CallDocument(Struct):
    """What the event of a call says: its id, when it began, and the hash of who calls."""

    id: str
    at: int
    caller: str


class _Visit:
    """A click. ``number``: "" until the store has answered."""

    __slots__ = ("key", "keyword", "number")

    def __init__(self, key: str, keyword: int) -> None:
        self.key, self.keyword, self.number = key, keyword, ""


async def simulate(
    traffic: Traffic,
    kind: Kind,
    calls: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> World:
    """Let time pass until so many calls were made. ``progress`` is told of each."""
    with (
        tempfile.TemporaryDirectory(prefix="ringpool-attribution-") as folder,
        open_embedded(folder) as url,
    ):
        store = await connect(url, timeout_ms=_TIMEOUT_MS)
        try:
            run = _Run(Allocator(store), Ledgers(store), traffic, kind, seed)
            return await run.until(calls, progress)
        finally:
            await store.aclose()


class _Run:
    def __init__(
        self, allocator: Allocator, ledgers: Ledgers, traffic: Traffic, kind: Kind, seed: int
    ) -> None:
        self._allocator, self._ledgers = allocator, ledgers
        self._traffic, self._kind = traffic, kind
        self._draw = Draw(traffic, kind, seed)
        self._numbers = [f"+1888{place:07d}" for place in range(traffic.numbers)]
        self._seen = Seen([], [], [], [], 0, BEGUN)
        self._truth: dict[str, Truth] = {}
        self._asked: list[tuple[_Visit, Any]] = []
        # When a phone rings: the visit that led to it, or a number that somebody knows; who calls.
        self._to_ring: list[tuple[float, int, _Visit, str]] = []
        self._order = itertools.count()

    async def until(self, calls: int, progress: Callable[[int], None]) -> World:
        """Let time pass."""
        await self._allocator.edit(POOL, self._rules(), 1, now_ms=BEGUN)
        await self._allocator.add(POOL, self._numbers, now_ms=BEGUN)
        click, unasked = (
            BEGUN + wait for wait in (self._draw.until_click(), self._draw.until_unasked())
        )
        made = clicks = 0
        while made < calls:
            rings = self._to_ring[0][0] if self._to_ring else float("inf")
            if click <= min(rings, unasked):
                self._click(click)
                if len(self._asked) >= _AT_ONCE:
                    await self._answered()
                clicks += 1
                if clicks % _READ_EVERY == 0:
                    await self._read()
                click += self._draw.until_click()
                continue
            if unasked <= rings:
                stranger = _Visit("", NOBODY)
                stranger.number = self._draw.number(self._numbers)
                self._will_ring(unasked, stranger, f"u{made}")
                unasked += self._draw.until_unasked()
                continue
            await self._ring()
            made += 1
            progress(1)
            if made == calls // 2:
                await self._answered()
                self._seen = self._seen._replace(
                    half=round(rings), standing=await self._holdings(round(rings))
                )
        await self._answered()
        await self._read()
        return World(self._seen, self._truth, self._draw)

    def _rules(self) -> Rules:
        span = Duration(self._traffic.min_duration_ms)
        pool = Pool(
            id=POOL,
            account="simulated",
            min_duration=span,
            hold_on_activity=span if self._traffic.renewed else Duration(0),
            overflow_number=OVERFLOW,
        )
        # All visitors are of one network here, which may have all that there is.
        return replace(rules(pool), budget_share=0, budget_rate=0, key_rate=0)

    def _click(self, at: float) -> None:
        keyword = self._draw.keyword()
        number = next(self._order)
        visitor = self._kind is Kind.VISITOR
        visit = _Visit(f"visitor={number}" if visitor else f"keyword={keyword}", keyword)
        attributes = b'{"search_keywords":"%d"}' % keyword
        asked = self._allocator.allocate(POOL, [Ask(visit.key, attributes)], now_ms=round(at))
        self._asked.append((visit, asked))
        after = self._draw.call_after(keyword)
        if after is not None:
            self._will_ring(at + after, visit, f"c{number}")

    def _will_ring(self, at: float, visit: _Visit, caller: str) -> None:
        heapq.heappush(self._to_ring, (at, next(self._order), visit, caller))

    async def _answered(self) -> None:
        answers: list[list[Answer]] = await asyncio.gather(*(asked for _, asked in self._asked))
        for (visit, _), [answer] in zip(self._asked, answers, strict=True):
            visit.number = answer.number
        self._asked.clear()

    async def _ring(self) -> None:
        at, order, visit, caller = heapq.heappop(self._to_ring)
        await self._answered()
        document = CallDocument(f"{order}", round(at), caller)
        call = Call(
            id=document.id,
            number=visit.number,
            document=msgspec.json.encode(document),
        )
        overflow = visit.number == OVERFLOW
        await self._allocator.record_call(POOL, call, overflow=overflow, now_ms=round(at))
        self._truth[document.id] = Truth(visit.key, visit.keyword)
        after = self._draw.again_after()
        if after is not None:
            self._will_ring(at + after, visit, caller)

    async def _holdings(self, at: int) -> list[Holding]:
        found = [await self._allocator.holder(POOL, number, now_ms=at) for number in self._numbers]
        return [each for each in found if each is not None]

    async def _read(self) -> None:
        """Read the ledger to its end, and forget it there, as the archive's writer does."""
        while True:
            page = await self._ledgers.read("pool", POOL)
            for entry in page.entries:
                if isinstance(entry.told, AssignmentEnded):
                    self._seen.ended.append(entry.told.holding)
                elif isinstance(entry.told, OverflowGiven):
                    self._seen.overflows.append(entry.told)
                else:
                    self._seen.calls.append(entry.told)
            if not page.trim:
                return
            assert not page.missing(page.begins)
            await self._ledgers.trim("pool", POOL, page.trim)
