"""An archive of a test's own, on each database that there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
