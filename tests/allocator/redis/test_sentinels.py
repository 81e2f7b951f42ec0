"""Sentinels that disagree: whose word counts, and which replicas count as away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio.connection import Connection

from allocator.redis.replicas import Confirmations, Replicas
from allocator.redis.sentinels import Address, Sentinels, _State, _View

OLD, NEW, THIRD = ("10.0.0.1", 6379), ("10.0.0.2", 6379), ("10.0.0.3", 6379)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas(Confirmations(None, 1), lambda: None)


@pytest.fixture
async def sentinels(replicas: Replicas) -> Sentinels:
    """Three, which nobody asks."""
    hosts = [("127.0.0.1", port) for port in (1, 2, 3)]
    return Sentinels("numbers", hosts, Connection, seconds=1, replicas=replicas)


def say(
    sentinels: Sentinels, *views: tuple[Address, int, int] | None, failing_over: bool = False
) -> None:
    """Have each say where the primary is, its epoch, and how many of two replicas are down."""
    now = asyncio.get_running_loop().time()
    for sentinel, view in zip(sentinels._sentinels, views, strict=True):
        sentinel.view = None
        if view:
            primary, epoch, down = view
            others = [place for place in (OLD, NEW, THIRD) if place != primary]
            states = {place: _State(n < down, n >= down) for n, place in enumerate(others)}
            sentinel.view = _View(now, primary, epoch, states, failing_over)
    sentinels._decide()


async def test_the_newest_configuration_counts_and_is_not_gone_back_from(
    sentinels: Sentinels,
) -> None:
    """One that knows of a promotion is enough; when it is away, most of all must agree."""
    moves: list[Address] = []
    sentinels.moved = moves.append
    say(sentinels, (OLD, 1, 0), (OLD, 1, 0), (OLD, 1, 0))
    assert moves == []
    say(sentinels, (OLD, 1, 0), (NEW, 2, 0), (OLD, 1, 0))
    assert moves == [NEW]
    say(sentinels, (OLD, 1, 0), None, None)
    assert moves == [NEW]
    say(sentinels, (OLD, 0, 0), (OLD, 0, 0), None)  # they were set up anew, and most say so
    assert moves == [NEW, OLD]


async def test_a_replica_is_away_when_most_do_not_reach_it(
    sentinels: Sentinels, replicas: Replicas
) -> None:
    """One that some Sentinel reaches could be promoted, as any could while a failover goes on."""
    for views, failing_over, needed in [
        ([(OLD, 1, 0)] * 3, False, 2),
        ([(OLD, 1, 1)] * 3, False, 1),
        ([(OLD, 1, 1), (OLD, 1, 1), (OLD, 1, 0)], False, 2),
        ([(OLD, 1, 1), None, None], False, 2),
        ([(OLD, 1, 1)] * 3, False, 1),
        ([None] * 3, False, 2),
        ([(OLD, 1, 1)] * 3, True, 2),
    ]:
        say(sentinels, *views, failing_over=failing_over)
        assert replicas.needed == needed


async def test_a_former_primary_is_away_until_it_follows(
    sentinels: Sentinels, replicas: Replicas
) -> None:
    """Sentinel tells it ten seconds late. One that is being promoted was none, and isn't away."""
    lost = {OLD: _State(False, False), THIRD: _State(False, True)}
    now = asyncio.get_running_loop().time()
    for primary, epoch, states, needed in [
        (OLD, 1, {NEW: _State(False, False), THIRD: _State(False, True)}, 2),
        (NEW, 2, lost, 1),
        (NEW, 2, {**lost, OLD: _State(False, True)}, 2),
        (NEW, 2, lost, 2),
    ]:
        for sentinel in sentinels._sentinels:
            sentinel.view = _View(now, primary, epoch, states, False)
        sentinels._decide()
        assert replicas.needed == needed


async def test_a_replica_that_comes_meanwhile_must_have_the_change_too() -> None:
    """Its confirmation may have been the one that counted, in place of another's."""
    connected = [[b"10.0.0.3", b"6379", b"7"]]
    replicas = Replicas(Confirmations(None), lambda: None)
    sent: list[tuple[Any, ...]] = []

    async def send(*words: Any) -> Any:
        sent.append(words)
        if words[0] == "WAIT":
            return words[1]
        if words[0] == "ROLE":
            return [b"master", 7, list(connected)]
        connected.append([b"10.0.0.4", b"6379", b"7"])
        connected.append([b"10.0.0.5", b"0", b"7"])  # a program that reads along
        return b"done"

    assert await replicas.confirm(send, ("EVALSHA",), lambda: 1.0) == b"done"
    assert [words[1] for words in sent if words[0] == "WAIT"] == [1, 2]
