"""How many rows a second come from a ledger into the archive, end to end."""

from __future__ import annotations

import time
from pathlib import Path

from allocator.allocator import Allocator
from allocator.answers import Ask, Rules
from allocator.ledger import Ledgers
from allocator.port import Store
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.writer import ArchiveWriter

_NUMBERS = 1_000
_CLICK = (
    b'{"landing_page":"https://www.example/offers/","gclid":"EAIaIQobChMI","utm_source":"ads",'
    b'"utm_campaign":"spring","search_engine":"google","search_keywords":"blue shoes"}'
)


async def rows_a_second(store: Store, database: str, folder: Path, rows: int) -> float:
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
        began = time.perf_counter()
        written = await ArchiveWriter(archive, ledgers).write("pool", "speed")
        seconds = time.perf_counter() - began
    finally:
        await archive.close()
    if written != rows:
        raise RuntimeError(f"{written} rows of {rows} were written")
    return rows / seconds
