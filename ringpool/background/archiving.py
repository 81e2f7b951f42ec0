"""What the leader does about the archive, beside its rounds: a database that is slow or away keeps
no pool waiting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

import structlog
from sqlalchemy.exc import DBAPIError

from allocator.ledger import Kind
from allocator.port import StoreUnavailable
from ringpool.archive.database import ArchiveAway
from ringpool.archive.writer import ArchiveWriter

_RETRY_SECONDS = 5.0
_LAST_SECONDS = 2.0

_log = structlog.get_logger("ringpool.archive")


class Archiving:
    """``jobs``: what is done with the archive after ledgers were read, each round.

    ``turn``: a round begins when it has this (``archive.turn``).
    """

    def __init__(
        self,
        writer: ArchiveWriter,
        jobs: Sequence[Callable[[], Awaitable[object]]] = (),
        *,
        turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        failed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._writer = writer
        self._jobs = jobs
        self._turn = turn
        self._failed = failed
        self._clock = clock
        self._waiting: dict[tuple[Kind, str], str] = {}
        self._task: asyncio.Task[None] | None = None
        self._not_before = float("-inf")

    def note(self, kind: Kind, name: str, account: str) -> None:
        """There is something in this ledger."""
        self._waiting[kind, name] = account

    def go_on(self, account_of: Callable[[Kind, str], str]) -> None:
        """Begin a round beside the caller, unless one is still going on.

        ``account_of``: whose a pool or stock is, "" for one that isn't there any more.
        """
        if self._clock() >= self._not_before and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._round_or_later(account_of))

    async def round(self, account_of: Callable[[Kind, str], str]) -> None:
        """Read what waits, then do the jobs; raises StoreUnavailable and ArchiveAway."""
        for (kind, name), account in list(self._waiting.items()):
            await self._writer.write(kind, name, account)
            self._waiting.pop((kind, name), None)
        await self._writer.write_unread(account_of)
        for job in self._jobs:
            await job()

    async def stop(self) -> None:
        """Let the round that is going on end; one that takes long is broken off.

        What is broken off leaves its connection to a thread of the driver's.
        """
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_LAST_SECONDS)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _round_or_later(self, account_of: Callable[[Kind, str], str]) -> None:
        try:
            async with self._turn():
                await self.round(account_of)
        except (ArchiveAway, DBAPIError, OSError, StoreUnavailable) as error:
            self._failed()
            self._not_before = self._clock() + _RETRY_SECONDS
            _log.warning("archive_waits", reason=str(error) or type(error).__name__)
        except Exception:
            self._not_before = self._clock() + _RETRY_SECONDS
            _log.exception("archiving_failed")
