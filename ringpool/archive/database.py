"""The archive's database: SQLite in the data directory, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ringpool.archive.tables import METADATA

FILE = "archive.sqlite3"
"""In the data directory."""


def archive_url(given: str, data_dir: Path) -> URL:
    """Return where the archive is. ``given``: ``postgresql://…``, or "" for a file."""
    if given:
        return make_url(given).set(drivername="postgresql+asyncpg")
    return URL.create("sqlite+aiosqlite", database=str(data_dir / FILE))


class Archive:
    """A database of ``tables``. ``engine``: for reading, ``async with engine.connect()``."""

    def __init__(self, url: URL) -> None:
        self.engine: AsyncEngine = create_async_engine(url)
        if url.get_backend_name() == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _durable)

    async def prepare(self) -> None:
        """Make the tables that aren't there."""
        async with self.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)

    async def close(self) -> None:
        """Close its connections."""
        await self.engine.dispose()


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
