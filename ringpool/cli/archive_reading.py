"""The archive, for commands that read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive.database import Archive, ArchiveAway, NotConnected, archive_url, away
from ringpool.cli.output import failure
from ringpool.settings import Settings


@asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Archive]:
    """The archive that the settings name; while it is away, the command fails and says so."""
    archive = Archive(archive_url(settings.database_url or "", settings.data_dir))
    try:
        yield archive
    except (ArchiveAway, NotConnected, DBAPIError) as error:
        # Not its text: that may have what was asked for.
        reason = error if isinstance(error, ArchiveAway) else away(error)
        raise failure(f"the archive doesn't answer: {reason}") from None
    finally:
        await archive.close()


@asynccontextmanager
async def reading_archive() -> AsyncIterator[AsyncConnection]:
    """A connection to the archive of the environment's settings."""
    async with open_archive(Settings.from_environment()) as archive:
        await archive.prepare()
        async with archive.engine.connect() as connection:
            yield connection
