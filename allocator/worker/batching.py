"""Concurrent asks of one pool, put together into few script calls: for numbers, or about calls.

A call goes out at once when none is under way for the pool; what comes while one is goes out
together when it returns, or as soon as it fills a call of its own. So an idle service adds no
delay, a busy one spends a script call on many visitors, and the store works on one call while the
worker reads what the next will carry: with all in a single call, each would wait for the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from allocator.allocator import MAX_ASKS_PER_CALL
from allocator.port import StoreUnavailable

_Q = TypeVar("_Q")
_A = TypeVar("_A")

Call = Callable[[str, list[_Q]], Coroutine[Any, Any, list[_A]]]
"""Asks a pool, by its id, several things in one script call: an answer each, in the same order."""

MAX_WAITING = 10_000
"""Asks that may wait for one pool; beyond, an ask is refused at once."""

FULL = 8
"""So many asks are worth a call of their own while others are under way."""

MAX_CALLS = 4
"""Calls under way for one pool; beyond, asks wait and the next call carries more."""

_Waiting = tuple[_Q, "asyncio.Future[_A]"]


class _Queue(Generic[_Q, _A]):
    """The asks of one pool, first come first served."""

    __slots__ = ("calls", "due", "waiting")

    def __init__(self) -> None:
        self.waiting: list[_Waiting[_Q, _A]] = []
        self.calls = 0  # under way
        self.due = False  # asks that wait are sent in the loop's next turn


class AskBatcher(Generic[_Q, _A]):
    """Single asks in, batches out. One a process and event loop.

    ``call``: makes a script call of a batch, which is with the store when it returns.
    """

    def __init__(self, call: Call[_Q, _A]) -> None:
        self._ask = call
        self._queues: dict[str, _Queue[_Q, _A]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    def ask(self, pool_id: str, ask: _Q) -> asyncio.Future[_A]:
        """Ask. The future raises what ``call`` raises.

        A store that doesn't answer costs one deadline at most: when a call fails, what waits fails
        too.
        """
        queue = self._queues.get(pool_id)
        if queue is None:
            queue = self._queues[pool_id] = _Queue()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_A] = loop.create_future()
        if len(queue.waiting) >= MAX_WAITING:
            future.set_exception(StoreUnavailable("too many requests wait for this pool"))
            return future
        queue.waiting.append((ask, future))
        if len(queue.waiting) >= FULL:
            self._send_waiting(pool_id, queue)
        elif not queue.calls and not queue.due:
            queue.due = True  # not at once: others may come in this turn
            loop.call_soon(self._send_due, pool_id, queue)
        return future

    def _send_due(self, pool_id: str, queue: _Queue[_Q, _A]) -> None:
        queue.due = False
        self._send_waiting(pool_id, queue)

    def _send_waiting(self, pool_id: str, queue: _Queue[_Q, _A]) -> None:
        """Send waiting asks if no call is under way, or they fill one and one more is allowed."""
        while queue.waiting and (
            not queue.calls or (len(queue.waiting) >= FULL and queue.calls < MAX_CALLS)
        ):
            batch = [
                waiting for waiting in queue.waiting[:MAX_ASKS_PER_CALL] if not waiting[1].done()
            ]
            del queue.waiting[:MAX_ASKS_PER_CALL]
            if batch:
                self._call(pool_id, queue, batch)
        if not queue.calls and not queue.due:
            self._queues.pop(pool_id, None)

    def _call(self, pool_id: str, queue: _Queue[_Q, _A], batch: list[_Waiting[_Q, _A]]) -> None:
        try:
            answers = self._ask(pool_id, [ask for ask, _ in batch])
        except Exception as error:  # an ask that can't even be sent
            answers = _raising(error)
        call = asyncio.create_task(self._await_answers(pool_id, queue, batch, answers))
        queue.calls += 1
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _await_answers(
        self,
        pool_id: str,
        queue: _Queue[_Q, _A],
        batch: list[_Waiting[_Q, _A]],
        answers: Coroutine[Any, Any, list[_A]],
    ) -> None:
        """Pass a call's answers on; when it fails, and not for an outage, ask for each alone."""
        try:
            try:
                _set_answers(batch, await answers)
            except StoreUnavailable:
                raise
            except Exception as error:
                if len(batch) == 1:
                    _set_error(batch, error)
                else:
                    await self._allocate_each(pool_id, batch)
        except StoreUnavailable as error:
            _set_error(batch + queue.waiting, error)
            queue.waiting.clear()
        queue.calls -= 1
        self._send_waiting(pool_id, queue)

    async def _allocate_each(self, pool_id: str, batch: list[_Waiting[_Q, _A]]) -> None:
        """So that one bad tuple fails alone."""
        for waiting in batch:
            ask, future = waiting
            if future.done():
                continue
            try:
                _set_answers([waiting], await self._ask(pool_id, [ask]))
            except StoreUnavailable:
                raise
            except Exception as error:
                _set_error([waiting], error)


async def _raising(error: Exception) -> list[Any]:
    raise error


def _set_answers(batch: list[_Waiting[_Q, _A]], answers: list[_A]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def _set_error(batch: list[_Waiting[_Q, _A]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
