"""Many awaitables, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, cast

_T = TypeVar("_T")
_R = TypeVar("_R")


async def gather_limited(
    do: Callable[[_T], Awaitable[_R]], things: Iterable[_T], at_once: int
) -> list[_R]:
    """Do something to many things, ``at_once`` of them side by side; results in their order.

    When one fails no further one is begun, and its exception is raised when those under way have
    ended. Cancelling this cancels them.

    A few tasks that take turns, not a task for each thing behind a semaphore or an
    anyio.CapacityLimiter: making ten thousand tasks at once would hold up the event loop.
    """
    waiting = list(things)
    results: list[_R | None] = [None] * len(waiting)
    places = iter(range(len(waiting)))
    failures: list[Exception] = []

    async def work() -> None:
        for place in places:
            try:
                results[place] = await do(waiting[place])
            except Exception as error:
                failures.append(error)
            if failures:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(waiting))):
            group.create_task(work())
    if failures:
        raise failures[0]
    return cast("list[_R]", results)
