"""Reading from the archive on behalf of a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from api.http.refusals import archive_unavailable
from api.http.services import Services

log = structlog.get_logger("ringpool.archive_reading")


@asynccontextmanager
async def archive_reading(services: Services) -> AsyncIterator[AsyncConnection]:
    """A connection to the archive; raises Refusal 503 when it doesn't answer."""
    try:
        async with services.archive.engine.connect() as connection:
            yield connection
    except (exc.DBAPIError, exc.TimeoutError, OSError) as error:
        log.warning("archive_unavailable", error=type(error).__name__)
        raise archive_unavailable() from None
