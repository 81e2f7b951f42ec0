"""Replies given again: only while every word in them is true."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules
from allocator.port import Store
from allocator.worker.cache import AssignmentCache, CachedAssignment
from api.http import replies
from api.http.replies import Reply
from api.http.response_cache import ResponseCache
from ringpool.catalog.snapshot import Snapshot
from ringpool.model import Configuration
from tests.api.conftest import KEY, Site

DIRECTORY = Snapshot(1, Configuration())
REPLY = replies.json({"state": "held"})


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def answers(valkey_store: Store, clock: Clock, unique: str) -> AssignmentCache:
    """A pool whose tuple "a" holds a number for a minute."""
    allocator = Allocator(valkey_store)
    await allocator.edit(unique, Rules(min_duration=60_000, overflow_number="+1999"), 1)
    await allocator.add(unique, ["+11"])
    source = AssignmentCache(allocator, clock=clock)
    await source.allocate(unique, Ask("a"))
    return source


def held_by_a(answers: AssignmentCache, pool: str) -> CachedAssignment:
    held = answers.peek(pool, "a")
    assert held is not None
    return held


def asked(
    answers: AssignmentCache, clock: Clock, most_bytes: int = 1 << 20
) -> ResponseCache[Reply]:
    """Nothing is known yet, and something was asked."""
    repeats: ResponseCache[Reply] = ResponseCache(answers, most_bytes=most_bytes, clock=clock)
    assert repeats.give("asked", DIRECTORY) is None
    return repeats


async def test_a_reply_is_given_again_and_counted(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """The same reply, with the click and its attributes noted for the store."""
    held = held_by_a(answers, unique)
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held,), REPLY, 5, b"{}")
    assert [repeats.give("asked", DIRECTORY) for _ in range(2)] == [REPLY, REPLY]
    assert (held.clicks, held.attributes) == (2, b"{}")
    assert repeats.give("else", DIRECTORY) is None


async def test_it_ends_with_the_guarantee(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """From then on the store is asked."""
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held_by_a(answers, unique),), REPLY, 5)
    clock.now += 60
    assert repeats.give("asked", DIRECTORY) is None


async def test_it_ends_with_the_configuration(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """Another snapshot may say another key: everything is looked at anew."""
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held_by_a(answers, unique),), REPLY, 5)
    assert repeats.give("asked", Snapshot(2, Configuration())) is None
    repeats.keep("asked", DIRECTORY, (held_by_a(answers, unique),), REPLY, 5)
    assert repeats.give("asked", DIRECTORY) is None


async def test_no_former_configuration_stays_in_memory(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """What was asked under many snapshots, and never again, keeps none of them alive."""
    repeats, snapshots = asked(answers, clock), []
    for revision in range(2, 10):
        directory = Snapshot(revision, Configuration())
        snapshots.append(weakref.ref(directory))
        repeats.give(revision, directory)
        repeats.keep(revision, directory, (held_by_a(answers, unique),), REPLY, 5)
    assert [snapshot() for snapshot in snapshots] == [None] * 7 + [directory]


async def test_a_longer_guarantee_makes_a_new_reply(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """What the reply says of the guarantee must be what is so."""
    held = held_by_a(answers, unique)
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held,), REPLY, 5)
    held.guaranteed_until += 1000
    assert repeats.give("asked", DIRECTORY) is None


async def test_all_numbers_in_an_answer_must_stand(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """One that is over ends the answer, and the click isn't counted for the others."""
    held, over = held_by_a(answers, unique), CachedAssignment(unique, "b")
    over.expires = clock.now + 5
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held, over), REPLY, 5)
    assert repeats.give("asked", DIRECTORY, b"{}") is REPLY
    clock.now += 5
    assert repeats.give("asked", DIRECTORY, b"{}") is None
    assert held.clicks == 1


async def test_an_answer_may_be_good_for_less(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """Its own end comes before the guarantee's."""
    repeats = asked(answers, clock)
    repeats.keep("asked", DIRECTORY, (held_by_a(answers, unique),), REPLY, 5, good_for=10)
    clock.now += 9
    assert repeats.give("asked", DIRECTORY) is REPLY
    clock.now += 1
    assert repeats.give("asked", DIRECTORY) is None


async def test_memory_is_bounded_and_the_least_used_goes(
    answers: AssignmentCache, unique: str, clock: Clock
) -> None:
    """Two fit; the one given last stays."""
    held = held_by_a(answers, unique)
    repeats = asked(answers, clock, most_bytes=3000)
    for question in ("one", "two"):
        repeats.keep(question, DIRECTORY, (held,), REPLY, 3)
    repeats.give("one", DIRECTORY)
    repeats.keep("three", DIRECTORY, (held,), REPLY, 5)
    assert repeats.give("two", DIRECTORY) is None
    assert repeats.give("one", DIRECTORY) is REPLY
    assert repeats.give("three", DIRECTORY) is REPLY


async def test_another_key_or_host_is_another_question(site: Site) -> None:
    """What one caller may hear by heart, a caller without the key may not."""
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
    assert answer.json()["tracking_url"].startswith("http://other.example/")
