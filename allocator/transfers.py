"""The journey of a number that a stock lends to a pool: taken, arrived, confirmed, handed on, back.

Stock and pool are in different hash slots, so every way is several scripts with a journal between
them, and each step may be repeated, late or lost:

- ``take``: the stock notes the number as *moving*;
- ``arrive``: the pool takes it in;
- ``confirm``: the stock notes it as *lent*; one that was taken out of the stock meanwhile drains;
- when it leaves the pool, a sweep shows it as departed, and ``hand_on`` brings it back to its
  stock, ends its ownership where it left the stock too, and has the pool forget it.

A move that nobody finished is taken over after 10 s (``finish_moves``), while a pool takes a move
in only during its first 5 s. So whatever is killed whenever, a number is given out by one place
alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from allocator.answers import Departure
from allocator.gather import gather_limited
from allocator.keys import pool_keys, stock_keys
from allocator.port import Argument, Store
from allocator.replies import MoveReply, ReceiveCode, StockStatusReply, UnknownPool, known
from allocator.scripts import Script, clock_argument, load

_STATUS = load("stock/status")
_TAKE = load("stock/take")
_RESUME = load("stock/resume")
_CONFIRM = load("stock/confirm")
_RECEIVE = load("stock/receive")
_ADD = load("pool/add")
_DRAIN = load("pool/drain")
_HANDED_ON = load("pool/handed_on")

NO_HISTORY = Raw(b"\xa0")
"""The packed empty string: a number that nobody held yet."""

_POOLS_AT_ONCE = 8

_encode = msgspec.msgpack.Encoder().encode
_counted = msgspec.msgpack.Decoder(StockStatusReply).decode
_moves = msgspec.msgpack.Decoder(list[MoveReply]).decode
_numbers = msgspec.msgpack.Decoder(list[str]).decode
_received = msgspec.msgpack.Decoder(list[ReceiveCode]).decode
_added = msgspec.msgpack.Decoder(list[str] | bool).decode
_draining = msgspec.msgpack.Decoder(list[int] | bool).decode
_noted = msgspec.msgpack.Decoder(int | bool).decode

EndOwnership = Callable[[str, Sequence[Departure]], Awaitable[object]]
"""Notes that numbers belong to nobody any more. Takes the stock's id ("": the pool's own)."""


class Arrival(Struct, frozen=True, array_like=True):
    """A number on its way into a pool. ``loan`` is "" for one that the pool owns."""

    number: str
    loan: str = ""
    moved: int = 0
    history: Raw = NO_HISTORY


class Transfers:
    """Moves numbers between stocks and pools. Holds no state. ``now_ms`` replaces the store's clock
    in tests. Every method raises StoreUnavailable, and can then be repeated."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # From a stock to a pool

    async def available(self, stock_id: str, areas: str = "", *, now_ms: int | None = None) -> int:
        """How many numbers ``take`` could send now; with ``areas``, of these alone."""
        arguments = (clock_argument(now_ms), areas)
        counts = _counted(await self._store.run(_STATUS, stock_keys(stock_id), arguments))
        return counts.of_areas if areas else counts.available

    async def take(
        self,
        stock_id: str,
        pool_id: str,
        count: int,
        wishes: Sequence[str] = (),
        *,
        now_ms: int | None = None,
    ) -> list[Arrival]:
        """Send up to ``count`` numbers to a pool; ``confirm`` must follow when they are there.

        ``wishes``: one for each number, when not any will do. ``+1212 +1646``: of the first of
        these areas that the stock has one of; with ``*`` at the end else a general one or any.
        ``now_ms``: the pool's clock, where it is known: it judges whether the move is still valid.
        """
        reply = await self._of_stock(_TAKE, stock_id, now_ms, pool_id, count, *wishes)
        return [_arrival(stock_id, move) for move in _moves(reply)]

    async def arrive(
        self, pool_id: str, arrivals: Sequence[Arrival], *, now_ms: int | None = None
    ) -> list[Arrival]:
        """Take numbers in; returns those in the pool now. Raises UnknownPool."""
        reply = await self._of_pool(_ADD, pool_id, now_ms, _encode(arrivals))
        present = {*known(pool_id, _added(reply))}
        return [arrival for arrival in arrivals if arrival.number in present]

    async def confirm(
        self,
        pool_id: str,
        stock_id: str,
        arrivals: Sequence[Arrival],
        *,
        now_ms: int | None = None,
    ) -> None:
        """Note that numbers have arrived; drain those that were taken out of the stock meanwhile.

        Raises UnknownPool.
        """
        leaving = await self.note_arrival(stock_id, arrivals, now_ms=now_ms)
        if leaving:
            await self.drain(pool_id, leaving, now_ms=now_ms)
            left = [arrival for arrival in arrivals if arrival.number in leaving]
            await self.note_arrival(stock_id, left, drained=True, now_ms=now_ms)

    async def note_arrival(
        self,
        stock_id: str,
        arrivals: Sequence[Arrival],
        *,
        drained: bool = False,
        now_ms: int | None = None,
    ) -> list[str]:
        """The stock's part of ``confirm``; returns the numbers that their pool must drain first.

        ``drained``: it does.
        """
        pairs = [value for a in arrivals for value in (a.number, _loan_ms(a.loan))]
        return _numbers(await self._of_stock(_CONFIRM, stock_id, now_ms, int(drained), *pairs))

    async def fill(
        self,
        pool_id: str,
        stock_id: str,
        count: int,
        of_stock: str = "",
        *,
        now_ms: int | None = None,
    ) -> int:
        """Bring up to ``count`` numbers from a stock into a pool; returns how many are there.

        ``of_stock``: starts that they must have (``Rules.of_stock``). ``now_ms``: the pool's clock,
        where it is known, as for ``take``. Raises UnknownPool.
        """
        wishes = [of_stock] * count if of_stock else ()
        arrivals = await self.take(stock_id, pool_id, count, wishes, now_ms=now_ms)
        if not arrivals:
            return 0
        present = await self.arrive(pool_id, arrivals, now_ms=now_ms)
        await self.confirm(pool_id, stock_id, present, now_ms=now_ms)
        return len(present)

    async def resume(
        self, stock_id: str, *, now_ms: int | None = None
    ) -> list[tuple[str, Arrival]]:
        """Take over moves that were left unfinished, as (pool id, arrival)."""
        moves = _moves(await self._of_stock(_RESUME, stock_id, now_ms))
        return [(move.pool, _arrival(stock_id, move)) for move in moves]

    async def finish_moves(
        self, stock_id: str, *, now_ms: int | None = None
    ) -> list[tuple[str, Departure]]:
        """Finish moves that were left half-way.

        Returns the pool and number of each whose pool was deleted meanwhile: to be handed on.
        """
        lost: list[tuple[str, Departure]] = []
        for pool_id, arrival in await self.resume(stock_id, now_ms=now_ms):
            try:
                present = await self.arrive(pool_id, [arrival], now_ms=now_ms)
                await self.confirm(pool_id, stock_id, present, now_ms=now_ms)
            except UnknownPool:
                back = Departure(arrival.number, arrival.loan, arrival.moved, NO_HISTORY)
                lost.append((pool_id, back))
        return lost

    # From a pool back to its stock

    async def drain(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> dict[str, int]:
        """Take numbers out of a pool; returns guaranteed_until (ms) of each that drains until then.

        The others have left at once or weren't in the pool. Raises UnknownPool.
        """
        reply = await self._of_pool(_DRAIN, pool_id, now_ms, *numbers)
        ends: list[int] = known(pool_id, _draining(reply))
        return {number: until for number, until in zip(numbers, ends, strict=True) if until}

    async def recall(self, lent: Mapping[str, str], *, now_ms: int | None = None) -> None:
        """Drain lent numbers, each at the pool that has it (``Stocks.drain`` returns them so).

        Raises UnknownPool.
        """
        pools: dict[str, list[str]] = {}
        for number, pool_id in lent.items():
            pools.setdefault(pool_id, []).append(number)

        async def drain(pool_id: str) -> None:
            await self.drain(pool_id, pools[pool_id], now_ms=now_ms)

        await gather_limited(drain, pools, _POOLS_AT_ONCE)

    async def hand_on(
        self,
        pool_id: str,
        departures: Sequence[Departure],
        end_ownership: EndOwnership,
        *,
        now_ms: int | None = None,
    ) -> None:
        """Bring what left a pool to where it goes next: lent numbers back to their stocks.

        ``end_ownership`` is called for the pool's own numbers, and for lent ones that left their
        stock as well. Only then does the pool forget them. Raises UnknownPool, when all but that
        is done.
        """
        by_stock: dict[str, list[Departure]] = {}
        for departure in departures:
            by_stock.setdefault(departure.loan.rpartition("@")[0], []).append(departure)
        for stock_id, left in by_stock.items():
            if stock_id:
                gone = {*await self.receive(stock_id, pool_id, left, now_ms=now_ms)}
                left = [departure for departure in left if departure.number in gone]
            if left:
                await end_ownership(stock_id, left)
        if departures:
            await self.note_handed_on(pool_id, departures, now_ms=now_ms)

    async def receive(
        self,
        stock_id: str,
        pool_id: str,
        departures: Sequence[Departure],
        *,
        now_ms: int | None = None,
    ) -> list[str]:
        """Take lent numbers back into their stock; returns those that left the stock as well."""
        entries = _encode([(d.number, _loan_ms(d.loan), d.left, d.history) for d in departures])
        codes = _received(await self._of_stock(_RECEIVE, stock_id, now_ms, pool_id, entries))
        return [
            departure.number
            for departure, code in zip(departures, codes, strict=True)
            if code is ReceiveCode.LEFT_STOCK
        ]

    async def note_handed_on(
        self, pool_id: str, departures: Sequence[Departure], *, now_ms: int | None = None
    ) -> None:
        """Have the pool forget numbers that were handed on. Raises UnknownPool."""
        values = [value for d in departures for value in (d.number, d.loan, d.left)]
        known(pool_id, _noted(await self._of_pool(_HANDED_ON, pool_id, now_ms, *values)))

    async def _of_stock(
        self, script: Script, stock_id: str, now_ms: int | None, *args: Argument
    ) -> bytes:
        return await self._store.run(script, stock_keys(stock_id), (clock_argument(now_ms), *args))

    async def _of_pool(
        self, script: Script, pool_id: str, now_ms: int | None, *args: Argument
    ) -> bytes:
        return await self._store.run(script, pool_keys(pool_id), (clock_argument(now_ms), *args))


def _arrival(stock_id: str, move: MoveReply) -> Arrival:
    return Arrival(move.number, f"{stock_id}@{move.loan}", move.moved, move.history)


def _loan_ms(loan: str) -> int:
    """The loan's name within its stock."""
    return int(loan.rpartition("@")[2])
