"""An archive of a test's own, on each database that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ringpool.archive.database import Archive, archive_url
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled, temporary_folder
from tests.servers.programs import missing

DATABASES = ("sqlite", "postgres")


@contextmanager
def database_url(kind: str) -> Iterator[str]:
    """The value of RINGPOOL_DATABASE_URL; "" for SQLite. Skips where there is no PostgreSQL."""
    if kind == "sqlite":
        yield ""
        return
    try:
        with temporary_folder() as folder, postgres(folder) as url:
            yield url
    except NotInstalled as error:
        missing(error)


@asynccontextmanager
async def empty_archive(kind: str, folder: Path) -> AsyncIterator[Archive]:
    """Yield an archive with its tables made. ``folder``: where an SQLite is."""
    with database_url(kind) as url:
        archive = Archive(archive_url(url, folder))
        try:
            await archive.prepare()
            yield archive
        finally:
            await archive.close()
