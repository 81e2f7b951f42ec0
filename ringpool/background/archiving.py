"""What the leader does about the archive, beside its rounds: a database that is slow or away keeps
no pool waiting, and a ledger or a job that fails keeps no other from its turn."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

import structlog
from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from allocator.ledger import Kind
from allocator.port import StoreUnavailable
from ringpool.archive.database import ArchiveAway
from ringpool.archive.writer import ArchiveWriter

_RETRY_SECONDS = 5.0
_LAST_SECONDS = 2.0

_STORE_FAILURES = 3
"""So many ledgers that the store doesn't give: it isn't asked for more of them in that round."""

_log = structlog.get_logger("ringpool.archive")


class Failure(Struct, frozen=True):
    """What of a round failed, and why. ``what``: a ledger by kind and name, or a job."""

    what: str
    error: Exception


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

    async def round(self, account_of: Callable[[Kind, str], str]) -> list[Failure]:
        """Read what waits, then do the jobs; returns what failed.

        A database that is away ends the round. What couldn't be read waits, behind the others.
        """
        failures: list[Failure] = []
        try:
            await self._writer.make_partitions_ahead()
            await self._read(account_of, failures)
            for job in self._jobs:
                try:
                    await job()
                except ArchiveAway:
                    raise
                except Exception as error:
                    failures.append(Failure(getattr(job, "__qualname__", "a job"), error))
        except ArchiveAway as away:
            failures.append(Failure("the archive", away))
        return failures

    async def _read(self, account_of: Callable[[Kind, str], str], failures: list[Failure]) -> None:
        """Read each ledger that waits, but for those that the store doesn't give."""
        for (kind, name), account in list(self._waiting.items()):
            if _store_is_away(failures):
                return
            del self._waiting[kind, name]
            try:
                await self._writer.write(kind, name, account)
            except Exception as error:
                self._waiting[kind, name] = account
                _note(failures, kind, name, error)
        try:
            unread = await self._writer.unread()
        except StoreUnavailable as error:
            failures.append(Failure("the store", error))
            return
        for ledger in unread:
            if _store_is_away(failures):
                return
            try:
                await self._writer.write_unread(ledger, account_of(ledger.kind, ledger.name))
            except Exception as error:
                _note(failures, ledger.kind, ledger.name, error)

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
                failures = await self.round(account_of)
        except Exception as fault:
            failures = [Failure("the round", fault)]
        if failures:
            self._failed()
            self._not_before = self._clock() + _RETRY_SECONDS
        for failure in failures:
            error = failure.error
            if isinstance(error, ArchiveAway | StoreUnavailable):
                reason = str(error) or type(error).__name__
                _log.warning("archive_waits", what=failure.what, reason=reason)
            elif isinstance(
                error, DBAPIError | OSError
            ):  # its text may have what was to be written
                _log.warning("archive_waits", what=failure.what, reason=type(error).__name__)
            else:
                _log.error("archiving_failed", what=failure.what, exc_info=error)


def _note(failures: list[Failure], kind: Kind, name: str, error: Exception) -> None:
    """Raises a database that is away: that is every ledger's failure."""
    if isinstance(error, ArchiveAway):
        raise error
    failures.append(Failure(f"{kind} {name}", error))


def _store_is_away(failures: list[Failure]) -> bool:
    """A part of a cluster may be: that is some ledgers' failure."""
    unavailable = [each for each in failures if isinstance(each.error, StoreUnavailable)]
    return len(unavailable) >= _STORE_FAILURES
