"""What hiredis would save: packing and reading one call of 32 tuples, in C and in Python.

aioredis-cluster pins hiredis below 3, redis-py takes it from 3.2 on: side by side, redis-py packs
and reads in Python. ``allocator.line`` packs and reads with hiredis itself, which is in both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import hiredis
from redis.asyncio.connection import Connection

from allocator.keys import pool_keys
from loadtests.figures import Figure, of_rounds
from loadtests.section import Bench, Section

_TUPLES = 32
_CALLS = 2_000


def _command() -> tuple[str | int | bytes, ...]:
    asks = (
        value
        for i in range(_TUPLES)
        for value in (f"website=site-{i}&location=footer&path=home", 1, b'{"medium":"direct"}')
    )
    return ("EVALSHA", "0" * 40, 14, *pool_keys("pool"), "", "ask", "", *asks)


_REPLY = b"$1024\r\n%s\r\n" % (b"x" * 1024)


async def _times() -> dict[str, float]:
    """Microseconds a call of each way."""
    connection = Connection()
    command = _command()
    stream = asyncio.StreamReader()
    connection._reader = stream  # what a connection made would have
    parser: Any = connection._parser
    parser.on_connect(connection)
    reader = hiredis.Reader()

    async def read_in_python() -> None:
        stream.feed_data(_REPLY)
        await parser.read_response(disable_decoding=True)

    async def read_in_c() -> None:
        reader.feed(_REPLY)
        reader.gets()

    async def pack_in_python() -> None:
        connection.pack_commands([command])

    async def pack_in_c() -> None:
        hiredis.pack_command(command)  # type: ignore[arg-type]

    ways: tuple[Callable[[], Awaitable[None]], ...] = (
        *(pack_in_python, pack_in_c),
        *(read_in_python, read_in_c),
    )
    times = {}
    for way in ways:
        start = time.perf_counter()
        for _ in range(_CALLS):
            await way()
        times[way.__name__] = (time.perf_counter() - start) / _CALLS * 1e6
    return times


def _measure(bench: Bench) -> list[Figure]:
    rounds = [asyncio.run(_times()) for _ in range(bench.rounds)]
    return [
        of_rounds(
            f"hiredis_{name}",
            [times[name] for times in rounds],
            f"{name.replace('_', ' ')}: one call of {_TUPLES} tuples, or its reply",
            unit="µs",
        )
        for name in rounds[0]
    ]


SECTION = Section("hiredis or redis-py's own", ["hiredis"], _measure)
