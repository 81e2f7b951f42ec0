"""Responses given again: only while everything in them is true."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, Attributes, Rules, State
from allocator.port import Store
from allocator.worker.cache import AssignmentCache, CachedAssignment, HeldAnswer
from api.http.response_cache import Computed, ResponseCache
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Configuration
from tests.api.conftest import KEY, Site

SNAPSHOT = Snapshot(1, Configuration())


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def assignments(valkey_store: Store, clock: Clock, unique: str) -> AssignmentCache:
    """A pool whose tuple "a" holds a number for a minute."""
    allocator = Allocator(valkey_store)
    await allocator.edit(unique, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(unique, ["+11"])
    cache = AssignmentCache(allocator, clock=clock)
    await cache.allocate(unique, Ask("a"))
    return cache


@pytest.fixture
def held(assignments: AssignmentCache, unique: str) -> HeldAnswer:
    """The answer to tuple "a", whose click isn't counted."""
    assignment = assignments.peek(unique, "a")
    assert assignment is not None
    return answer_of(assignment)


def answer_of(assignment: CachedAssignment) -> HeldAnswer:
    until = assignment.guaranteed_until
    return HeldAnswer(State.HELD, assignment.number, until, 60_000, assignment=assignment)


class Requests:
    """Requests of one cache. What is computed is the count of computations so far."""

    def __init__(
        self, assignments: AssignmentCache, clock: Clock, max_bytes: int = 1 << 20
    ) -> None:
        self.computed = 0
        self.cache = ResponseCache(assignments, max_bytes=max_bytes, clock=clock)

    async def __call__(
        self,
        key: str,
        held: Sequence[HeldAnswer] | None,
        snapshot: Snapshot = SNAPSHOT,
        *,
        attributes: Attributes = b"",
        shared_attributes: bytes = b"",
        valid_seconds: float = math.inf,
    ) -> int:
        async def compute(_snapshot: Snapshot) -> Computed[int]:
            self.computed += 1
            return Computed(self.computed, held, 5, shared_attributes, valid_seconds)

        return await self.cache.answer(key, snapshot, compute, attributes)


@pytest.fixture
def request_(assignments: AssignmentCache, clock: Clock) -> Requests:
    return Requests(assignments, clock)


async def test_an_answer_is_given_again_and_counted(request_: Requests, held: HeldAnswer) -> None:
    """The same answer, with the click and its attributes noted for the store."""
    answers = [await request_("key", (held,), shared_attributes=b"{}") for _ in range(3)]
    assert answers == [1, 1, 1]
    assert (held.assignment.clicks, held.assignment.attributes) == (2, b"{}")
    assert await request_("another", (held,)) == 2


async def test_a_clicks_own_attributes_count_before_the_shared_ones(
    request_: Requests, held: HeldAnswer
) -> None:
    """They are the last click's."""
    for _ in range(2):
        await request_("key", (held,), attributes=b"[1]", shared_attributes=b"{}")
    assert held.assignment.attributes == b"[1]"


async def test_what_is_for_one_request_alone_is_computed_every_time(
    request_: Requests, held: HeldAnswer
) -> None:
    """None held: nothing is remembered. Nothing to hold: it depends on the configuration alone."""
    assert [await request_("alone", None) for _ in range(2)] == [1, 2]
    assert [await request_("no numbers", ()) for _ in range(2)] == [3, 3]


async def test_it_ends_with_the_guarantee(
    request_: Requests, held: HeldAnswer, clock: Clock
) -> None:
    """From then on it is computed again."""
    assert await request_("key", (held,)) == 1
    clock.now += 60
    assert await request_("key", (held,)) == 2


async def test_it_ends_with_the_configuration(request_: Requests, held: HeldAnswer) -> None:
    """Another snapshot may have another key: everything is looked at anew."""
    assert await request_("key", (held,)) == 1
    assert await request_("key", (held,), Snapshot(2, Configuration())) == 2
    assert await request_("key", (held,)) == 3


async def test_an_answer_is_kept_for_the_snapshot_that_it_was_asked_under(
    request_: Requests, held: HeldAnswer
) -> None:
    """One that was computed while the configuration changed isn't right under the new one."""
    newer = Snapshot(2, Configuration())

    async def compute(_snapshot: Snapshot) -> Computed[str]:
        await request_("another", (held,), newer)
        return Computed("old", (held,))

    assert await request_.cache.answer("key", SNAPSHOT, compute) == "old"
    assert await request_("key", (held,), newer) == 2


async def test_no_former_configuration_stays_in_memory(
    request_: Requests, held: HeldAnswer
) -> None:
    """What was asked under many snapshots, and never again, keeps none of them alive."""
    snapshots = []
    for revision in range(2, 10):
        snapshot = Snapshot(revision, Configuration())
        snapshots.append(weakref.ref(snapshot))
        await request_(str(revision), (held,), snapshot)
    assert [snapshot() for snapshot in snapshots] == [None] * 7 + [snapshot]


async def test_a_longer_guarantee_makes_a_new_answer(request_: Requests, held: HeldAnswer) -> None:
    """The end of a guarantee that an answer states must be the present one."""
    assert await request_("key", (held,)) == 1
    held.assignment.guaranteed_until += 1000
    assert await request_("key", (held,)) == 2
    assert await request_("key", (answer_of(held.assignment),)) == 3
    assert await request_("key", (held,)) == 3


async def test_all_numbers_in_an_answer_must_stand(
    request_: Requests, held: HeldAnswer, clock: Clock, unique: str
) -> None:
    """One that is over ends the answer, and the click isn't counted for the others."""
    over = CachedAssignment(unique, "b")
    over.expires = clock.now + 5
    both = (held, answer_of(over))
    assert [await request_("key", both, attributes=b"{}") for _ in range(2)] == [1, 1]
    clock.now += 5
    assert await request_("key", both, attributes=b"{}") == 2
    assert held.assignment.clicks == 1


async def test_an_answer_may_be_valid_for_less(
    request_: Requests, held: HeldAnswer, clock: Clock
) -> None:
    """Its own end comes before the guarantee's."""
    assert await request_("key", (held,), valid_seconds=10) == 1
    clock.now += 9
    assert await request_("key", (held,)) == 1
    clock.now += 1
    assert await request_("key", (held,)) == 2


async def test_memory_is_bounded_and_the_least_used_goes(
    assignments: AssignmentCache, held: HeldAnswer, clock: Clock
) -> None:
    """Two fit; the one given last stays."""
    request = Requests(assignments, clock, max_bytes=3000)
    assert [await request(key, (held,)) for key in ("one", "two")] == [1, 2]
    await request("one", (held,))
    assert await request("three", (held,)) == 3
    assert request.cache.get("two", SNAPSHOT) is None
    assert await request("one", (held,)) == 1
    assert await request("three", (held,)) == 3


async def test_of_many_only_those_that_are_missing_are_computed(
    request_: Requests, held: HeldAnswer
) -> None:
    """Answers stand in the order of their keys; nothing is computed when nothing is missing."""
    assert await request_("b", (held,)) == 1
    computed: list[Sequence[str]] = []

    async def compute(keys: Sequence[str], _snapshot: Snapshot) -> list[Computed[int | str]]:
        computed.append(keys)
        return [Computed(key, (held,) if key == "a" else None) for key in keys]

    for _ in range(2):
        answers = await request_.cache.answer_many(["a", "b", "c"], SNAPSHOT, compute)
        assert answers == ["a", 1, "c"]
    assert await request_.cache.answer_many(["a", "b"], SNAPSHOT, compute) == ["a", 1]
    assert computed == [["a", "c"], ["c"]]


async def test_another_key_or_host_is_another_request(site: Site) -> None:
    """An answer that is remembered for one caller isn't given to a caller without the key."""
    pool = await site.pool()
    for _ in range(3):
        assert (await site.ask(pool, website="a")).status_code == 200
    url = f"/api/v1/ring_pools/{pool}/allocate_number.json?website=a"
    assert (await site.client.get(url)).status_code == 401
    bearer = {"authorization": f"Bearer {KEY}"}
    for _ in range(3):
        assert (await site.client.get(url, headers=bearer)).json()["state"] == "held"
    assert (await site.client.get(url)).status_code == 401
    answer = await site.client.get(url, headers={**bearer, "host": "other.example"})
    assert answer.json()["tracking_url"].startswith("http://ringpool.test/")
