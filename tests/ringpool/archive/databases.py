"""An archive of each kind, empty at the start of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from ringpool.archive.database import Archive, archive_url
from tests.servers.postgres import postgres
from tests.servers.process import NotInstalled, temporary_folder
from tests.servers.programs import missing

KINDS = ("sqlite", "postgres")


@asynccontextmanager
async def empty_archive(kind: str, folder: Path) -> AsyncIterator[Archive]:
    """Yield it, with its tables made. ``folder``: where an SQLite is."""
    with ExitStack() as stack:
        url = ""
        if kind == "postgres":
            try:
                url = stack.enter_context(postgres(stack.enter_context(temporary_folder())))
            except NotInstalled as error:
                missing(error)
        archive = Archive(archive_url(url, folder))
        try:
            await archive.prepare()
            yield archive
        finally:
            await archive.close()
