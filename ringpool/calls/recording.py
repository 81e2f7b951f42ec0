"""Calls as they are told, recorded: whose each is, counted once, and into the ledger.

All ways in come through here: HTTP, the carriers' adapters, the command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Call, CallCredit
from allocator.gather import gather_limited
from allocator.ledger import Kind, Ledgers
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from ringpool.calls.events import CallEvent, document_of, encode_document
from ringpool.calls.states import Told, state_of
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.last_overflow import gave_last
from ringpool.catalog.number_place import NumberPlace
from ringpool.catalog.snapshot import PreparedPool, SnapshotKeeper
from ringpool.security.callers import caller_hash
from ringpool.security.signing import SigningKeys

_AT_ONCE = 50


class Recorded(Struct, frozen=True, kw_only=True):
    """What became of an event. ``credit`` None: nobody knows the number, and nothing was recorded.

    ``account``: whose call it is. ``pool``: the one that the number is in, or whose overflow number
    it is; "" for a number that rests in ``stock``.
    """

    event: CallEvent
    account: str = ""
    pool: str = ""
    stock: str = ""
    credit: CallCredit | None = None


class _Place(NamedTuple):
    """Where a called number may be looked for: a pool or a stock."""

    account: str
    pool: str = ""
    stock: str = ""
    overflow: bool = False


class CallRecorder:
    """Records calls in a store. ``keys``: the signing keys of now, for callers' hashes.

    ``clock``: Unix seconds.
    """

    def __init__(
        self,
        allocator: Allocator,
        stocks: Stocks,
        ledgers: Ledgers,
        catalog: Catalog,
        keeper: SnapshotKeeper,
        keys: Callable[[], SigningKeys],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._allocator = allocator
        self._stocks = stocks
        self._ledgers = ledgers
        self._catalog = catalog
        self._keeper = keeper
        self._keys = keys
        self._clock = clock

    def now_ms(self) -> int:
        """Unix ms, for events that don't tell when."""
        return int(self._clock() * 1000)

    async def record(self, events: Sequence[CallEvent], account: str | None) -> list[Recorded]:
        """Record events, in any order and as often as they come; what became of each.

        ``account``: whose numbers alone may be called; None: all. Raises StoreUnavailable, and can
        then be repeated: what was recorded before counts once.
        """
        numbers = list({event.number for event in events})
        located = await gather_limited(self._catalog.locate, numbers, _AT_ONCE)
        places = dict(zip(numbers, located, strict=True))
        # Events that come together tell one another when their call began.
        together: dict[tuple[str, str], list[CallEvent]] = {}
        for event in events:
            together.setdefault((event.id, event.number), []).append(event)

        async def record(event: CallEvent) -> Recorded:
            started_at = _start(together[event.id, event.number])
            return await self._record(event, started_at, places[event.number], account)

        recorded = await gather_limited(record, events, _AT_ONCE)
        noted = {_ledger(each) for each in recorded if each.credit is not None}
        if noted:  # so that the archive has the call soon, though nobody clicks
            with suppress(StoreUnavailable):
                await self._ledgers.note_unread(noted)
        return recorded

    async def _record(
        self, event: CallEvent, started_at: int, located: NumberPlace, account: str | None
    ) -> Recorded:
        for place in await self._places(event.number, located, account):
            call = self._call(event, started_at, place)
            credit: CallCredit | None = None
            if place.stock:
                credit = await self._stocks.record_call(place.stock, call)
            else:
                with suppress(UnknownPool):  # it was deleted just now
                    credit = await self._allocator.record_call(
                        place.pool, call, overflow=place.overflow
                    )
            if credit is not None:
                return Recorded(
                    event=event,
                    account=place.account,
                    pool=place.pool,
                    stock=place.stock,
                    credit=credit,
                )
        return Recorded(event=event)

    def _call(self, event: CallEvent, started_at: int, place: _Place) -> Call:
        found = self._keeper.current.accounts.get(place.account)
        document = document_of(
            event,
            place.account,
            caller_hash=caller_hash(self._keys(), place.account, event.caller),
            with_caller=found is not None and found.store_callers,
        )
        return Call(
            id=event.id,
            number=event.number,
            started_at=started_at,
            event=event.event,
            document=encode_document(document),
        )

    async def _places(self, number: str, located: NumberPlace, account: str | None) -> list[_Place]:
        """Where the number may be, of what the account may see: the pool that has it, the stock
        whose it is, then the pool whose overflow number it is.

        The pool that has it comes first: another account may have named it as its overflow number.
        """
        places: list[_Place] = []
        if located.pool and (prepared := await self._pool(located.pool)):
            places.append(_Place(prepared.pool.account, pool=located.pool))
        if located.owner is not None and located.owner.kind == "stock":
            stock = self._keeper.current.stocks.get(located.owner.id)
            if stock is not None:
                places.append(_Place(stock.account, stock=stock.id))
        overflow = [
            prepared
            for prepared in self._keeper.current.overflow_pools(number)
            if account in (None, prepared.pool.account)
        ]
        places = [place for place in places if account in (None, place.account)]
        if overflow and not (places and places[0].pool):
            last = await gave_last(self._allocator, overflow)
            places.append(_Place(last.pool.account, pool=last.pool.id, overflow=True))
        return places

    async def _pool(self, pool_id: str) -> PreparedPool | None:
        if pool_id not in self._keeper.current.pools:
            await self._keeper.look()
        return self._keeper.current.pools.get(pool_id)


def _ledger(recorded: Recorded) -> tuple[Kind, str]:
    return ("stock", recorded.stock) if recorded.stock else ("pool", recorded.pool)


def _start(events: Sequence[CallEvent]) -> int:
    """When the call of these events began, as far as they tell it (Unix ms)."""
    if len(events) == 1:
        return events[0].start
    told = (document_of(each, "", caller_hash="", with_caller=False) for each in events)
    return state_of(Told(document=each) for each in told).started_at
