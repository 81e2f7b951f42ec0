"""What tests of pools share: make one, ask it, hand on what left it."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Departure, Rules
from allocator.port import Store
from allocator.stocks import Stocks
from allocator.transfers import Transfers

OVERFLOW = "+1999"
START = 1_700_000_000_000
"""Where virtual time begins (ms)."""

DAY = 86_400_000


def numbers(count: int, prefix: str = "+1888") -> list[str]:
    return [f"{prefix}{n:07d}" for n in range(count)]


async def nobody_is_owner(stock_id: str, departures: Sequence[Departure]) -> None:
    """Tests of the allocator have no catalog that notes owners."""


class PoolUnderTest:
    """One pool in virtual time: ``now`` is the time that its clock is given."""

    def __init__(self, store: Store, pool_id: str) -> None:
        self.id = pool_id
        self.allocator = Allocator(store)
        self.stocks = Stocks(store)
        self.transfers = Transfers(store)
        self.now = START
        self._revision = 0

    async def edit(self, **rules: object) -> None:
        self._revision += 1
        defaults = {"min_duration": 10_000, "overflow_number": OVERFLOW}
        given = Rules(**{**defaults, **rules})  # type: ignore[arg-type]
        await self.allocator.edit(self.id, given, self._revision, now_ms=self.now)

    async def ask(self, *tuples: str, attributes: bytes = b"") -> list[Answer]:
        asks = [Ask(tuple_, attributes) for tuple_ in tuples]
        return await self.allocator.allocate(self.id, asks, now_ms=self.now)

    async def one(self, tuple_: str, attributes: bytes = b"") -> Answer:
        [answer] = await self.ask(tuple_, attributes=attributes)
        return answer

    async def sweep(self) -> Sequence[Departure]:
        """One sweep, and what left is handed on as the sweeper does it."""
        swept = await self.allocator.sweep(self.id, now_ms=self.now)
        await self.transfers.hand_on(self.id, swept.departures, nobody_is_owner, now_ms=self.now)
        return swept.departures


async def make(store: Store, pool_id: str, own: Sequence[str], **rules: object) -> PoolUnderTest:
    """A pool with its own numbers; 10 s of guarantee unless ``rules`` say else."""
    pool = PoolUnderTest(store, pool_id)
    await pool.edit(**rules)
    await pool.allocator.add(pool_id, own, now_ms=pool.now)
    return pool
