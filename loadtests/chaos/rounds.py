"""One round: a service is asked, a fault strikes, it is asked on, and the ledger is judged."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from loadtests.chaos.clients import AskedPool, Clients, Connection
from loadtests.chaos.faults import Fault
from loadtests.chaos.ledger import Broken
from loadtests.chaos.rigs import Rig

_CONNECTIONS = 16
_PAUSE_SECONDS = 0.02
_BEFORE_SECONDS = 1.0
_AFTER_SECONDS = 1.5
_WIDE_NUMBERS = 4000
_TIGHT_NUMBERS = 40
_STOCK_NUMBERS = 2000
_SHORT_MS = 4_000
_KEY = "chaos-pool-key-0123456789"


@dataclass
class Result:
    """What rounds of one fault came to. ``recovery``: s, the longest without a new assignment.

    ``none``: answers without a number from a pool that had some left. ``told`` and ``counted``:
    new assignments that callers were told of, and that the pools' own counters have. ``grown``:
    numbers that a pool got from a stock meanwhile; ``edits``: changes that a manager made.
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
    grown: int = 0
    edits: int = 0
    undocumented: Counter[str] = field(default_factory=Counter)


async def run_round(rig: Rig, fault: Fault, number: int, result: Result) -> None:
    """Run the round ``number`` of a fault, and add what it shows to ``result``."""
    chance = random.Random(f"{fault.name} {fault.store} {number}")
    pools = await asyncio.to_thread(_make_pools, rig, number, fault.guarantee_ms)
    address = (rig.service.place.address, rig.service.port)
    clients = Clients(address, pools, connections=_CONNECTIONS, pause=_PAUSE_SECONDS, seed=number)
    editor = Editor(rig.service.client(), pools[1], random.Random(number))
    editing = asyncio.create_task(asyncio.to_thread(editor.run))
    try:
        await asyncio.sleep(_BEFORE_SECONDS)
        await asyncio.to_thread(fault.strike, rig, chance)
        await asyncio.sleep(_AFTER_SECONDS)
    finally:  # else a run that fails would wait for the editor's thread for good
        editor.over.set()
    await editing
    await clients.stop()
    recovery = clients.seen.gap
    await _ask_again(clients, pools[0])
    await _ask_again(clients, pools[2])
    seen = clients.seen
    result.rounds += 1
    result.answers += seen.answers
    result.refused += seen.refused
    result.cut += seen.cut
    result.hangs += seen.hangs
    result.undocumented += seen.undocumented + editor.undocumented
    result.recovery = max(result.recovery, recovery)
    for pool in pools:
        told = pool.ledger.told
        result.lost += pool.ledger.lost()
        result.doubled += pool.ledger.doubled()
        result.none += told.get("none", 0)
        result.told += told.get("new", 0) + told.get("recycled", 0)
        result.counted += await asyncio.to_thread(_counted, rig, pool)
    grown = len({promise.number for promise in pools[2].ledger.promises})
    if not (grown and editor.made):
        raise RuntimeError(f"not raced by anything: {grown} grown, {editor.made} edits")
    result.grown += grown
    result.edits += editor.made


def _make_pools(rig: Rig, number: int, guarantee_ms: int) -> list[AskedPool]:
    """One pool with more numbers than are asked for, one that is too small, one that grows.

    ``guarantee_ms``: of the first and the last.
    """
    first = 2_010_000_000 + number * 10_000
    wide = AskedPool(f"wide-{number}", _KEY, guarantee_ms, 0)
    tight = AskedPool(f"tight-{number}", _KEY, _SHORT_MS, 200)
    grown = AskedPool(f"grown-{number}", _KEY, guarantee_ms, 0)
    only_new = {"if-none-match": "*"}
    with rig.service.client() as client:
        _managed(client, "PUT", "/admin/v1/accounts/chaos", json={}, headers=only_new)
        stock: dict[str, Any] = {
            "account": "chaos",
            "quarantine": "1h",
            "numbers": [f"+1{first + 9000 - index}" for index in range(_STOCK_NUMBERS)],
        }
        path = f"/admin/v1/stocks/stock-{number}"
        _managed(client, "PUT", path, json=stock, headers=only_new)
        for pool, size in ((wide, _WIDE_NUMBERS), (tight, _TIGHT_NUMBERS), (grown, 0)):
            document: dict[str, Any] = {
                "account": "chaos",
                "key": pool.key,
                "parameters": ["source"],
                "overflow_number": "+18005550199",
                "min_duration": f"{pool.min_duration_ms // 1000}s",
                "numbers": [f"+1{first + index}" for index in range(size)],
            }
            if not size:
                document |= {"stock": f"stock-{number}", "max_size": _STOCK_NUMBERS}
            path = f"/admin/v1/pools/{pool.id}"
            _managed(client, "PUT", path, json=document, headers=only_new)
            first += size
    return [wide, tight, grown]


async def _ask_again(clients: Clients, pool: AskedPool) -> None:
    """Ask for everything that is promised still, so that what was lost shows."""
    standing = pool.ledger.standing(int(time.time() * 1000))
    todo = asyncio.Queue[str]()
    for tuple_ in standing:
        todo.put_nowait(tuple_)

    async def ask() -> None:
        connection = Connection(clients.address)
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
        status = _managed(client, "GET", f"/admin/v1/pools/{pool.id}/status").json()
    return int(status["new_total"] + status["recycled_total"])


class Editor:
    """A manager who changes a pool's rules, and drains some of its numbers and adds them again."""

    _EXPECTED = (200, 201, 204, 409, 412, 503)
    _RESTING = "the store was restored from a backup"
    """In 400s for changes that a pool which rests doesn't take."""

    def __init__(self, client: httpx.Client, pool: AskedPool, chance: random.Random) -> None:
        self.over = threading.Event()
        self.undocumented: Counter[str] = Counter()
        self.made = 0
        self._client = client
        self._path = f"/admin/v1/pools/{pool.id}"
        self._chance = chance

    def run(self) -> None:
        """Edit until ``over``."""
        with self._client as client:
            held = _managed(client, "GET", f"{self._path}/numbers").json()["numbers"]
            numbers = [row["number"] for row in held]
            while not self.over.wait(0.1):
                some = {"numbers": self._chance.sample(numbers, 3)}
                rules = ("least_active", "round_robin", "weighted_random", "last_in_first_out")
                self._send("PATCH", self._path, {"recycle": self._chance.choice(rules)})
                self._send("DELETE", f"{self._path}/numbers", some)
                self._send("POST", f"{self._path}/numbers", some)

    def _send(self, method: str, path: str, document: dict[str, Any]) -> None:
        try:
            answer = self._client.request(method, path, json=document, headers={"if-match": "*"})
        except httpx.TransportError:  # the service was killed
            return
        self.made += answer.is_success
        if answer.status_code not in self._EXPECTED and self._RESTING not in answer.text:
            self.undocumented[f"{method} {path}: {answer.status_code} {answer.text[:100]}"] += 1


def _managed(client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    """The answer of the managers' API; asked again while the store is away after a fault."""
    limit = time.monotonic() + 60
    while (answer := client.request(method, path, **request)).status_code == 503:
        if time.monotonic() > limit:
            break
        time.sleep(0.2)
    if answer.is_error and answer.status_code != 412:  # it is there already
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
    return answer
