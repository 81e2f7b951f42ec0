"""The archive for one request: 503 while it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.http.refusals import archive_unavailable
from api.http.services import Services


@asynccontextmanager
async def reading(services: Services) -> AsyncIterator[AsyncConnection]:
    """A connection to read by; raises Refusal 503."""
    try:
        async with services.archive.engine.connect() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        raise archive_unavailable() from error
