"""A process that writes one pool's ledger into an archive until it is killed.

``python -m loadtests.archive.writer STORE DATABASE FOLDER POOL``; DATABASE "-": SQLite in FOLDER.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from allocator.ledger import Ledgers
from allocator.redis.url import connect
from ringpool.archive.database import Archive, ArchiveAway, archive_url
from ringpool.archive.writer import ArchiveWriter


async def write(store_url: str, database: str, folder: str, pool: str) -> None:
    """Write until the process ends; what can't be written is tried again."""
    archive = Archive(archive_url("" if database == "-" else database, Path(folder)))
    await archive.prepare()
    store = await connect(store_url, timeout_ms=10_000)
    writer = ArchiveWriter(archive, Ledgers(store))
    print("writing", flush=True)
    while True:
        try:
            await writer.write("pool", pool)
        except ArchiveAway as away:
            print(away, flush=True)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
