"""How many rows a second come from a ledger into the archive, end to end, and what else waits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules
from allocator.ledger import Ledgers
from allocator.port import Store
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.writer import ArchiveWriter

_NUMBERS = 1_000
_LOOK_SECONDS = 0.002
_CLICK = (
    b'{"landing_page":"https://www.example/offers/","gclid":"EAIaIQobChMI","utm_source":"ads",'
    b'"utm_campaign":"spring","search_engine":"google","search_keywords":"blue shoes"}'
)


class Speed(Struct, frozen=True, kw_only=True):
    """``longest_stall_ms``: how late the event loop was at worst to what was due meanwhile."""

    rows_a_second: float
    longest_stall_ms: float


async def speed(store: Store, database: str, folder: Path, rows: int) -> Speed:
    """Fill a pool's ledger with assignments that ended, then time its way into the database."""
    allocator, ledgers = Allocator(store), Ledgers(store)
    archive = Archive(archive_url(database, folder))
    await archive.prepare()
    now = 2_000_000_000_000
    try:
        rules = Rules(min_duration=1_000, owner="account")
        await allocator.edit("speed", rules, 1, now_ms=now)
        numbers = [f"+1888{n:07}" for n in range(_NUMBERS)]
        await allocator.add("speed", numbers, now_ms=now)
        for start in range(0, rows + _NUMBERS, _NUMBERS):
            now += 2_000
            asks = [Ask(f"website=site-{start + n}", _CLICK) for n in range(_NUMBERS)]
            await allocator.allocate("speed", asks, now_ms=now)
        with _as_a_worker(), _lateness() as late:
            began = time.perf_counter()
            written = await ArchiveWriter(archive, ledgers).write("pool", "speed")
            seconds = time.perf_counter() - began
            await asyncio.sleep(2 * _LOOK_SECONDS)
    finally:
        await archive.close()
    if written != rows:
        raise RuntimeError(f"{written} rows of {rows} were written")
    return Speed(rows_a_second=rows / seconds, longest_stall_ms=max(late) * 1000)


@contextlib.contextmanager
def _as_a_worker() -> Iterator[None]:
    """As ``api.server.worker_app`` has it: loaded modules are no garbage, threads take turns."""
    interval = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()


@contextlib.contextmanager
def _lateness() -> Iterator[list[float]]:
    """How late the event loop was, in seconds, each time that it was looked."""
    late: list[float] = []

    async def look() -> None:
        while True:
            due = time.perf_counter() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            late.append(time.perf_counter() - due)

    task = asyncio.create_task(look())
    try:
        yield late
    finally:
        task.cancel()
