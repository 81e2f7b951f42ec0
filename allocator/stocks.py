"""Numbers kept ready in stocks, and how one gets to a pool and back.

Stock and pool lie in different hash slots, so a move is two scripts with a journal between them:
the stock notes the number as *moving*, the pool takes it in, the stock notes it as *lent*. A move
that nobody finished is taken over after 10 s (``resume``), while a pool takes a move in only
during its first 5 s. So whatever is killed whenever, a number is given out by one place alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from allocator.answers import Departure, Holding
from allocator.keys import stock_keys
from allocator.port import Store
from allocator.replies import holding
from allocator.scripts import load

_EDIT = load("stock/edit")
_TAKE = load("stock/take")
_RESUME = load("stock/resume")
_SENT = load("stock/sent")
_RECEIVE = load("stock/receive")
_DRAIN = load("stock/drain")
_STATUS = load("stock/status")
_HOLDER = load("stock/holder")

NO_HISTORY = Raw(b"\xa0")
"""The packed empty string: a number that nobody held yet."""


class Arrival(Struct, frozen=True, array_like=True):
    """A number on its way into a pool. ``loan`` is "" for one that the pool owns."""

    number: str
    loan: str = ""
    moved: int = 0
    history: Raw = NO_HISTORY


class StockStatus(Struct, frozen=True, array_like=True):
    """A stock at one moment; the last four add up to ``size``."""

    size: int
    available: int
    quarantined: int
    lent: int
    moving: int


class StockPlace(Struct, frozen=True, kw_only=True):
    """Where a stock's number is. ``pool`` is "" while it is in the stock itself."""

    pool: str
    leaving: bool
    available_from: int
    holding: Holding | None


class _Sent(Struct, array_like=True):
    number: str
    moved: int
    history: Raw
    loan: int
    pool: str = ""


_encode = msgspec.msgpack.Encoder().encode
_counts = msgspec.msgpack.Decoder(int).decode
_texts = msgspec.msgpack.Decoder(list[str]).decode
_codes = msgspec.msgpack.Decoder(list[int]).decode
_sends = msgspec.msgpack.Decoder(list[_Sent]).decode
_left = msgspec.msgpack.Decoder(list[tuple[str, Raw]]).decode
_status = msgspec.msgpack.Decoder(StockStatus).decode
_place = msgspec.msgpack.Decoder(list | bool).decode


class Stocks:
    """Stocks in a store. Holds no state. ``now_ms`` replaces the store's clock in tests."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def edit(
        self,
        stock_id: str,
        quarantine_ms: int,
        numbers: Sequence[str] = (),
        *,
        now_ms: int | None = None,
    ) -> int:
        """Make or change a stock and add numbers; returns how many weren't there before."""
        entries = _encode([(number, "") for number in numbers])
        args = (now(now_ms), quarantine_ms, entries)
        return _counts(await self._store.run(_EDIT, stock_keys(stock_id), args))

    async def take(
        self, stock_id: str, pool_id: str, count: int, *, now_ms: int | None = None
    ) -> list[Arrival]:
        """Send up to ``count`` numbers to a pool; ``sent`` must follow when they are there.

        ``now_ms``: the pool's clock, where it is known.
        """
        args = (now(now_ms), pool_id, count)
        return [
            _arrival(stock_id, sent)
            for sent in _sends(await self._store.run(_TAKE, stock_keys(stock_id), args))
        ]

    async def sent(
        self,
        stock_id: str,
        arrivals: Sequence[Arrival],
        *,
        drained: bool = False,
        now_ms: int | None = None,
    ) -> list[str]:
        """Note that numbers are in their pool; returns those that were taken out meanwhile.

        Their pool must drain these; then this is to be called again, with ``drained``.
        """
        pairs = [value for a in arrivals for value in (a.number, _loan_ms(a.loan))]
        args = (now(now_ms), int(drained), *pairs)
        return _texts(await self._store.run(_SENT, stock_keys(stock_id), args))

    async def resume(
        self, stock_id: str, *, now_ms: int | None = None
    ) -> list[tuple[str, Arrival]]:
        """Take over moves that were left unfinished, as (pool id, arrival)."""
        reply = await self._store.run(_RESUME, stock_keys(stock_id), (now(now_ms),))
        return [(sent.pool, _arrival(stock_id, sent)) for sent in _sends(reply)]

    async def receive(
        self,
        stock_id: str,
        pool_id: str,
        departures: Sequence[Departure],
        *,
        now_ms: int | None = None,
    ) -> list[str]:
        """Take back lent numbers that left a pool; returns those that left the stock as well."""
        entries = _encode([(d.number, _loan_ms(d.loan), d.left, d.history) for d in departures])
        reply = await self._store.run(
            _RECEIVE, stock_keys(stock_id), (now(now_ms), pool_id, entries)
        )
        gone = 2
        return [
            departure.number
            for departure, code in zip(departures, _codes(reply), strict=True)
            if code == gone
        ]

    async def drain(
        self, stock_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> tuple[dict[str, str], dict[str, Raw]]:
        """Take numbers out of a stock.

        Returns the pool of each that must come back first, and the history of each that is gone.
        """
        args = (now(now_ms), *numbers)
        reply = _left(await self._store.run(_DRAIN, stock_keys(stock_id), args))
        found = dict(zip(numbers, reply, strict=True))
        lent = {number: pool for number, (pool, _) in found.items() if pool}
        gone = {number: history for number, (pool, history) in found.items() if not pool}
        return lent, gone

    async def status(self, stock_id: str, *, now_ms: int | None = None) -> StockStatus:
        """Count a stock; one that nobody made counts zero."""
        return _status(await self._store.run(_STATUS, stock_keys(stock_id), (now(now_ms),)))

    async def holder(
        self, stock_id: str, number: str, at_ms: int | None = None, *, now_ms: int | None = None
    ) -> StockPlace | None:
        """Where a number of the stock is, and who held it then; None when it isn't the stock's."""
        args = (now(now_ms), number, at_ms or 0)
        reply = _place(await self._store.run(_HOLDER, stock_keys(stock_id), args))
        if isinstance(reply, bool):
            return None
        pool, _, leaving, available, held = reply
        return StockPlace(
            pool=pool,
            leaving=leaving == 1,
            available_from=available,
            holding=holding(number, held),
        )


def _arrival(stock_id: str, sent: _Sent) -> Arrival:
    return Arrival(sent.number, f"{stock_id}@{sent.loan}", sent.moved, sent.history)


def _loan_ms(loan: str) -> int:
    return int(loan.rpartition("@")[2])


def now(now_ms: int | None) -> str:
    """The scripts' clock argument: "" is the server's own clock."""
    return "" if now_ms is None else str(now_ms)
