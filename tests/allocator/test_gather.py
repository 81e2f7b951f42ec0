"""Many awaitables, a few at a time."""

from __future__ import annotations

import asyncio

import pytest

from allocator.gather import gather_limited


async def test_no_more_than_the_limit_run_at_once_and_results_are_in_order() -> None:
    """Whichever ends first."""
    running: list[int] = []
    most = 0

    async def double(thing: int) -> int:
        nonlocal most
        running.append(thing)
        most = max(most, len(running))
        for _ in range(10 - thing):
            await asyncio.sleep(0)
        running.remove(thing)
        return 2 * thing

    assert await gather_limited(double, range(10), 3) == [2 * thing for thing in range(10)]
    assert most == 3
    assert await gather_limited(double, [], 3) == []


async def test_the_first_failure_is_raised_when_those_under_way_have_ended() -> None:
    """Nothing is begun after it, and nothing goes on behind the caller's back."""
    begun: list[int] = []
    ended: list[int] = []

    async def do(thing: int) -> None:
        begun.append(thing)
        await asyncio.sleep(0)
        if thing == 1:
            raise LookupError("one")
        await asyncio.sleep(0)
        ended.append(thing)

    with pytest.raises(LookupError, match="one"):
        await gather_limited(do, range(10), 3)
    assert begun == [0, 1, 2]
    assert ended == [0, 2]


async def test_cancelling_it_cancels_what_is_under_way() -> None:
    """As with asyncio.gather."""
    ended: list[int] = []

    async def wait(thing: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(thing)

    task = asyncio.create_task(gather_limited(wait, range(5), 2))
    while not task.done():
        await asyncio.sleep(0)
        task.cancel()
    assert sorted(ended) == [0, 1]
