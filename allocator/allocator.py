"""Every operation on a pool: one method, one script call, one hash slot.

``now_ms`` replaces the store's clock, for tests and simulations; a pool's clock never goes back.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec

from allocator.answers import (
    Answer,
    Ask,
    Call,
    CallCredit,
    Departure,
    Holding,
    NumberRow,
    PoolStatus,
    Rules,
    State,
    Swept,
    made,
)
from allocator.keys import pool_keys
from allocator.port import Argument, Store
from allocator.replies import holding
from allocator.scripts import Script, load
from allocator.stocks import Arrival, Stocks, now

_ALLOCATE = load("pool/allocate")
_EDIT = load("pool/edit")
_ADD = load("pool/add")
_DRAIN = load("pool/drain")
_FORGET = load("pool/forget")
_RELEASE = load("pool/release")
_CALL = load("pool/call")
_SWEEP = load("pool/sweep")
_SENT = load("pool/sent")
_STATUS = load("pool/status")
_HOLDER = load("pool/holder")
_NUMBERS = load("pool/numbers")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_swept = msgspec.msgpack.Decoder(Swept | bool).decode
_page = msgspec.msgpack.Decoder(tuple[str, int, list[NumberRow]] | bool).decode

_STATES = (None, *State)
"""Reply codes by place; 0 is no answer yet: the pool could grow."""

MAX_ASKS_PER_CALL = 200
"""Most tuples in one script call, so that no caller holds the store for long."""

MAX_PROMOTED_PER_SWEEP = 250
"""Most numbers that one sweep promotes, so that clicks hardly wait for it."""


class UnknownPool(LookupError):
    """The store has no such pool (any more)."""


class Busy(Exception):
    """An earlier edit of the recycle order is still being carried out: sweep, then try again."""


class Allocator:
    """Pools in a store. Holds no state: any number of processes may share a store.

    Every method raises UnknownPool for a pool that ``edit`` never made, and StoreUnavailable.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stocks = Stocks(store)

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
        _, clock, size, max_size, stock, values, _ = _known(pool_id, await reply)
        answers = _answers(clock, values)
        waiting = [place for place, answer in enumerate(answers) if answer is None]
        if waiting:
            again = [asks[place] for place in waiting]
            wanted = len({ask.tuple for ask in again})
            if max_size:
                wanted = min(wanted, max_size - size)
            grown = await self._grow(pool_id, stock, again, wanted, clock, now_ms)
            for place, answer in zip(waiting, grown, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    async def _grow(
        self,
        pool_id: str,
        stock_id: str,
        asks: Sequence[Ask],
        wanted: int,
        clock: int,
        now_ms: int | None,
    ) -> list[Answer | None]:
        """Bring numbers from the stock, for asks that found none unassigned, and ask again.

        What arrives is taken in and given out by one script, so these asks get it and not
        whoever comes in between. The move is timed by the pool's ``clock``, which will judge it:
        the stock's may be on another server.
        """
        arrivals = await self._stocks.take(stock_id, pool_id, wanted, now_ms=clock)
        growth = "no" if len(arrivals) == wanted else "dry"
        reply = await self._ask(pool_id, _arguments(asks), now_ms, growth, arrivals)
        _, clock, _, _, _, values, here = _known(pool_id, reply)
        if here:
            arrived = [arrival for arrival in arrivals if arrival.number in here]
            await self.confirm(pool_id, stock_id, arrived, now_ms=now_ms)
        return _answers(clock, values)

    async def confirm(
        self,
        pool_id: str,
        stock_id: str,
        arrivals: Sequence[Arrival],
        *,
        now_ms: int | None = None,
    ) -> None:
        """Tell a stock that numbers have arrived here; drain those taken out of it meanwhile."""
        leaving = await self._stocks.sent(stock_id, arrivals, now_ms=now_ms)
        if leaving:
            await self.drain(pool_id, leaving, now_ms=now_ms)
            left = [arrival for arrival in arrivals if arrival.number in leaving]
            await self._stocks.sent(stock_id, left, drained=True, now_ms=now_ms)

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
            _, clock, _, _, _, values, _ = _known(pool_id, reply)
            answers += [answer for answer in _answers(clock, values) if answer is not None]
        return answers

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
            _ALLOCATE, pool_keys(pool_id), (now(now_ms), growth, packed, *arguments)
        )

    async def release(
        self, pool_id: str, tuples: Sequence[str], *, now_ms: int | None = None
    ) -> list[int | None]:
        """Note that visitors left. For each tuple: ms left of its guarantee; None: no number."""
        reply = await self._run(_RELEASE, pool_id, now_ms, *tuples)
        return [None if left < 0 else left for left in reply]

    async def edit(
        self, pool_id: str, rules: Rules, revision: int, *, now_ms: int | None = None
    ) -> None:
        """Set a pool's rules at once, making the pool when there is none.

        A revision older than the one in force changes nothing. Raises Busy.
        """
        packed = _encode(
            (
                revision,
                pool_id,
                rules.min_duration,
                rules.hold_on_activity,
                rules.recycle,
                rules.call_weight,
                rules.click_weight,
                rules.max_size,
                rules.stock,
                rules.overflow_number,
                int(rules.allow_overflow),
                rules.history_bytes,
            )
        )
        if await self._run(_EDIT, pool_id, now_ms, packed) == 0:
            raise Busy(pool_id)

    async def add(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> list[str]:
        """Add numbers that the pool owns; returns those in it now. A draining one stays after all.

        One that just left comes back, unless it is on its way to somebody else.
        """
        arrivals = [Arrival(number) for number in numbers]
        here = await self.arrive(pool_id, arrivals, now_ms=now_ms)
        return [arrival.number for arrival in here]

    async def arrive(
        self, pool_id: str, arrivals: Sequence[Arrival], *, now_ms: int | None = None
    ) -> list[Arrival]:
        """Take in numbers on their way from a stock; returns those in the pool now."""
        here = {*await self._run(_ADD, pool_id, now_ms, _encode(arrivals))}
        return [arrival for arrival in arrivals if arrival.number in here]

    async def drain(
        self, pool_id: str, numbers: Sequence[str], *, now_ms: int | None = None
    ) -> dict[str, int]:
        """Take numbers out; returns guaranteed_until (ms) of each that drains until then.

        The others have left at once or weren't in the pool.
        """
        reply = await self._run(_DRAIN, pool_id, now_ms, *numbers)
        return {number: until for number, until in zip(numbers, reply, strict=True) if until}

    async def forget(self, pool_id: str, *, now_ms: int | None = None) -> bool:
        """Delete a pool that has no numbers; False while it has some or owes some to others."""
        return bool(await self._run(_FORGET, pool_id, now_ms))

    async def record_call(
        self, pool_id: str, call: Call, *, overflow: bool = False, now_ms: int | None = None
    ) -> CallCredit | None:
        """Credit a call to who held its number when it started; None: never in this pool.

        ``overflow``: the number is the pool's overflow number, which nobody holds.
        """
        reply = await self._run(
            _CALL, pool_id, now_ms, call.id, call.number, call.started_at, int(overflow)
        )
        if reply == 0:
            return None
        counted, was_overflow, entry, number = reply
        return CallCredit(
            id=call.id,
            number=number,
            counted=counted == 1,
            overflow=was_overflow == 1,
            holding=holding(number, entry),
        )

    async def holder(
        self, pool_id: str, number: str, at_ms: int | None = None, *, now_ms: int | None = None
    ) -> Holding | None:
        """Who holds a number, or held it at a time; None when nobody did while it was here."""
        _, _, _, entry, _ = await self._run(_HOLDER, pool_id, now_ms, number, at_ms or 0, "")
        return holding(number, entry)

    async def overflow_in_hour(self, pool_id: str, at_ms: int, *, now_ms: int | None = None) -> int:
        """How many overflow answers the pool gave in the clock hour (UTC) of a moment."""
        reply = await self._run(_HOLDER, pool_id, now_ms, "", at_ms, at_ms // 3_600_000)
        return int(reply[4])

    async def status(self, pool_id: str, *, now_ms: int | None = None) -> PoolStatus:
        """Count a pool."""
        (
            size,
            unassigned,
            held,
            recyclable,
            draining,
            overflow,
            new,
            recycled,
            held_total,
            oldest,
            could_grow,
            backlog,
            calls,
            overflow_calls,
            last_overflow,
            clock,
            _,
        ) = await self._run(_STATUS, pool_id, now_ms)
        return PoolStatus(
            size=size,
            unassigned=unassigned,
            held=held,
            recyclable=recyclable,
            draining=draining,
            overflow_total=overflow,
            new_total=new,
            recycled_total=recycled,
            held_total=held_total,
            utilization=(held + draining) / size if size else 1.0,
            oldest_held_seconds=oldest / 1000,
            exhausted=unassigned + recyclable == 0 and not could_grow,
            backlog=backlog,
            calls_total=calls,
            overflow_calls_total=overflow_calls,
            last_overflow=last_overflow,
            clock=clock,
        )

    async def numbers(
        self, pool_id: str, cursor: str = "0", limit: int = 1000, *, now_ms: int | None = None
    ) -> tuple[str, list[NumberRow]]:
        """One page of a pool's numbers and the next cursor ("0" after the last page)."""
        reply = _page(
            await self._store.run(_NUMBERS, pool_keys(pool_id), (now(now_ms), cursor, limit))
        )
        if isinstance(reply, bool):
            raise UnknownPool(pool_id)
        following, _, rows = reply
        return following, rows

    async def sweep(
        self, pool_id: str, most: int = MAX_PROMOTED_PER_SWEEP, *, now_ms: int | None = None
    ) -> Swept:
        """Do a bounded share of what needn't wait for a click (``lua/sweep.lua``).

        ``most``: numbers to promote, 1,000 at most (``include/pool_promote.lua`` says why).
        """
        reply: Swept | bool = _swept(
            await self._store.run(_SWEEP, pool_keys(pool_id), (now(now_ms), most))
        )
        if isinstance(reply, bool):
            raise UnknownPool(pool_id)
        return reply

    async def sent(
        self, pool_id: str, departures: Sequence[Departure], *, now_ms: int | None = None
    ) -> None:
        """Note that departed numbers have been handed on."""
        letters = [value for d in departures for value in (d.number, d.loan, d.left)]
        await self._run(_SENT, pool_id, now_ms, *letters)

    async def _run(
        self, script: Script, pool_id: str, now_ms: int | None, *arguments: Argument
    ) -> Any:
        return _known(
            pool_id, await self._store.run(script, pool_keys(pool_id), (now(now_ms), *arguments))
        )


def _known(pool_id: str, reply: bytes) -> Any:
    """What a script replied; raises UnknownPool for its ``false``."""
    values = _decode(reply)
    if values is False:
        raise UnknownPool(pool_id)
    return values


def _arguments(asks: Sequence[Ask], *, touch: bool = False) -> list[Argument]:
    """Three script arguments an ask; a touch says its clicks as -clicks - 1."""
    arguments: list[Argument] = []
    for ask in asks:
        clicks = -ask.clicks - 1 if touch else ask.clicks
        arguments += (ask.tuple, clicks, made(ask.attributes))
    return arguments


def _answers(clock: int, values: Sequence[Any]) -> list[Answer | None]:
    """Turn the script's three values an ask into answers; None where the pool could grow."""
    return [
        Answer(_STATES[code], number, until, until - clock if until > clock else 0)
        if code
        else None
        for code, number, until in zip(values[0::3], values[1::3], values[2::3], strict=True)
    ]
