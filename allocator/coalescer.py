"""Concurrent asks of one pool, put together into one script call.

A call goes out at once when none is under way for the pool; what comes while it is goes out
together in the next one. So an idle service adds no delay, and a busy one spends a script call on
many visitors.
"""

from __future__ import annotations

import asyncio

from allocator.allocator import ASKS_A_CALL, Allocator
from allocator.answers import Answer, Ask
from allocator.port import StoreUnavailable

MAX_WAITING = 10_000
"""Asks that may wait for one pool; beyond, an ask is refused at once."""

_Waiting = tuple[Ask, "asyncio.Future[Answer]"]


class _Queue:
    """The asks of one pool, first come first served. ``worker`` is None while nothing is asked."""

    __slots__ = ("waiting", "worker")

    def __init__(self) -> None:
        self.waiting: list[_Waiting] = []
        self.worker: asyncio.Task[None] | None = None


class Coalescer:
    """Single asks in, batches out. One a process and event loop."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._queues: dict[str, _Queue] = {}

    def allocate(self, pool_id: str, ask: Ask) -> asyncio.Future[Answer]:
        """Ask for a number. The future raises what ``Allocator.allocate`` raises.

        It takes one store deadline at most: when a call fails, what waited for it fails too.
        """
        queue = self._queues.get(pool_id)
        if queue is None:
            queue = self._queues[pool_id] = _Queue()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if len(queue.waiting) >= MAX_WAITING:
            future.set_exception(StoreUnavailable("too many requests wait for this pool"))
            return future
        queue.waiting.append((ask, future))
        if queue.worker is None:
            queue.worker = asyncio.create_task(self._work(pool_id, queue))
        return future

    async def _work(self, pool_id: str, queue: _Queue) -> None:
        while queue.waiting:
            batch = queue.waiting[:ASKS_A_CALL]
            del queue.waiting[:ASKS_A_CALL]
            try:
                await self._serve(pool_id, batch)
            except StoreUnavailable as error:
                _refuse(batch + queue.waiting, error)
                queue.waiting.clear()
        queue.worker = None
        del self._queues[pool_id]

    async def _serve(self, pool_id: str, batch: list[_Waiting]) -> None:
        """One call for the batch; when it fails for a reason of its own, one for each ask."""
        batch = [(ask, future) for ask, future in batch if not future.done()]
        if not batch:
            return
        try:
            answers = await self._allocator.allocate(pool_id, [ask for ask, _ in batch])
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(batch) == 1:
                _refuse(batch, error)
                return
            for waiting in batch:  # so that one bad tuple fails alone
                await self._serve(pool_id, [waiting])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _refuse(batch: list[_Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
