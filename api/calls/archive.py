"""The archive for one request: 503 while it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.http.refusals import RETRY_AFTER, Refusal
from api.http.services import Services


@asynccontextmanager
async def reading(services: Services) -> AsyncIterator[AsyncConnection]:
    """A connection to read by; raises Refusal 503."""
    try:
        async with services.archive.engine.connect() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        message = "the archive doesn't answer, try again"
        raise Refusal(503, "ArchiveUnavailable", message, headers=(RETRY_AFTER,)) from error
