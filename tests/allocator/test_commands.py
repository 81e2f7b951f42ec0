"""What a pool that doesn't go by areas costs: the commands that its scripts run, counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from allocator.answers import Call
from allocator.port import Store
from tests.allocator.pools import PoolUnderTest, make, numbers
from tests.servers import stores

BEFORE_AREAS = {
    "exists": 3,
    "hdel": 17,
    "hget": 94,
    "hincrby": 2,
    "hlen": 2,
    "hrandfield": 4,
    "hset": 70,
    "zadd": 24,
    "zcard": 10,
    "zcount": 6,
    "zpopmin": 22,
    "zrange": 3,
    "zrangebyscore": 10,
    "zrem": 9,
}
"""Counted with the scripts as they were before pools could go by areas; a sweep's second HRANDFIELD
is for client networks, one of its ZCARD for what is unassigned, one for how many calls are known. A
minute that begins takes up to two of HGET and ZCOUNT and one HSET, and another ZCOUNT each call in
which more are held than before. A ZRANGE is for what is kept of the one second's refusals."""


def commands(server: stores.Server) -> Counter[str]:
    """How often each command was run, by clients and scripts alike."""
    stats: dict[str, Any] = server.command("INFO", "commandstats")
    counted = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
    ours = ("zadd", "zrem", "zpop", "zrange", "zcount", "zcard", "zscore", "zlex", "h", "exists")
    return Counter({name: calls for name, calls in counted.items() if name.startswith(ours)})


async def live(pool: PoolUnderTest) -> None:
    """New, held, recycled and overflow answers, growth, a call, a release, a drain, sweeps."""
    await pool.stocks.edit(f"{pool.id}-s", 0, numbers(3, "+1212"), now_ms=pool.now)
    await pool.edit(stock=f"{pool.id}-s", max_size=8, hold_on_activity=20_000)
    await pool.ask(*(f"t{n}" for n in range(10)))
    await pool.ask("t1", "t2")
    await pool.allocator.release(pool.id, ["t1"], now_ms=pool.now)
    called = Call(id="c", number="+18880000001")
    await pool.allocator.record_call(pool.id, called, now_ms=pool.now)
    pool.now += 30_000
    await pool.ask("u1", "u2")
    await pool.sweep()
    await pool.ask("v1", "v2")
    await pool.allocator.drain(pool.id, ["+18880000002", "+12120000001"], now_ms=pool.now)
    pool.now += 30_000
    await pool.sweep()
    await pool.allocator.status(pool.id, now_ms=pool.now)


async def test_without_areas_nothing_more_is_done(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """The same commands as before there were areas, each as often."""
    pool = await make(valkey_store, unique, numbers(5))
    before = commands(valkey_server)
    await live(pool)
    counted = commands(valkey_server)
    counted.subtract(before)
    counted["hget"] += counted.pop("hmget", 0)  # one reads several fields
    assert {name: calls for name, calls in counted.items() if calls} == BEFORE_AREAS
