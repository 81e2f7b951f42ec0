"""Calls that nobody told the end of are closed when they have lasted long enough."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError

from ringpool.archive import calls
from ringpool.archive.database import Archive

_EVERY_SECONDS = 60.0
_MOST = 1000

_log = structlog.get_logger("ringpool.calls")


class CallClosing:
    """``timeout_ms``: how long after its beginning a call is closed. ``clock``: Unix seconds."""

    def __init__(
        self, archive: Archive, timeout_ms: int, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._archive = archive
        self._timeout_ms = timeout_ms
        self._clock = clock
        self._due = float("-inf")

    async def round(self) -> int:
        """Close what is due, once a minute; returns how many. With the archive away, later."""
        now = self._clock()
        if now < self._due:
            return 0
        now_ms = int(now * 1000)
        try:
            async with self._archive.engine.begin() as connection:
                closed = await calls.close_overdue(
                    connection,
                    began_before=now_ms - self._timeout_ms,
                    now_ms=now_ms,
                    most=_MOST,
                )
        except (DBAPIError, OSError) as error:
            _log.warning("calls_not_closed", reason=type(error).__name__)
            closed = 0
        if closed < _MOST:  # else there are more
            self._due = now + _EVERY_SECONDS
        return closed
