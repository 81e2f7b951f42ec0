"""``python -m loadtests.fuzz.witness HOST PORT``: what honest clients notice of an attack.

A process of its own beside the attacker's. For every line on stdin it prints what it has noticed
since the line before, as JSON (``Noticed``).
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode

import msgspec
import uvloop
from msgspec import Struct

from loadtests.fuzz.target import HONEST_KEY, HONEST_VALUE

PROBE_SECONDS = 0.01
CLIENTS = 10
PAUSE_SECONDS = 0.02
"""Between a client's requests, from one's start to the next one's: it asks later only if it must
wait."""

PATIENCE_SECONDS = 10.0

_OWN_ADDRESS = "127.0.0.2"
"""Not the attacker's: a port that he has just left may answer a second later."""


class Noticed(Struct):
    """``livez_*``: milliseconds. ``rate``: answers a second. ``lag``: by how many milliseconds the
    witness itself was kept from running, the most: what it noticed may be later by that much.

    ``failures``: requests without a good answer.
    """

    seconds: float
    livez_max: float
    livez_99: float
    probes: int
    rate: float
    lag: float
    failures: list[str]


class _Witness:
    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self.begin()

    def begin(self) -> None:
        """Forget what was noticed."""
        self._since = time.monotonic()
        self._probes: list[float] = []
        self._answers = 0
        self._lag = 0.0
        self._failures: list[str] = []

    def noticed(self) -> Noticed:
        """What was noticed since ``begin``."""
        seconds = time.monotonic() - self._since
        probes = self._probes or [0.0]
        return Noticed(
            seconds,
            max(probes) * 1000,
            quantiles(probes, n=100)[98] * 1000 if len(probes) > 1 else probes[0] * 1000,
            len(self._probes),
            self._answers / seconds,
            self._lag * 1000,
            self._failures[:20],
        )

    async def probe(self) -> None:
        """/livez, on a new connection each time: on whichever worker that comes."""
        loop = asyncio.get_running_loop()
        running: set[asyncio.Task[None]] = set()
        due = loop.time()
        while True:
            task = loop.create_task(self._probe_once())
            running.add(task)
            task.add_done_callback(running.discard)
            due += PROBE_SECONDS
            await asyncio.sleep(due - loop.time())
            self._lag = max(self._lag, loop.time() - due)
            due = max(due, loop.time() - PROBE_SECONDS)

    async def _probe_once(self) -> None:
        started = time.perf_counter()
        try:
            reader, writer = await self._connect()
            try:
                await _ask(reader, writer, "/livez", "8.8.8.200")
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            self._failures.append(f"livez: {error!r}")
        self._probes.append(time.perf_counter() - started)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._address, local_addr=(_OWN_ADDRESS, 0))

    async def client(self, place: int) -> None:
        """A visitor's page, an ad server or a link: the same few tuples again and again."""
        loop = asyncio.get_running_loop()
        due = loop.time() + place * PAUSE_SECONDS / CLIENTS
        turn = 0
        connection = None
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            due = max(due, loop.time()) + PAUSE_SECONDS
            turn += 1
            website = f"{HONEST_VALUE}-{(place + turn) % 20}"
            try:
                if connection is None:
                    connection = await self._connect()
                path, expected = _request(place, website)
                answer = await _ask(*connection, path, f"8.8.8.{place}")
                if expected not in answer:
                    raise ConnectionError(f"{path}: {answer[:200]!r}")
                self._answers += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                self._failures.append(f"{path}: {error!r}")
                if connection is not None:
                    connection[1].close()
                connection = None


def _request(place: int, website: str) -> tuple[str, bytes]:
    """What a client asks, and what its answer holds."""
    match place % 3:
        case 0:
            query = urlencode({"account": "honest", "url": f"https://a.example/?website={website}"})
            return f"/v1/swap?{query}", b'"number":"+1212777'
        case 1:
            query = urlencode({"ring_pool_key": HONEST_KEY, "website": website})
            return f"/api/v1/ring_pools/honest/allocate_number.json?{query}", b'"+1212777'
    return f"/t/honest?website={website}", b"rp_number="


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, client: str
) -> bytes:
    """Head and body of the answer; raises OSError and IncompleteReadError."""
    lines = (f"GET {path} HTTP/1.1", "Host: a", f"X-Forwarded-For: {client}", "", "")
    writer.write("\r\n".join(lines).encode("ascii"))
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
    if int(head.split()[1]) not in (200, 302):
        raise ConnectionError(head[:100].decode("latin-1"))
    return head + body


async def _watch(host: str, port: int) -> None:
    witness = _Witness(host, port)
    work = [witness.probe(), *(witness.client(place) for place in range(CLIENTS))]
    tasks = [asyncio.create_task(each) for each in work]
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        print(msgspec.json.encode(witness.noticed()).decode(), flush=True)
        witness.begin()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Witness:
    """A running witness."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def noticed(self) -> Noticed:
        """What it has noticed since it was asked last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Noticed)


@contextlib.contextmanager
def witness(address: tuple[str, int]) -> Iterator[Witness]:
    """Start a witness; it has asked something already."""
    command = [sys.executable, "-m", "loadtests.fuzz.witness", address[0], str(address[1])]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        found = Witness(process)
        try:
            while found.noticed().rate == 0:
                time.sleep(0.05)
            yield found
        finally:
            process.kill()


if __name__ == "__main__":
    uvloop.run(_watch(sys.argv[1], int(sys.argv[2])))
