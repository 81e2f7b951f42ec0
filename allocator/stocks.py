"""Numbers kept ready in stocks, from where pools grow (``allocator.transfers``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from allocator.answers import (
    EVENTS,
    Call,
    CallCredit,
    Called,
    Departure,
    Holding,
    StockRow,
    StockState,
)
from allocator.keys import stock_keys
from allocator.paging import SHELVED_A_CALL, every_page
from allocator.port import Argument, Store
from allocator.replies import (
    CallReply,
    StockNumbersReply,
    StockPlaceReply,
    StockRouteReply,
    StockRowReply,
    WithdrawalReply,
)
from allocator.scripts import Script, clock_argument, load
from allocator.transfers import NO_HISTORY

_EDIT = load("stock/edit")
_DRAIN = load("stock/drain")
_STATUS = load("stock/status")
_HOLDER = load("stock/holder")
_ROUTE = load("stock/route")
_SHELVE = load("stock/shelve")
_NUMBERS = load("stock/numbers")
_PASTS = load("stock/pasts")
_CALL = load("stock/call")


class StockStatus(Struct, frozen=True, array_like=True):
    """A stock at one time; the four after ``size`` add up to it.

    ``of_areas``: 0, as no areas are asked for. ``ledger_waiting``: messages that the archive hasn't
    read (``ledger``), the oldest for ``ledger_waiting_ms``.
    """

    size: int
    available: int
    quarantined: int
    lent: int
    moving: int
    of_areas: int = 0
    ledger_waiting: int = 0
    ledger_waiting_ms: int = 0


class StockPlace(Struct, frozen=True, kw_only=True):
    """Where a stock's number is. ``pool`` is "" while it is in the stock itself."""

    pool: str
    leaving: bool
    available_from: int
    holding: Holding | None


_encode = msgspec.msgpack.Encoder().encode
_added = msgspec.msgpack.Decoder(int).decode
_withdrawn = msgspec.msgpack.Decoder(list[WithdrawalReply]).decode
_status = msgspec.msgpack.Decoder(StockStatus).decode
_place = msgspec.msgpack.Decoder(StockPlaceReply | bool).decode
_routed = msgspec.msgpack.Decoder(StockRouteReply | bool).decode
_credited = msgspec.msgpack.Decoder(CallReply | int).decode
_pasts = msgspec.msgpack.Decoder(list[Departure]).decode
_page = msgspec.msgpack.Decoder(StockNumbersReply).decode
_cursor = msgspec.msgpack.Decoder(str).decode


class Stocks:
    """Stocks in a store. Holds no state. ``now_ms`` replaces the store's clock in tests.

    Every method raises StoreUnavailable; a stock that nobody made has no numbers.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def edit(
        self,
        stock_id: str,
        quarantine_ms: int,
        numbers: Sequence[str] = (),
        used: Mapping[str, Departure] | None = None,
        *,
        quiet_ms: int | None = None,
        now_ms: int | None = None,
    ) -> int:
        """Make or change a stock and add numbers; returns how many weren't there before.

        ``used``: what is known of those that were in use elsewhere: when they left that, from when
        on they rest, and their history. ``quiet_ms``: how long one that was called while it rested
        waits after the last call; None: as before.
        """
        nobodys = Departure("", "", 0, NO_HISTORY)
        found = [(number, (used or {}).get(number, nobodys)) for number in numbers]
        entries = _encode([(number, past.history, past.left) for number, past in found])
        quiet = () if quiet_ms is None else (quiet_ms,)
        return _added(await self._run(_EDIT, stock_id, now_ms, quarantine_ms, entries, *quiet))

    async def drain(
        self, stock_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> tuple[dict[str, str], list[Departure]]:
        """Take numbers out of a stock.

        Returns the pool of each that must come back first, and those that are gone. Repeated, it
        doesn't know any more what it said of those: ask ``pasts`` before.
        """
        replies = _withdrawn(await self._run(_DRAIN, stock_id, now_ms, *numbers))
        found = dict(zip(numbers, replies, strict=True))
        lent = {number: reply.pool for number, reply in found.items() if reply.pool}
        gone = [
            Departure(number, "", reply.used, reply.history)
            for number, reply in found.items()
            if not reply.pool
        ]
        return lent, gone

    async def pasts(self, stock_id: str, numbers: Sequence[str]) -> list[Departure]:
        """What is known of those of the numbers that are here and that somebody had before."""
        return _pasts(await self._store.run(_PASTS, stock_keys(stock_id), numbers))

    async def status(self, stock_id: str, *, now_ms: int | None = None) -> StockStatus:
        """Count a stock."""
        return _status(await self._run(_STATUS, stock_id, now_ms, ""))

    async def shelve(
        self, stock_id: str, areas: str, general: str = "", *, now_ms: int | None = None
    ) -> None:
        """Make numbers found by these starts (``answers.area_list``), and by no others.

        ``general``: those that are no areas. Numbers that are added later have none of them until
        this is called again.
        """

        async def shelve(cursor: str) -> str:
            arguments = (areas, cursor, SHELVED_A_CALL, general)
            reply = await self._run(_SHELVE, stock_id, now_ms, *arguments)
            return _cursor(reply)

        await every_page(shelve)

    async def numbers(
        self, stock_id: str, cursor: str = "0", count: int = 100, *, now_ms: int | None = None
    ) -> tuple[str, list[StockRow]]:
        """A page of the stock's numbers, in no order, and the next cursor ("0": it was the last).

        A number may come twice while the stock changes.
        """
        page = _page(await self._run(_NUMBERS, stock_id, now_ms, cursor, count))
        return page.cursor, [_row(reply, page.clock) for reply in page.rows]

    async def holder(
        self, stock_id: str, number: str, at_ms: int | None = None, *, now_ms: int | None = None
    ) -> StockPlace | None:
        """Where a number of the stock is, and who held it then; None when it isn't the stock's."""
        reply: StockPlaceReply | bool
        reply = _place(await self._run(_HOLDER, stock_id, now_ms, number, at_ms or 0))
        if isinstance(reply, bool):
            return None
        return StockPlace(
            pool=reply.pool,
            leaving=reply.leaving == 1,
            available_from=reply.available_from,
            holding=reply.holder.holding(number),
        )

    async def called(
        self, stock_id: str, number: str, *, now_ms: int | None = None
    ) -> Called | None:
        """Where a number of the stock is, and who held it last; None: it isn't the stock's."""
        reply: StockRouteReply | bool = _routed(await self._run(_ROUTE, stock_id, now_ms, number))
        if isinstance(reply, bool):
            return None
        return Called(False, reply.holder.holding(number), reply.pool)

    async def record_call(
        self, stock_id: str, call: Call, *, now_ms: int | None = None
    ) -> CallCredit | None:
        """Credit a call to who had its number last, and note what is told of it.

        None: the number isn't in this stock. One that began while the number was there counts, and
        has the number wait for a quiet period.
        """
        told = (call.id, call.number, call.started_at, EVENTS[call.event], call.document)
        credit = _credited(await self._run(_CALL, stock_id, now_ms, *told))
        return None if isinstance(credit, int) else credit.credit(call.id)

    async def _run(
        self, script: Script, stock_id: str, now_ms: int | None, *args: Argument
    ) -> bytes:
        return await self._store.run(script, stock_keys(stock_id), (clock_argument(now_ms), *args))


def _row(reply: StockRowReply, clock: int) -> StockRow:
    if reply.pool:
        state = StockState.MOVING if reply.moving else StockState.LENT
    else:
        state = StockState.AVAILABLE if reply.available_from <= clock else StockState.RESTING
    return StockRow(
        number=reply.number,
        state=state,
        pool=reply.pool,
        available_from=reply.available_from,
        leaving=reply.leaving == 1,
        calls=reply.calls,
        last_call=reply.last_call,
    )
