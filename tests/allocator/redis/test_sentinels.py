"""Sentinels that disagree: whose word counts, and which replicas count as away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio.connection import Connection

from allocator.redis.replicas import Confirmations, Replicas
from allocator.redis.sentinels import Address, Sentinels, _View

OLD, NEW = ("10.0.0.1", 6379), ("10.0.0.2", 6379)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas(Confirmations(None, 1), lambda: None)


@pytest.fixture
async def sentinels(replicas: Replicas) -> Sentinels:
    """Three, which nobody asks."""
    hosts = [("127.0.0.1", port) for port in (1, 2, 3)]
    return Sentinels("numbers", hosts, Connection, seconds=1, replicas=replicas)


def say(sentinels: Sentinels, *views: tuple[Address, int, int] | None, **more: Any) -> None:
    """Have each say where the primary is, its epoch, and how many replicas it doesn't reach."""
    now = asyncio.get_running_loop().time()
    for sentinel, view in zip(sentinels._sentinels, views, strict=True):
        sentinel.view = view and _View(
            now, view[0], view[1], 2, view[2], more.get("failing_over", False)
        )
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
    for views, more, needed in [
        ([(OLD, 1, 0)] * 3, {}, 2),
        ([(OLD, 1, 1)] * 3, {}, 1),
        ([(OLD, 1, 1), (OLD, 1, 1), (OLD, 1, 0)], {}, 2),
        ([(OLD, 1, 1), None, None], {}, 2),
        ([(OLD, 1, 1)] * 3, {"failing_over": True}, 2),
    ]:
        say(sentinels, *views, **more)
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
