"""Where a worker gets its answers: its own memory while a guarantee lasts, else the store.

A guarantee is a promise that nothing breaks, so an answer may be repeated without asking again
until it ends; where activity renews guarantees (``hold_on_activity``), for as long as enough of it
is left for the next reader (``Answer.least_ms``). Then the store is asked, and renews it. If the
store is away the answer is repeated until the guarantee ends, since what it says is still true.

Clicks answered so are counted and written behind with the last click's attributes: at most a second
late, none lost on a clean stop; on a kill, those of the last second are, and those that an outage
kept from being written (the assignment itself never is). Each write has a number, and one that
failed is repeated as it was until the store has it: so it counts once, however often it ran. What
was asked of the store, and answered from here since it failed, isn't counted again: whether the
store did, nobody knows.

Time is the local monotonic clock from *before* the store was asked, so the store's guarantee
always outlasts the memory of it; no two clocks are compared. An answer that comes when its
guarantee may be over by this clock is given to no caller, since its number may be another's by now:
the store is asked once more.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence

from msgspec import Struct, structs

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Attributes, State
from allocator.port import StoreUnavailable
from allocator.replies import UnknownPool
from allocator.worker.batching import AskBatcher
from allocator.worker.lru import ByteBoundedLRU

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
SPREAD_SECONDS = 0.2
"""Writing behind takes so long, and pauses so long: a click waits for the rest of one write, the
pause, and its own place in the next. Written in one go, a second's clicks would hold up all asks of
that time, here and in the store."""

MARGIN_SECONDS = 1.5
"""An answer is forgotten so long before its guarantee ends: the last clicks still find their
holder when they are written behind. Pools with shorter guarantees are never answered from here."""

_PATIENCE_SECONDS = 1.0
"""How long one writing behind goes on though the store doesn't take some pools' clicks: in a
cluster another pool's server may."""

_TRIES_AT_STOP = 3

_TUPLES_A_WRITE = 16
"""Most tuples written behind in one call: the last clicks' attributes are often only worked out
then, and requests that come meanwhile wait."""

_ENTRY_BYTES = 700
"""What an entry counts for, without its tuple's text. Of it 256 are the entry (tracemalloc, Python
3.11); the rest is room for the number, and for attributes until they are written behind."""


class CachedAssignment:
    """A number that a tuple holds, as long as this worker may answer so without the store.

    ``expires``: until when it need not ask, ``ends``: until when it may answer so if it can't ask;
    local monotonic seconds. ``clicks`` and ``attributes``: not yet written behind.
    """

    __slots__ = (
        "attributes",
        "clicks",
        "ends",
        "expires",
        "guaranteed_until",
        "number",
        "pool_id",
        "tuple",
    )

    def __init__(self, pool_id: str, tuple_: str) -> None:
        self.pool_id = pool_id
        self.tuple = tuple_
        self.number = ""
        self.guaranteed_until = 0
        self.expires = self.ends = 0.0
        self.clicks = 0
        self.attributes: Attributes = b""

    def learn(self, answer: Answer, asked: float) -> None:
        """Take over what the store answered. ``asked``: local monotonic seconds."""
        self.number, self.guaranteed_until = answer.number, answer.guaranteed_until
        ends = asked + answer.hold_ms / 1000
        self.ends = ends - MARGIN_SECONDS
        self.expires = ends - max(MARGIN_SECONDS, answer.least_ms / 1000)

    def hold_ms(self, now: float) -> int:
        """What is left of the guarantee."""
        return int((self.ends - now + MARGIN_SECONDS) * 1000)


class _Write(Struct, frozen=True):
    """Clicks of some assignments of one pool on their way to the store.

    ``number``: with it the write is repeated. ``asked``: when it was first sent, local monotonic
    seconds.
    """

    pool_id: str
    number: int
    entries: Sequence[CachedAssignment]
    asks: Sequence[Ask]
    asked: float


class HeldAnswer(Answer, frozen=True, kw_only=True, gc=False):
    """An answer with state held that this worker may give again by itself.

    ``assignment``: until when, and where further clicks are counted (``record_click``).
    """

    assignment: CachedAssignment


class AssignmentCache:
    """Single answers for the endpoints. One a process and event loop; ``run`` must be running.

    ``cache_bytes`` 0 turns the memory off. ``refuses``: why a pool gives no new numbers now; ""
    when it does. Tuples that hold a number get it all the same, and nothing is written for that.
    """

    def __init__(
        self,
        allocator: Allocator,
        *,
        cache_bytes: int = 64 << 20,
        clock: Callable[[], float] = time.monotonic,
        refuses: Callable[[str], str] = lambda _pool_id: "",
    ) -> None:
        self._allocator = allocator
        self._batcher = AskBatcher(allocator.allocate)
        self._clock = clock
        self._refuses = refuses
        self._entries: ByteBoundedLRU[tuple[str, str], CachedAssignment]
        self._entries = ByteBoundedLRU(cache_bytes, _entry_bytes)
        self._unwritten: set[CachedAssignment] = set()
        self._doubtful: dict[str, _Write] = {}  # by pool: done or not, nobody knows
        self._writer = secrets.token_hex(6)
        self._writes = 0
        self._refused: set[str] = set()  # pools whose last write failed
        self._write_lock = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None

    def peek(self, pool_id: str, tuple_: str) -> CachedAssignment | None:
        """What may be answered without asking; ``count`` must follow when it is."""
        key = (pool_id, tuple_)
        held = self._entries.get(key)
        if held is None:
            return None
        now = self._clock()
        if held.ends <= now:
            self._entries.discard(key)
        return held if held.expires > now else None

    def count(
        self, held: CachedAssignment, attributes: Attributes = b"", clicks: int = 1
    ) -> HeldAnswer | None:
        """Count clicks answered from ``held``; None when its time is over and nothing was."""
        if not self.record_click(held, attributes, clicks):
            return None
        hold_ms = held.hold_ms(self._clock())
        return HeldAnswer(State.HELD, held.number, held.guaranteed_until, hold_ms, assignment=held)

    def record_click(
        self, held: CachedAssignment, attributes: Attributes = b"", clicks: int = 1
    ) -> bool:
        """Count clicks that got the same answer again; False when its time is over."""
        if held.expires <= self._clock():
            return False
        self._note_clicks(held, attributes, clicks)
        return True

    def _note_clicks(self, held: CachedAssignment, attributes: Attributes, clicks: int) -> None:
        held.clicks += clicks
        if attributes:
            held.attributes = attributes
        self._unwritten.add(held)

    def _while_away(self, pool_id: str, ask: Ask) -> Answer | None:
        """Answer with a guarantee that the store can't renew now; None when there is none.

        The click isn't counted: the store may have before it failed.
        """
        held = self._entries.get((pool_id, ask.tuple))
        now = self._clock()
        if held is None or held.ends <= now:
            return None
        self._note_clicks(held, ask.attributes, 0)
        return Answer(State.HELD, held.number, held.guaranteed_until, held.hold_ms(now))

    async def allocate(self, pool_id: str, ask: Ask) -> Answer:
        """Answer one ask: with a HeldAnswer when the tuple had its number and will have it on.

        Raises what ``Allocator.allocate`` raises; StoreUnavailable too when even a second answer
        comes so late that its guarantee is over.
        """
        held = self.peek(pool_id, ask.tuple)
        if held is not None:
            answer: Answer | None = self.count(held, ask.attributes, ask.clicks)
            if answer is not None:
                return answer
        if why := self._refuses(pool_id):
            (only,) = await self._only_held(pool_id, [ask], why)
            if isinstance(only, StoreUnavailable):
                raise only
            return only
        asked = self._clock()
        try:
            found = await self._batcher.ask(pool_id, ask)
        except StoreUnavailable:
            if (left := self._while_away(pool_id, ask)) is None:
                raise
            return left
        answer = self._remember(pool_id, ask.tuple, found, asked)
        if answer is None:
            (answer,) = await self._ask_again(pool_id, [ask])
        return answer

    async def find(self, pool_id: str, ask: Ask) -> Answer | None:
        """Answer an ask if its tuple has its number; None, and nothing is taken, when it hasn't.

        Raises as ``allocate``.
        """
        held = self.peek(pool_id, ask.tuple)
        if held is not None:
            answer = self.count(held, ask.attributes, ask.clicks)
            if answer is not None:
                return answer
        asked = self._clock()
        try:
            (found,) = await self._allocator.touch(pool_id, [ask])
        except StoreUnavailable:
            if (left := self._while_away(pool_id, ask)) is None:
                raise
            return left
        if found.state is State.NONE:
            return None
        remembered = self._remember(pool_id, ask.tuple, found, asked)
        if remembered is None:
            raise StoreUnavailable("the store's answer comes after its guarantee has ended")
        return remembered

    async def allocate_many(
        self, pool_id: str, asks: Sequence[Ask]
    ) -> list[Answer | StoreUnavailable]:
        """Answer many asks of one pool, in order; what isn't known goes in few calls.

        What only the store could answer gets the StoreUnavailable that kept it from that; what is
        known is answered all the same. Raises UnknownPool.
        """
        answers: list[Answer | StoreUnavailable | None] = []
        for ask in asks:
            held = self.peek(pool_id, ask.tuple)
            answers.append(None if held is None else self.count(held, ask.attributes, ask.clicks))
        missing = [place for place, answer in enumerate(answers) if answer is None]
        if missing:
            found: Sequence[Answer | StoreUnavailable]
            unknown = [asks[place] for place in missing]
            try:
                if why := self._refuses(pool_id):
                    found = await self._only_held(pool_id, unknown, why)
                else:
                    found = await self._allocate_unknown(pool_id, unknown)
            except StoreUnavailable as error:
                found = [self._while_away(pool_id, ask) or error for ask in unknown]
            for place, answer in zip(missing, found, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    async def _allocate_unknown(self, pool_id: str, asks: Sequence[Ask]) -> list[Answer]:
        # The same steps as in ``allocate``, for many: one method for both would make lists and a
        # coroutine more for each single ask.
        asked = self._clock()
        answers = [
            self._remember(pool_id, ask.tuple, answer, asked)
            for ask, answer in zip(asks, await self._allocator.allocate(pool_id, asks), strict=True)
        ]
        late = [place for place, answer in enumerate(answers) if answer is None]
        if late:
            again = await self._ask_again(pool_id, [asks[place] for place in late])
            for place, answer in zip(late, again, strict=True):
                answers[place] = answer
        return [answer for answer in answers if answer is not None]

    async def _only_held(
        self, pool_id: str, asks: Sequence[Ask], why: str
    ) -> list[Answer | StoreUnavailable]:
        """Answer asks whose tuples hold a number; the others get ``why``. Clicks are written
        behind."""
        asked = self._clock()
        answers: list[Answer | StoreUnavailable] = []
        try:
            found = await self._allocator.held(pool_id, [ask.tuple for ask in asks])
        except StoreUnavailable as error:
            return [self._while_away(pool_id, ask) or error for ask in asks]
        for ask, held in zip(asks, found, strict=True):
            answer = None
            if held.state is State.HELD:
                answer = self._remember(pool_id, ask.tuple, held, asked)
            if isinstance(answer, HeldAnswer):
                self.record_click(answer.assignment, ask.attributes, ask.clicks)
            elif answer is not None:  # not to be repeated
                known = self._entries.get((pool_id, ask.tuple))
                click = known or CachedAssignment(pool_id, ask.tuple)
                self._note_clicks(click, ask.attributes, ask.clicks)
            answers.append(StoreUnavailable(why) if answer is None else answer)
        return answers

    async def _ask_again(self, pool_id: str, asks: Sequence[Ask]) -> list[Answer]:
        """Answer asks whose first answers came too late to be given; their clicks were counted."""
        asked = self._clock()
        counted = [structs.replace(ask, clicks=0) for ask in asks]
        answers = []
        for ask, found in zip(asks, await self._allocator.allocate(pool_id, counted), strict=True):
            answer = self._remember(pool_id, ask.tuple, found, asked)
            if answer is None:
                raise StoreUnavailable("the store's answers come after their guarantees have ended")
            answers.append(answer)
        return answers

    async def run(self) -> None:
        """Write clicks behind until cancelled; then ``aclose`` writes the rest."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            self._flushing = asyncio.create_task(self.flush(SPREAD_SECONDS))
            try:
                await asyncio.shield(self._flushing)  # a write under way is never cut off
            except Exception:  # a fault in one must not end all later ones
                _log.exception("clicks were not written behind")

    async def flush(self, spread: float = 0.0) -> None:
        """Write all clicks counted so far; what the store doesn't take now is written later.

        ``spread``: seconds that it may take its time for.
        """
        async with self._write_lock:
            by_pool: dict[str, list[CachedAssignment]] = {}
            for held in self._unwritten:
                by_pool.setdefault(held.pool_id, []).append(held)
            for pool_id in self._doubtful:
                by_pool.setdefault(pool_id, [])
            writes = [
                (pool_id, entries[start : start + _TUPLES_A_WRITE])
                for pool_id, entries in by_pool.items()
                for start in range(0, len(entries) or 1, _TUPLES_A_WRITE)
            ]
            writes.sort(key=lambda write: write[0] in self._refused)  # the others don't wait
            began, failed = self._clock(), set[str]()
            for pool_id, entries in writes:
                if pool_id in failed:
                    continue
                if await self._write(pool_id, entries):
                    self._refused.discard(pool_id)
                    if spread:
                        await asyncio.sleep(spread / len(writes))
                else:
                    failed.add(pool_id)
                    if self._clock() - began > _PATIENCE_SECONDS:
                        break
            self._refused |= failed

    async def aclose(self) -> None:
        """Write what is counted, for a clean stop; what the store doesn't take is logged."""
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        for _ in range(_TRIES_AT_STOP):
            await self.flush()
            if not self._unwritten and not self._doubtful:
                return
        lost = sum(held.clicks for held in self._unwritten)
        lost += sum(ask.clicks for write in self._doubtful.values() for ask in write.asks)
        _log.warning("%d clicks may not be counted: the store didn't take them", lost)

    async def _write(self, pool_id: str, entries: Sequence[CachedAssignment]) -> bool:
        """Write the pool's doubtful clicks, then these; False when the store couldn't be had."""
        doubtful = self._doubtful.get(pool_id)
        if doubtful is not None and not await self._send(doubtful):
            return False
        if not entries:
            return True
        self._unwritten.difference_update(entries)
        asks = [Ask(held.tuple, held.attributes, held.clicks) for held in entries]
        for held in entries:
            held.clicks, held.attributes = 0, b""
        self._writes += 1
        return await self._send(_Write(pool_id, self._writes, entries, asks, self._clock()))

    async def _send(self, write: _Write) -> bool:
        """False when the store couldn't be had: then it is to be sent again."""
        self._doubtful[write.pool_id] = write
        try:
            answers = await self._allocator.count_told(
                write.pool_id, write.asks, self._writer, write.number
            )
        except StoreUnavailable:
            return False
        except UnknownPool:
            answers = []
        except Exception:
            del self._doubtful[write.pool_id]
            raise
        del self._doubtful[write.pool_id]
        for held, answer in zip(write.entries, answers, strict=False):
            # With hold_on_activity a click moves the guarantee's end.
            if answer.number == held.number and answer.guaranteed_until > held.guaranteed_until:
                held.learn(answer, write.asked)
        return True

    def _remember(self, pool_id: str, tuple_: str, answer: Answer, asked: float) -> Answer | None:
        """Keep an answer for as long as it may be repeated; None when it is too late to give it."""
        if answer.hold_ms == 0:
            return answer
        ends, now = asked + answer.hold_ms / 1000, self._clock()
        if ends <= now:
            return None
        if ends - MARGIN_SECONDS <= now:
            return answer
        key = (pool_id, tuple_)
        held = self._entries.get(key)
        if held is None:
            held = CachedAssignment(pool_id, tuple_)
            self._entries.put(key, held)
        held.learn(answer, asked)
        if answer.state is not State.HELD or held.expires <= now:
            return answer
        if self._entries.get(key) is None:  # the memory is off
            return answer
        return HeldAnswer(
            State.HELD, answer.number, answer.guaranteed_until, answer.hold_ms, assignment=held
        )


def _entry_bytes(held: CachedAssignment) -> int:
    return _ENTRY_BYTES + len(held.tuple)
