"""Every operation on a pool: one method, one script call, one hash slot.

``now_ms`` replaces the store's clock, for tests and simulations; a pool's clock never goes back.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from allocator.answers import (
    EVENTS,
    NOBODY,
    Answer,
    Ask,
    Call,
    CallCredit,
    Called,
    Holding,
    NumberRow,
    PoolStatus,
    Refusals,
    Rules,
    State,
    Swept,
    attributes_bytes,
    least_promise,
)
from allocator.keys import pool_keys
from allocator.paging import SHELVED_A_CALL, every_page
from allocator.port import Argument, Store
from allocator.replies import (
    AllocateReply,
    AllocationCode,
    CallReply,
    EditCode,
    ForgetCode,
    HeldReply,
    HolderReply,
    NumbersReply,
    PreviewReply,
    RouteReply,
    StatusReply,
    StoredRules,
    known,
)
from allocator.scripts import Script, clock_argument, load
from allocator.series import MOST_HOURS, MOST_MINUTES, Series, decode_series
from allocator.transfers import Arrival, Transfers

_ALLOCATE = load("pool/allocate")
_PREVIEW = load("pool/preview")
_HELD = load("pool/held")
_EDIT = load("pool/edit")
_SHELVE = load("pool/shelve")
_FORGET = load("pool/forget")
_RELEASE = load("pool/release")
_CALL = load("pool/call")
_SWEEP = load("pool/sweep")
_SHRINK = load("pool/shrink")
_END_OVERDUE = load("pool/end_overdue")
_STATUS = load("pool/status")
_SERIES = load("pool/series")
_HOLDER = load("pool/holder")
_ROUTE = load("pool/route")
_OVERFLOW = load("pool/overflow")
_NUMBERS = load("pool/numbers")
_REFUSALS = load("pool/refusals")

_encode = msgspec.msgpack.Encoder().encode
_allocated = msgspec.msgpack.Decoder(AllocateReply | bool).decode
_previewed = msgspec.msgpack.Decoder(PreviewReply | bool).decode
_of_tuples = msgspec.msgpack.Decoder(HeldReply | bool).decode
_released = msgspec.msgpack.Decoder(list[int] | bool).decode
_edited = msgspec.msgpack.Decoder(EditCode).decode
_shelved = msgspec.msgpack.Decoder(str | bool).decode
_forgotten = msgspec.msgpack.Decoder(ForgetCode | bool).decode
_credited = msgspec.msgpack.Decoder(CallReply | int | bool).decode
_swept = msgspec.msgpack.Decoder(Swept | bool).decode
_shrunk = msgspec.msgpack.Decoder(tuple[int, int] | bool).decode
_counted = msgspec.msgpack.Decoder(StatusReply | bool).decode
_held = msgspec.msgpack.Decoder(HolderReply | bool).decode
_routed = msgspec.msgpack.Decoder(list[RouteReply | int] | bool).decode
_ended = msgspec.msgpack.Decoder(int | bool).decode
_overflowed = msgspec.msgpack.Decoder(int | bool).decode
_page = msgspec.msgpack.Decoder(NumbersReply | bool).decode
_refused = msgspec.msgpack.Decoder(Refusals | bool).decode

_STATES = (State.NONE, *State, State.NONE)
"""By ``AllocationCode``; code 0 is no answer."""

MAX_ASKS_PER_CALL = 200
"""Most tuples in one script call, so that no caller holds the store for long."""

MAX_PROMOTED_PER_SWEEP = 250
"""Most numbers that one sweep promotes, so that clicks hardly wait for it."""


class Busy(Exception):
    """An earlier edit of the recycle order is still being carried out: sweep, then try again."""


class Allocator:
    """Pools in a store. Holds no state: any number of processes may share a store.

    Every method raises UnknownPool for a pool that ``edit`` never made, and StoreUnavailable.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._transfers = Transfers(store)

    def allocate(
        self, pool_id: str, asks: Sequence[Ask], *, now_ms: int | None = None
    ) -> Coroutine[Any, Any, list[Answer]]:
        """Give each ask its number, one after the other; answers stand in the same order.

        What one call carries is with the store when this returns, before it is awaited.
        """
        if len(asks) > MAX_ASKS_PER_CALL:
            return self._allocate_many(pool_id, asks, now_ms)
        reply = self._ask(pool_id, _arguments(asks), now_ms)
        return self._allocate(pool_id, asks, now_ms, reply)

    async def _allocate_many(
        self, pool_id: str, asks: Sequence[Ask], now_ms: int | None
    ) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(asks), MAX_ASKS_PER_CALL):
            part = asks[start : start + MAX_ASKS_PER_CALL]
            answers += await self.allocate(pool_id, part, now_ms=now_ms)
        return answers

    async def _allocate(
        self,
        pool_id: str,
        asks: Sequence[Ask],
        now_ms: int | None,
        reply: Coroutine[Any, Any, bytes],
    ) -> list[Answer]:
        allocated: AllocateReply = known(pool_id, _allocated(await reply))
        answers = _answers(allocated)
        if None not in answers:
            return answers  # type: ignore[return-value]  # that was looked at
        for last in (False, True):  # a number of an area first, any other then
            waiting = [place for place, answer in enumerate(answers) if answer is None]
            if not waiting:
                break
            allocated = await self._grow(
                pool_id, allocated, [asks[place] for place in waiting], now_ms, last=last
            )
            grown = _answers(allocated)
            for place, answer in zip(waiting, grown, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    async def _grow(
        self,
        pool_id: str,
        allocated: AllocateReply,
        asks: Sequence[Ask],
        now_ms: int | None,
        *,
        last: bool,
    ) -> AllocateReply:
        """Bring numbers from the stock, for asks that found none unassigned, and ask again.

        What arrives is taken in and given out by one script, so these asks get it and not others
        that come in between. The move is timed by the pool's clock, which will judge it: the
        stock's may be on another server. ``last``: no ask is to grow the pool after this. Asks that
        it could still grow for are those for whose areas the stock had nothing.
        """
        waiting = (reply.number for reply in allocated.answers if not reply.code)
        wanted = dict(zip((ask.tuple for ask in asks), waiting, strict=True))
        wishes = [wish for wish in wanted.values() if wish]
        stock, most = allocated.stock, min(len(wanted), allocated.room)
        arrivals = await self._transfers.take(stock, pool_id, most, wishes, now_ms=allocated.clock)
        growth = "no"
        if len(arrivals) < most:
            growth = "elsewhere" if wishes and not last else "dry"
        reply = await self._ask(pool_id, _arguments(asks), now_ms, growth, arrivals)
        grown: AllocateReply = known(pool_id, _allocated(reply))
        if grown.arrived:
            arrived = [arrival for arrival in arrivals if arrival.number in grown.arrived]
            await self._transfers.confirm(pool_id, stock, arrived, now_ms=now_ms)
        return grown

    async def touch(
        self, pool_id: str, asks: Sequence[Ask], *, now_ms: int | None = None
    ) -> list[Answer]:
        """Count clicks and pings (``clicks`` 0) of tuples that hold a number; allocate nothing.

        A tuple without a number gets state none.
        """
        answers: list[Answer] = []
        for start in range(0, len(asks), MAX_ASKS_PER_CALL):
            arguments = _arguments(asks[start : start + MAX_ASKS_PER_CALL], touch=True)
            reply = await self._ask(pool_id, arguments, now_ms, "no")
            answers += _touched(pool_id, reply)
        return answers

    async def count_told(
        self,
        pool_id: str,
        asks: Sequence[Ask],
        writer: str,
        number: int,
        *,
        now_ms: int | None = None,
    ) -> list[Answer]:
        """Count clicks that a worker answered from memory, of MAX_ASKS_PER_CALL tuples at most.

        ``writer``: who writes, and no other. ``number``: the write's, higher than that of the one
        before in this pool. A call that failed is made again with the same number and asks until
        it returns, before the next one: then each click counts once. Those of a tuple without a
        number, which gets state none, count for the pool.
        """
        write = _encode((writer, number))
        reply = await self._run(
            _ALLOCATE, pool_id, now_ms, "told", write, *_arguments(asks, touch=True)
        )
        return _touched(pool_id, reply)

    async def held(
        self, pool_id: str, tuples: Sequence[str], *, now_ms: int | None = None
    ) -> list[Answer]:
        """What each tuple holds, state held or none; nothing is written, no click counted."""
        answers: list[Answer] = []
        for start in range(0, len(tuples), MAX_ASKS_PER_CALL):
            part = tuples[start : start + MAX_ASKS_PER_CALL]
            reply = await self._run(_HELD, pool_id, now_ms, *part)
            found: HeldReply = known(pool_id, _of_tuples(reply))
            answers += [each for each in _answers(found) if each is not None]
        return answers

    async def preview(
        self,
        pool_id: str,
        tuple_: str,
        areas: str = "",
        network: str = NOBODY,
        *,
        now_ms: int | None = None,
    ) -> Answer:
        """What ``allocate`` would answer a tuple now; nothing is taken or counted.

        ``areas``, ``network``: as in Ask. ``number`` is "" with state new where the
        stock would send one.
        """
        found: PreviewReply = known(
            pool_id, _previewed(await self._run(_PREVIEW, pool_id, now_ms, tuple_, areas, network))
        )
        until, left = found.guaranteed_until, found.guaranteed_until - found.clock
        available = self._transfers.available
        if found.grows_in_area and await available(found.stock, found.local, now_ms=found.clock):
            return Answer(State.NEW, "")
        if found.grows and await available(found.stock, found.of_stock, now_ms=found.clock):
            return Answer(State.NEW, "")
        if left <= 0:
            until = left = 0
        over_budget = found.code is AllocationCode.OVER_BUDGET
        return Answer(_STATES[found.code], found.number, until, left, over_budget)

    def _ask(
        self,
        pool_id: str,
        arguments: Sequence[Argument],
        now_ms: int | None,
        growth: str = "ask",
        arrivals: Sequence[Arrival] = (),
    ) -> Coroutine[Any, Any, bytes]:
        packed = _encode(arrivals) if arrivals else b""
        return self._store.run(
            _ALLOCATE, pool_keys(pool_id), (clock_argument(now_ms), growth, packed, *arguments)
        )

    async def release(
        self, pool_id: str, tuples: Sequence[str], *, now_ms: int | None = None
    ) -> list[int | None]:
        """Note that visitors left. For each tuple: ms left of its guarantee; None: no number."""
        reply = await self._run(_RELEASE, pool_id, now_ms, *tuples)
        lefts: list[int] = known(pool_id, _released(reply))
        return [None if left < 0 else left for left in lefts]

    async def edit(
        self, pool_id: str, rules: Rules, revision: int, *, now_ms: int | None = None
    ) -> None:
        """Set a pool's rules at once, making the pool when there is none.

        A revision older than the one in force changes nothing. Raises Busy.
        """
        packed = _encode(StoredRules.of(pool_id, rules, revision))
        code = _edited(await self._run(_EDIT, pool_id, now_ms, packed))
        if code is EditCode.BUSY:
            raise Busy(pool_id)
        if code is EditCode.UNSHELVED:

            async def shelve(cursor: str) -> str:
                reply = await self._run(_SHELVE, pool_id, now_ms, revision, cursor, SHELVED_A_CALL)
                following: str = known(pool_id, _shelved(reply))
                return following

            await every_page(shelve)

    async def add(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> list[str]:
        """Add numbers that the pool owns; returns those in it now. A draining one stays after all.

        One that just left comes back, unless it is on its way to another owner.
        """
        arrivals = [Arrival(number) for number in numbers]
        present = await self._transfers.arrive(pool_id, arrivals, now_ms=now_ms)
        return [arrival.number for arrival in present]

    async def drain(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> dict[str, int]:
        """Take numbers out; returns guaranteed_until (ms) of each that drains until then.

        The others have left at once or weren't in the pool.
        """
        return await self._transfers.drain(pool_id, numbers, now_ms=now_ms)

    async def forget(self, pool_id: str, *, now_ms: int | None = None) -> bool:
        """Delete a pool that has no numbers; False while it has some or owes some to others."""
        reply: ForgetCode = known(pool_id, _forgotten(await self._run(_FORGET, pool_id, now_ms)))
        return reply is ForgetCode.DELETED

    async def record_call(
        self, pool_id: str, call: Call, *, overflow: bool = False, now_ms: int | None = None
    ) -> CallCredit | None:
        """Credit a call to who held its number when it started, and note what is told of it.

        None: the number was never in this pool.

        ``overflow``: the number is the pool's overflow number, which nobody holds.
        """
        event, document = EVENTS[call.event], call.document
        told = (call.id, call.number, call.started_at, int(overflow), event, document)
        credit: CallReply | int = known(
            pool_id, _credited(await self._run(_CALL, pool_id, now_ms, *told))
        )
        if isinstance(credit, int):  # CallCode.NEVER_HERE
            return None
        return credit.credit(call.id)

    async def holder(
        self, pool_id: str, number: str, at_ms: int | None = None, *, now_ms: int | None = None
    ) -> Holding | None:
        """Who holds a number, or held it at a time; None when nobody did while it was here."""
        reply = await self._run(_HOLDER, pool_id, now_ms, number, at_ms or 0)
        holder: HolderReply = known(pool_id, _held(reply))
        return holder.holding(number)

    def called(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> Coroutine[Any, Any, list[Called | None]]:
        """Who holds each of the numbers (MAX_ASKS_PER_CALL at most), or held it last.

        None for one that isn't in the pool. With the store when this returns, as ``allocate``.
        """
        reply = self._store.run(_ROUTE, pool_keys(pool_id), (clock_argument(now_ms), *numbers))
        return self._called(pool_id, numbers, reply)

    async def _called(
        self, pool_id: str, numbers: Sequence[str], reply: Coroutine[Any, Any, bytes]
    ) -> list[Called | None]:
        routes: list[RouteReply | int] = known(pool_id, _routed(await reply))
        return [
            None
            if isinstance(route, int)
            else Called(route.leaving == 1, route.holder.holding(number))
            for number, route in zip(numbers, routes, strict=True)
        ]

    async def overflow_in_hour(self, pool_id: str, at_ms: int, *, now_ms: int | None = None) -> int:
        """How many overflow answers the pool gave in the clock hour (UTC) of a time."""
        reply = await self._run(_OVERFLOW, pool_id, now_ms, at_ms // 3_600_000)
        count: int = known(pool_id, _overflowed(reply))
        return count

    async def status(self, pool_id: str, *, now_ms: int | None = None) -> PoolStatus:
        """Count a pool."""
        reply: StatusReply = known(pool_id, _counted(await self._run(_STATUS, pool_id, now_ms)))
        return reply.status()

    async def series(
        self, pool_id: str, minutes: int = 60, hours: int = 0, *, now_ms: int | None = None
    ) -> Series:
        """What happened in the last minutes (1440 at most) and hours (840), present ones too."""
        counts = min(max(0, minutes), MOST_MINUTES), min(max(0, hours), MOST_HOURS)
        reply = await self._run(_SERIES, pool_id, now_ms, *counts)
        return decode_series(pool_id, reply, *counts)

    async def refusals(self, pool_id: str, *, now_ms: int | None = None) -> Refusals:
        """What a pool refused within the last 7 days, of the latest 50 that it keeps."""
        found: Refusals = known(pool_id, _refused(await self._run(_REFUSALS, pool_id, now_ms)))
        return found

    async def numbers(
        self, pool_id: str, cursor: str = "0", limit: int = 1000, *, now_ms: int | None = None
    ) -> tuple[str, list[NumberRow]]:
        """One page of a pool's numbers and the next cursor ("0" after the last page)."""
        page: NumbersReply = known(
            pool_id, _page(await self._run(_NUMBERS, pool_id, now_ms, cursor, limit))
        )
        return page.cursor, page.rows

    async def end_overdue(self, pool_id: str, *, now_ms: int | None = None) -> int:
        """End assignments whose guarantee is over; return how many. Call again while there are any.

        For a store that forgot what it answered last: their numbers may have been given on since.
        """
        reply = await self._run(_END_OVERDUE, pool_id, now_ms, MAX_PROMOTED_PER_SWEEP)
        ended: int = known(pool_id, _ended(reply))
        return ended

    async def sweep(
        self, pool_id: str, most: int = MAX_PROMOTED_PER_SWEEP, *, now_ms: int | None = None
    ) -> Swept:
        """Do a bounded share of what needn't wait for a click (``lua/pool/sweep.lua``).

        ``most``: numbers to promote, 1,000 at most (``include/pool_promote.lua`` says why).
        """
        swept: Swept = known(pool_id, _swept(await self._run(_SWEEP, pool_id, now_ms, most)))
        return swept

    async def shrink(
        self,
        pool_id: str,
        most: int,
        span_ms: int,
        *,
        fewest: int,
        spare: int,
        now_ms: int | None = None,
    ) -> tuple[int, int]:
        """Have up to ``most`` lent numbers leave in each span that nobody used for that long.

        The pool keeps ``fewest`` numbers at least, and ``spare`` unassigned ones. Returns how many
        left in this call, and after how many ms there may be more to do; 0: at once.
        """
        reply = await self._run(_SHRINK, pool_id, now_ms, most, span_ms, fewest, spare)
        left: tuple[int, int] = known(pool_id, _shrunk(reply))
        return left

    async def _run(
        self, script: Script, pool_id: str, now_ms: int | None, *arguments: Argument
    ) -> bytes:
        return await self._store.run(
            script, pool_keys(pool_id), (clock_argument(now_ms), *arguments)
        )


def _arguments(asks: Sequence[Ask], *, touch: bool = False) -> list[Argument]:
    """Five script arguments an ask; a touch gives its clicks as -clicks - 1."""
    arguments: list[Argument] = []
    for ask in asks:
        clicks = -ask.clicks - 1 if touch else ask.clicks
        arguments += (ask.tuple, clicks, attributes_bytes(ask.attributes), ask.areas, ask.network)
    return arguments


def _touched(pool_id: str, reply: bytes) -> list[Answer]:
    touched: AllocateReply = known(pool_id, _allocated(reply))
    return [answer for answer in _answers(touched) if answer is not None]


def _answers(told: AllocateReply | HeldReply) -> list[Answer | None]:
    """Turn replies into answers; None where the pool could grow."""
    answers: list[Answer | None] = []
    least = least_promise(told.hold)
    for reply in told.answers:
        until, left = reply.guaranteed_until, reply.guaranteed_until - told.clock
        if left <= 0:  # nothing is promised: the number may be another's now
            until = left = 0
        answers.append(
            Answer(
                _STATES[reply.code],
                reply.number,
                until,
                left,
                reply.code == AllocationCode.OVER_BUDGET,
                least if left else 0,
            )
            if reply.code
            else None
        )
    return answers
