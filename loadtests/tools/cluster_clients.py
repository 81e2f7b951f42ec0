"""``python -m loadtests.tools.cluster_clients NAME URL SECONDS``: one client, measured alone.

32 tasks run one script a call, each on keys of its own, over and over. Prints a JSON object:
``calls``, ``seconds``, ``cpu_seconds`` of the whole process, with the threads of a client.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from allocator.redis.url import connect
from allocator.scripts import Script

TASKS = 32
KEYS = tuple(f"{{client-{index}}}" for index in range(300))
TEXT = (
    'local count = redis.call("INCR", KEYS[1])\n'
    'redis.call("SET", KEYS[1] .. ":tuple", ARGV[1])\n'
    "return cmsgpack.pack(count)\n"
)
"""As little as a script of ours does: it reads and writes in one slot."""
_SHA = hashlib.sha1(TEXT.encode(), usedforsecurity=False).hexdigest()
_ARGUMENT = b"website=site-1&location=footer&path=home"
_WARM_UP_SECONDS = 0.5

Call = Callable[[str], Awaitable[Any]]
"""Runs the script on this key."""


class Measured(msgspec.Struct):
    """What one run found."""

    calls: int
    seconds: float
    cpu_seconds: float


def _nodes(url: str) -> list[tuple[str, int]]:
    addresses = (address.rpartition(":") for address in urlsplit(url).netloc.split(","))
    return [(host, int(port)) for host, _, port in addresses]


@asynccontextmanager
async def _aioredis_cluster(url: str) -> AsyncIterator[Call]:
    import aioredis_cluster

    client = await aioredis_cluster.create_redis_cluster(
        [f"redis://{host}:{port}" for host, port in _nodes(url)]
    )
    try:
        yield lambda key: client.evalsha(_SHA, keys=[key], args=[_ARGUMENT])
    finally:
        client.close()
        await client.wait_closed()


@asynccontextmanager
async def _coredis(url: str) -> AsyncIterator[Call]:
    import coredis
    from coredis.connection import TCPLocation

    nodes = [TCPLocation(host, port) for host, port in _nodes(url)]
    async with coredis.RedisCluster(startup_nodes=nodes, max_connections=TASKS) as client:
        yield lambda key: client.evalsha(_SHA, keys=[key], args=[_ARGUMENT])


@asynccontextmanager
async def _valkey_glide(url: str) -> AsyncIterator[Call]:
    import glide

    nodes = [glide.NodeAddress(host, port) for host, port in _nodes(url)]
    client = await glide.GlideClusterClient.create(glide.GlideClusterClientConfiguration(nodes))
    script = glide.Script(TEXT)
    try:
        yield lambda key: client.invoke_script(script, keys=[key], args=[_ARGUMENT])
    finally:
        await client.close()


@asynccontextmanager
async def _ringpool(url: str) -> AsyncIterator[Call]:
    script = Script(name="client", text=TEXT, sha=_SHA, read_only=False)
    store = await connect(url, timeout_ms=10_000)
    try:
        yield lambda key: store.run(script, [key], [_ARGUMENT])
    finally:
        await store.aclose()


CLIENTS = {
    "aioredis-cluster": _aioredis_cluster,
    "valkey-glide": _valkey_glide,
    "coredis": _coredis,
    "ringpool": _ringpool,
}
"""By distribution name; ``ringpool`` is the store of ours, for which aioredis-cluster finds the way
and which then sends on connections of its own."""


async def _run(call: Call, seconds: float) -> Measured:
    end = time.perf_counter() + seconds
    count = 0

    async def repeat(first: int) -> None:
        nonlocal count
        at = first
        while time.perf_counter() < end:
            await call(KEYS[at % len(KEYS)])
            at += TASKS
            count += 1

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(repeat(first) for first in range(TASKS)))
    return Measured(count, time.perf_counter() - started, time.process_time() - cpu)


async def measure(name: str, url: str, seconds: float) -> Measured:
    """Run one client for ``seconds``, after a warm-up in which it learns the cluster's slots."""
    async with CLIENTS[name](url) as call:
        await _run(call, _WARM_UP_SECONDS)
        return await _run(call, seconds)


def main() -> None:
    """Measure what the arguments say."""
    import uvloop

    name, url, seconds = sys.argv[1:]
    found = uvloop.run(measure(name, url, float(seconds)))
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
