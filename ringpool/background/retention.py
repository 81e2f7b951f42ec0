"""What the archive has of an account that is older than the account keeps it is deleted.

A page a transaction, a few pages a round: ledgers are read between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from sqlalchemy.exc import DBAPIError

from ringpool.archive.database import Archive
from ringpool.archive.old_rows import delete_page
from ringpool.model import Account

EVERY_SECONDS = 600.0
PAGES_A_ROUND = 5

_log = structlog.get_logger("ringpool.archive")


class Retention:
    """``accounts``: those of now. ``clock``: Unix seconds."""

    def __init__(
        self,
        archive: Archive,
        accounts: Callable[[], Iterable[Account]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._accounts = accounts
        self._clock = clock
        self._due = float("-inf")
        self._set: Mapping[str, int] = {}  # when it was looked at last
        self._waiting: dict[str, int] = {}

    async def round(self) -> int:
        """Delete what is due; returns how many calls, assignments and overflows went.

        All accounts are gone through every ten minutes, and when one of them has another retention.
        With the archive away, later.
        """
        now = self._clock()
        kept = {
            account.id: int(account.retention)
            for account in self._accounts()
            if account.retention is not None
        }
        if now >= self._due or kept != self._set:
            self._due, self._set, self._waiting = now + EVERY_SECONDS, kept, dict(kept)
        deleted = 0
        for _ in range(PAGES_A_ROUND):
            if not self._waiting:
                break
            account, span = next(iter(self._waiting.items()))
            try:
                async with self._archive.engine.begin() as connection:
                    page = await delete_page(connection, account, int(now * 1000) - span)
            except (DBAPIError, OSError) as error:
                _log.warning("old_rows_not_deleted", reason=type(error).__name__)
                break
            if not page:
                del self._waiting[account]
            deleted += page
        return deleted
