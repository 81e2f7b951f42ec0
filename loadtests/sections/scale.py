"""Whether size costs: a pool of a million numbers, ten thousand pools, and memory a number.

Times are what the server counts for one allocation (commandstats), the clock simulated so that
pools of every size are in the same state: every number assigned, all but a few recyclable.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from allocator.allocator import MAX_ASKS_PER_CALL, Allocator
from allocator.answers import Ask, Rules
from loadtests.figures import Figure, Target, of_rounds
from loadtests.section import Bench, Section
from loadtests.sections.script import microseconds_a_call
from loadtests.tools import pools, services
from tests.servers.stores import Server

_AT_MOST = Target(at_most=1.3)
_GUARANTEE_MS = 1000
_STEP_MS = 20
_CALLS = 4_000
_AT_ONCE = 50
_SMALL = 100


class _Simulation:
    """Pools on a server, and a clock that all of them share."""

    def __init__(self, server: Server, allocator: Allocator) -> None:
        self._server = server
        self._allocator = allocator
        self._serial = itertools.count()
        self._now = 2_000_000_000_000

    def memory(self) -> int:
        """Bytes in use."""
        return int(self._server.command("INFO", "memory")["used_memory"])

    async def make(self, pool: str, size: int) -> None:
        """A pool whose numbers all hold a tuple of 60 bytes."""
        rules = Rules(min_duration=_GUARANTEE_MS, overflow_number=pools.OVERFLOW)
        await self._allocator.edit(pool, rules, 1, now_ms=self._now)
        numbers = pools.numbers(212, size)
        for start in range(0, size, MAX_ASKS_PER_CALL):
            await self._allocator.add(pool, numbers[start : start + MAX_ASKS_PER_CALL])
            asks = [self._new() for _ in numbers[start : start + MAX_ASKS_PER_CALL]]
            await self._allocator.allocate(pool, asks, now_ms=self._now)

    async def expire(self, pool: str) -> None:
        """Let every guarantee end, and promote every number to the recyclable ones."""
        self._now += 2 * _GUARANTEE_MS
        while (await self._allocator.sweep(pool, 1_000, now_ms=self._now)).more:
            pass

    async def recycle(self, pool_of: Callable[[int], str]) -> None:
        """Ask for new tuples, one a call."""
        for start in range(0, _CALLS, _AT_ONCE):
            await asyncio.gather(*(self._one(pool_of(start + i)) for i in range(_AT_ONCE)))

    async def timed(self, pool_of: Callable[[int], str]) -> float:
        """Microseconds a call of ``recycle``."""
        self._server.command("CONFIG", "RESETSTAT")
        await self.recycle(pool_of)
        return microseconds_a_call(self._server)

    async def _one(self, pool: str) -> None:
        self._now += _STEP_MS
        await self._allocator.allocate(pool, [self._new()], now_ms=self._now)

    def _new(self) -> Ask:
        return Ask(f"website=site-{next(self._serial):012}&location=footer&path=subscribe")


async def _sizes(bench: Bench, server: Server) -> list[Figure]:
    most = 100_000 if bench.quick else 1_000_000
    figures = []
    async with pools.opened(server.url) as store:
        simulation = _Simulation(server, Allocator(store))
        await simulation.make("first", _SMALL)  # loads the scripts, which are no pool's memory
        for size in (_SMALL, 10_000, most):
            # Many small pools, since connections' buffers come and go by some kB meanwhile.
            names = [f"size-{size}", *(f"size-{size}-{i}" for i in range(1, 10_000 // size))]
            before = simulation.memory()
            for name in names:
                await simulation.make(name, size)
            figures.append(
                of_rounds(
                    f"memory_{size}",
                    [(simulation.memory() - before) / size / len(names)],
                    f"store memory a number holding a 60-byte tuple, {size:,} numbers",
                    unit="B",
                    target=Target(at_most=600),
                )
            )
        for size in (_SMALL, most):
            await simulation.expire(f"size-{size}")
        ratios = await _compared(
            bench, simulation, lambda _: f"size-{most}", lambda _: f"size-{_SMALL}"
        )
    meaning = f"time of an allocation in a pool of {most:,} numbers next to one of {_SMALL}"
    return [of_rounds("big_pool", ratios, meaning, target=_AT_MOST), *figures]


async def _pools(bench: Bench, server: Server, count: int) -> list[float]:
    async with pools.opened(server.url) as store:
        simulation = _Simulation(server, Allocator(store))
        for i in range(count):
            await simulation.make(f"of-many-{i}", _SMALL)
        await simulation.make("single", _SMALL)
        for name in ("single", *(f"of-many-{i}" for i in range(count))):
            await simulation.expire(name)
        return await _compared(
            bench,
            simulation,
            lambda i: f"of-many-{i * 7919 % count}",  # far from the one asked before
            lambda _: "single",
        )


async def _compared(
    bench: Bench,
    simulation: _Simulation,
    one: Callable[[int], str],
    other: Callable[[int], str],
) -> list[float]:
    ratios = []
    for turn in range(bench.rounds + 1):
        times = [await simulation.timed(of) for of in (one, other)]
        if turn:
            ratios.append(times[0] / times[1])
    return ratios


def _measure(bench: Bench) -> list[Figure]:
    count = 1_000 if bench.quick else 10_000
    with services.store(bench.core) as server:
        figures = asyncio.run(_sizes(bench, server))
    with services.store(bench.core) as server:
        ratios = asyncio.run(_pools(bench, server, count))
    meaning = f"time of an allocation in one of {count:,} pools next to always the same"
    figures.insert(1, of_rounds("many_pools", ratios, meaning, target=_AT_MOST))
    return figures


SECTION = Section(
    "Size: big pools, many pools, memory",
    ["big_pool", "many_pools", "memory"],
    _measure,
)
