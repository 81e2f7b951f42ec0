"""Ad servers that keep asking a service over connections of their own, whatever happens to it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, floor

from loadtests.chaos.ledger import Ledger, Promise

HANG_SECONDS = 5.0
"""An answer that takes longer counts as none."""

_WITNESSED_SECONDS = 1.0
"""An assignment whose answer took longer isn't judged by the clock here: when it was made, and
whether before or after another one, isn't known well enough."""

_CLOCKS_AGREE = 0.999
"""Two clocks that nobody steps may go this much apart: twice what a kernel slews by."""

_DOCUMENTED = {200, 503}
_NEW_STATES = {"new", "recycled"}


@dataclass(frozen=True)
class AskedPool:
    """A pool that is asked. ``tuples``: how many different ones; 0: each new ask has a new one."""

    id: str
    key: str
    min_duration_ms: int
    tuples: int
    ledger: Ledger = field(default_factory=Ledger)


@dataclass
class Seen:
    """What the clients saw, all pools together.

    ``undocumented``: statuses and classes that the papers don't name. ``cut``: connections that
    ended before an answer, as they do when a process is killed. ``gap``: the longest time (s)
    without a new assignment; ``hangs``: requests that had no answer after ``HANG_SECONDS``.
    """

    answers: int = 0
    refused: int = 0
    cut: int = 0
    hangs: int = 0
    gap: float = 0.0
    undocumented: Counter[str] = field(default_factory=Counter)
    _last_new: float = field(default_factory=time.monotonic)

    def note_new(self) -> None:
        """An assignment was made just now."""
        now = time.monotonic()
        self.gap = max(self.gap, now - self._last_new)
        self._last_new = now


class Clients:
    """``connections`` clients of the number API; each waits for an answer, then asks again.

    ``pause``: seconds between two asks of one client.
    """

    def __init__(
        self,
        address: tuple[str, int],
        pools: list[AskedPool],
        *,
        connections: int,
        pause: float,
        seed: int,
    ) -> None:
        self.seen = Seen()
        self.address = address
        self._pools = pools
        self._pause = pause
        self._over = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._ask_on(random.Random(f"{seed} {n}"), n))
            for n in range(connections)
        ]

    async def stop(self) -> None:
        """Stop after the answers that are under way."""
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def _ask_on(self, chance: random.Random, client: int) -> None:
        connection = Connection(self.address)
        asks = self._asks(chance, client)
        while not self._over.is_set():
            pool, tuple_ = next(asks)
            await self.ask(connection, pool, tuple_)
            await asyncio.sleep(self._pause * chance.uniform(0.5, 1.5))
        await connection.close()

    def _asks(self, chance: random.Random, client: int) -> Iterator[tuple[AskedPool, str]]:
        count = 0
        while True:
            pool = chance.choice(self._pools)
            if pool.tuples:
                yield pool, f"t{int(chance.paretovariate(0.7)) % pool.tuples}"
            elif count and chance.random() < 0.3:
                yield pool, f"c{client}-{chance.randrange(count)}"
            else:
                yield pool, f"c{client}-{count}"
                count += 1

    async def ask(self, connection: Connection, pool: AskedPool, tuple_: str) -> bool:
        """Ask for one tuple and note the answer; False when there was none."""
        path = f"/api/v1/ring_pools/{pool.id}/allocate_number.json"
        query = f"?ring_pool_key={pool.key}&source={tuple_}"
        seen = self.seen
        sent = time.monotonic()
        try:
            async with asyncio.timeout(HANG_SECONDS):
                status, body = await connection.get(path + query)
        except TimeoutError:
            seen.hangs += 1
            await connection.close()
            return False
        except (OSError, EOFError, ValueError):
            seen.cut += 1
            await connection.close()
            await asyncio.sleep(0.02)
            return False
        if status not in _DOCUMENTED:
            seen.undocumented[f"{status} {body[:60].decode('latin-1')}"] += 1
            return False
        if status == 503:
            seen.refused += 1
            await asyncio.sleep(0.02)
            return False
        received = time.monotonic()
        answer = json.loads(body)
        state = answer["state"]
        until = answer.get("guaranteed_until")
        promise = witnessed = None
        if until:
            until_ms = round(datetime.fromisoformat(until).timestamp() * 1000)
            since = until_ms - pool.min_duration_ms
            promise = Promise(answer["number"], tuple_, since, until_ms)
            if state in _NEW_STATES and received - sent < _WITNESSED_SECONDS:
                stands = floor(sent * 1000 + _CLOCKS_AGREE * pool.min_duration_ms)
                witnessed = Promise(answer["number"], tuple_, ceil(received * 1000), stands)
        pool.ledger.note(state, promise, witnessed)
        seen.answers += 1
        if state in _NEW_STATES:
            seen.note_new()
        return True


class Connection:
    """One kept connection, opened again after it was closed or failed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str) -> tuple[int, bytes]:
        """Return status and body; raises OSError, EOFError or ValueError when there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        length = next(line for line in lines if line.startswith("content-length:"))
        body = await reader.readexactly(int(length.split(":")[1]))
        return int(lines[0].split(" ")[1]), body

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
