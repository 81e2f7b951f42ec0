"""What the allocation script costs the server, next to the smallest script that does as much."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import shutil
import subprocess
from collections.abc import Sequence

from allocator.allocator import Allocator
from allocator.answers import Rules
from allocator.keys import pool_keys
from allocator.scripts import Script, load
from loadtests.figures import Figure, Skipped, Target, of_rounds
from loadtests.section import Bench, Section
from loadtests.tools import pools, services
from tests.servers.stores import Server

CLIENTS = 32
_CALLS = 20_000
_TUPLE = "website=site-__rand_int__&location=footer&path=home"  # 60 bytes once it is filled in

_NETWORK = "__rand_int__/24"
_RULES = Rules(overflow_number=pools.OVERFLOW, budget_share=20, budget_least=5, budget_rate=60)

# A new tuple reads the pool's documents, the tuple's number, the free numbers and the number's
# record, and writes all of these and when the guarantee ends: 4 keys read, 5 written.
_SMALLEST = """#!lua
for i = 1, 4 do redis.call('GET', KEYS[i]) end
for i = 1, 5 do redis.call('SET', KEYS[i], ARGV[1]) end
return ''
"""


def redis_benchmark(server: Server, calls: int, command: Sequence[str]) -> float:
    """Calls a second of one command, from CLIENTS connections; raises Skipped without the tool."""
    tool = shutil.which("redis-benchmark") or shutil.which("valkey-benchmark")
    if tool is None:
        raise Skipped("redis-benchmark isn't installed (Debian: apt install redis-tools)")
    options = ["-p", server.port, "-n", calls, "-c", CLIENTS, "-r", 10**12, "--csv"]
    ended = subprocess.run(
        [tool, *map(str, options), *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return float(list(csv.reader(io.StringIO(ended.stdout)))[-1][1])


def microseconds_a_call(server: Server) -> float:
    """What EVALSHA has taken inside the server, on average since ``CONFIG RESETSTAT``."""
    facts = server.command("INFO", "commandstats")["cmdstat_evalsha"]
    return float(facts["usec_per_call"])


async def _pool(url: str, name: str, size: int) -> None:
    async with pools.opened(url) as store:
        allocator = Allocator(store)
        await allocator.edit(name, _RULES, 1)
        numbers = pools.numbers(212, size)
        for start in range(0, size, 1000):
            await allocator.add(name, numbers[start : start + 1000])


def _timed(server: Server, script: Script, keys: Sequence[str], *arguments: str) -> list[float]:
    """Microseconds a call: as redis-benchmark sees it, and inside the server."""
    server.command("SCRIPT", "LOAD", script.text)
    server.command("CONFIG", "RESETSTAT")
    command = ["EVALSHA", script.sha, str(len(keys)), *keys, *arguments]
    rate = redis_benchmark(server, _CALLS, command)
    return [1e6 / rate, microseconds_a_call(server)]


def _allocations(server: Server, script: Script, pool: str, network: str) -> list[float]:
    """As above, of allocations that each take a number of a pool made for them."""
    asyncio.run(_pool(server.url, pool, _CALLS))
    return _timed(server, script, pool_keys(pool), "", "no", "", _TUPLE, "1", "", "", network)


def _measure(bench: Bench) -> list[Figure]:
    digest = hashlib.sha1(_SMALLEST.encode(), usedforsecurity=False).hexdigest()
    allocate, smallest = load("pool/allocate"), Script("smallest", _SMALLEST, digest, False)
    ratios: list[list[float]] = []
    inside: list[float] = []
    budgeted: list[float] = []
    with services.store(bench.core) as server:
        for turn in range(bench.rounds + 1):
            ours, on_budget = (
                _allocations(server, allocate, f"round-{turn}-{place}", network)
                for place, network in enumerate(("", _NETWORK))
            )
            least = _timed(server, smallest, [f"{{k}}{i}" for i in range(5)], "__rand_int__")
            if turn:
                ratios.append([a / b for a, b in zip(ours, least, strict=True)])
                inside.append(ours[1])
                budgeted.append(on_budget[1] / ours[1])
    return [
        of_rounds(
            "script_cost",
            [ratio for ratio, _ in ratios],
            "redis-benchmark, allocation of a new tuple: time a call next to the smallest script "
            "that reads 4 keys and writes 5",
            target=Target(at_most=2.0),
        ),
        of_rounds(
            "script_cost_inside",
            [ratio for _, ratio in ratios],
            "the same as the server counts it (commandstats), the network left out",
            less_is_better=True,
        ),
        of_rounds(
            "script_budget",
            budgeted,
            "one allocation inside the server for a client network that has nothing yet, next to "
            "one for nobody",
            less_is_better=True,
        ),
        of_rounds("script_time", inside, "one allocation inside the server", unit="µs"),
    ]


SECTION = Section("Script cost", ["script_cost"], _measure)
