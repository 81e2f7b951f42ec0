"""Concurrent asks become few calls, and fail only for reasons of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from allocator.allocator import MAX_ASKS_PER_CALL
from allocator.answers import Answer, Ask, State
from allocator.port import StoreUnavailable
from allocator.worker import batching
from allocator.worker.batching import FULL, MAX_CALLS, AskBatcher


class Pools:
    """Stands in for the allocator: notes each call at once and holds it until ``gate`` opens."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str]]] = []
        self.gate = asyncio.Event()
        self.down = False

    def allocate(self, pool_id: str, asks: Sequence[Ask]) -> Coroutine[Any, Any, list[Answer]]:
        tuples = [ask.tuple for ask in asks]
        self.calls.append((pool_id, tuples))
        if "unsendable" in tuples:
            raise UnicodeError("a lone surrogate")
        return self._answers(tuples)

    async def _answers(self, tuples: list[str]) -> list[Answer]:
        await self.gate.wait()
        if self.down:
            raise StoreUnavailable("down")
        if "bad" in tuples:
            raise RuntimeError("a script error")
        return [Answer(State.NEW, f"+1{name}", 1000, 500) for name in tuples]


@pytest.fixture
def pools() -> Pools:
    """A fresh stand-in."""
    return Pools()


@pytest.fixture
def desk(pools: Pools) -> AskBatcher[Ask, Answer]:
    """A coalescer in front of the stand-in."""
    return AskBatcher(pools.allocate)


async def test_first_goes_alone_and_the_rest_together(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """What arrives during a call goes out in one call after it, in order."""
    first = desk.ask("p", Ask("a"))
    await asyncio.sleep(0)
    rest = [desk.ask("p", Ask(name)) for name in "bcd"]
    pools.gate.set()
    assert (await first).number == "+1a"
    assert [(await answer).number for answer in rest] == ["+1b", "+1c", "+1d"]
    assert pools.calls == [("p", ["a"]), ("p", ["b", "c", "d"])]


async def test_pools_do_not_wait_for_each_other(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """A call under way for one pool holds up no other pool."""
    answers = [desk.ask("p", Ask("a")), desk.ask("q", Ask("a"))]
    await asyncio.sleep(0)
    assert [pool for pool, _ in pools.calls] == ["p", "q"]
    pools.gate.set()
    await asyncio.gather(*answers)


async def test_one_bad_tuple_fails_alone(pools: Pools, desk: AskBatcher[Ask, Answer]) -> None:
    """When a batch fails, its asks are tried one by one and only the bad one fails."""
    pools.gate.set()
    answers = [desk.ask("p", Ask(name)) for name in ("a", "bad", "c")]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(results[1], RuntimeError)
    assert [r.number for r in (results[0], results[2]) if isinstance(r, Answer)] == ["+1a", "+1c"]


async def test_an_ask_that_cannot_be_sent_fails_alone(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """Neither the others of its batch nor whoever completes the batch learn of it."""
    pools.gate.set()
    answers = [desk.ask("p", Ask(f"{i}" if i else "unsendable")) for i in range(FULL)]
    with pytest.raises(UnicodeError):
        await answers[0]
    assert [(await answer).number for answer in answers[1:]] == [f"+1{i}" for i in range(1, FULL)]


async def test_store_down_fails_all_that_wait_at_once(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """Nobody waits for a second deadline: what queued behind a failed call fails with it."""
    first = desk.ask("p", Ask("a"))
    await asyncio.sleep(0)
    second = desk.ask("p", Ask("b"))
    pools.down = True
    pools.gate.set()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert all(isinstance(result, StoreUnavailable) for result in results)
    assert len(pools.calls) == 1
    pools.down = False
    assert (await desk.ask("p", Ask("b"))).number == "+1b"


async def test_a_caller_that_gave_up_is_not_asked_for(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """A cancelled ask that still waits takes no number."""
    first = desk.ask("p", Ask("a"))
    await asyncio.sleep(0)
    gone = desk.ask("p", Ask("b"))
    gone.cancel()
    pools.gate.set()
    await first
    assert (await desk.ask("p", Ask("c"))).number == "+1c"
    assert all("b" not in tuples for _, tuples in pools.calls)


async def test_a_full_call_goes_out_while_others_are_under_way(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """Under load the store gets work while it works, at once, but never in too many calls."""
    first = desk.ask("p", Ask("first"))
    await asyncio.sleep(0)
    rest = [desk.ask("p", Ask(str(i))) for i in range(FULL * MAX_CALLS)]
    assert [len(tuples) for _, tuples in pools.calls] == [1] + [FULL] * (MAX_CALLS - 1)
    pools.gate.set()
    await asyncio.gather(first, *rest)
    asked = [tuple_ for _, tuples in pools.calls for tuple_ in tuples]
    assert asked == ["first", *map(str, range(FULL * MAX_CALLS))]


async def test_what_fills_no_call_goes_out_when_nothing_is_under_way(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """A few asks behind full calls don't wait for more to come."""
    asks = [desk.ask("p", Ask(str(i))) for i in range(FULL + 1)]
    await asyncio.sleep(0)
    assert [len(tuples) for _, tuples in pools.calls] == [FULL]
    pools.gate.set()
    assert (await asks[-1]).number == f"+1{FULL}"


async def test_an_outage_fails_every_call_under_way(
    pools: Pools, desk: AskBatcher[Ask, Answer]
) -> None:
    """Calls that were sent side by side fail side by side, and the next ask is asked anew."""
    pools.down = True
    asks = [desk.ask("p", Ask(str(i))) for i in range(2 * FULL + 1)]
    pools.gate.set()
    results = await asyncio.gather(*asks, return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    assert len(pools.calls) == 2
    pools.down = False
    assert (await desk.ask("p", Ask("x"))).number == "+1x"


async def test_batches_are_bounded(pools: Pools, desk: AskBatcher[Ask, Answer]) -> None:
    """No script call carries more asks than the allocator's limit."""
    pools.gate.set()
    answers = [desk.ask("p", Ask(str(i))) for i in range(3 * MAX_ASKS_PER_CALL)]
    assert [answer.number for answer in await asyncio.gather(*answers)] == [
        f"+1{i}" for i in range(3 * MAX_ASKS_PER_CALL)
    ]
    assert max(len(tuples) for _, tuples in pools.calls) == MAX_ASKS_PER_CALL


async def test_a_full_queue_refuses(
    pools: Pools, desk: AskBatcher[Ask, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound an ask is refused at once instead of waiting without end."""
    monkeypatch.setattr(batching, "MAX_WAITING", 2)
    kept = [desk.ask("p", Ask("a")), desk.ask("p", Ask("b"))]
    with pytest.raises(StoreUnavailable, match="too many"):
        await desk.ask("p", Ask("c"))
    pools.gate.set()
    await asyncio.gather(*kept)
