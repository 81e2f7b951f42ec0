"""One round: a service is asked, a fault strikes, it is asked on, and the ledger is judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from loadtests.chaos.clients import AskedPool, Clients, Connection
from loadtests.chaos.faults import Fault
from loadtests.chaos.ledger import Broken
from loadtests.chaos.rigs import Rig

_CONNECTIONS = 16
_PAUSE_SECONDS = 0.02
_BEFORE_SECONDS = 1.5
_AFTER_SECONDS = 2.0
_WIDE_NUMBERS = 4000
_TIGHT_NUMBERS = 40
_LONG_MS, _SHORT_MS = 600_000, 4_000
_KEY = "chaos-pool-key-0123456789"


@dataclass
class Result:
    """What rounds of one fault came to. ``recovery``: s, the longest without a new assignment.

    ``none``: answers without a number from a pool that had some left. ``told`` and ``counted``:
    new assignments that callers were told of, and that the pools' own counters have.
    """

    rounds: int = 0
    answers: int = 0
    lost: list[Broken] = field(default_factory=list)
    doubled: list[Broken] = field(default_factory=list)
    none: int = 0
    refused: int = 0
    cut: int = 0
    hangs: int = 0
    recovery: float = 0.0
    told: int = 0
    counted: int = 0
    undocumented: Counter[str] = field(default_factory=Counter)

    def is_clean(self) -> bool:
        """No promise broken, and nothing answered that the papers don't name."""
        return not (self.lost or self.doubled or self.undocumented)


async def run_round(rig: Rig, fault: Fault, number: int, result: Result) -> None:
    """Run the round ``number`` of a fault, and add what it shows to ``result``."""
    chance = random.Random(f"{fault.name} {fault.store} {number}")
    pools = await asyncio.to_thread(_make_pools, rig, number)
    wide = pools[0]
    clients = Clients(
        rig.service.port, pools, connections=_CONNECTIONS, pause=_PAUSE_SECONDS, seed=number
    )
    await asyncio.sleep(_BEFORE_SECONDS)
    await asyncio.to_thread(fault.strike, rig, chance)
    await asyncio.sleep(_AFTER_SECONDS)
    await clients.stop()
    recovery = clients.seen.gap
    await _ask_again(clients, wide)
    seen = clients.seen
    result.rounds += 1
    result.answers += seen.answers
    result.refused += seen.refused
    result.cut += seen.cut
    result.hangs += seen.hangs
    result.undocumented += seen.undocumented
    result.recovery = max(result.recovery, recovery)
    for pool in pools:
        told = pool.ledger.told
        result.lost += pool.ledger.lost()
        result.doubled += pool.ledger.doubled()
        result.none += told.get("none", 0)
        result.told += told.get("new", 0) + told.get("recycled", 0)
        result.counted += await asyncio.to_thread(_counted, rig, pool)
    await asyncio.to_thread(_empty, rig, pools)


def _make_pools(rig: Rig, number: int) -> list[AskedPool]:
    """One pool with more numbers than are asked for, and one that is too small."""
    first = 2_010_000_000 + number * 10_000
    wide = AskedPool(f"wide-{number}", _KEY, _LONG_MS, 0)
    tight = AskedPool(f"tight-{number}", _KEY, _SHORT_MS, 200)
    with rig.service.client() as client:
        client.put("/admin/v1/accounts/chaos", json={}, headers={"if-match": "*"})
        client.put("/admin/v1/accounts/chaos", json={}, headers={"if-none-match": "*"})
        for pool, size in ((wide, _WIDE_NUMBERS), (tight, _TIGHT_NUMBERS)):
            answer = client.put(
                f"/admin/v1/pools/{pool.id}",
                json={
                    "account": "chaos",
                    "key": pool.key,
                    "parameters": ["source"],
                    "overflow_number": "+18005550199",
                    "min_duration": f"{pool.min_duration_ms // 1000}s",
                    "numbers": [f"+1{first + index}" for index in range(size)],
                },
            )
            _check(answer)
            first += size
    return [wide, tight]


async def _ask_again(clients: Clients, pool: AskedPool) -> None:
    """Ask for everything that is promised still, so that what was lost shows."""
    standing = pool.ledger.standing(int(time.time() * 1000))
    todo = asyncio.Queue[str]()
    for tuple_ in standing:
        todo.put_nowait(tuple_)

    async def ask() -> None:
        connection = Connection(clients.port)
        limit = time.monotonic() + 60
        while not todo.empty():
            tuple_ = todo.get_nowait()
            while not await clients.ask(connection, pool, tuple_):
                if time.monotonic() > limit:
                    raise TimeoutError("the service doesn't answer any more")
        await connection.close()

    await asyncio.gather(*(ask() for _ in range(8)))


def _counted(rig: Rig, pool: AskedPool) -> int:
    with rig.service.client() as client:
        answer = client.get(f"/admin/v1/pools/{pool.id}/status")
        _check(answer)
        status = answer.json()
    return int(status["new_total"] + status["recycled_total"])


def _empty(rig: Rig, pools: list[AskedPool]) -> None:
    """Drain the pools, so that later rounds work on a store that doesn't grow."""
    with rig.service.client() as client:
        for pool in pools:
            numbers = {"numbers": []}
            path = f"/admin/v1/pools/{pool.id}"
            _check(client.patch(path, json=numbers, headers={"if-match": "*"}))


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.url}: {answer.status_code} {answer.text[:500]}")
