"""One at a time: who brings ledgers into an archive and works things out of it, or who forgets.

What a process has read but not written yet would come back after it was forgotten. So all that is
read to be written later is read and written in one turn, and a person is forgotten in another.
A turn ends with the process or the connection that has it.
"""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ringpool.archive.database import Archive, ArchiveAway, away, lock_file

WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_TURN = 0x52696E68
"""The advisory lock of a PostgreSQL."""


@asynccontextmanager
async def turn(archive: Archive, wait_seconds: float = WAIT_SECONDS) -> AsyncIterator[None]:
    """Have the turn; raises ArchiveAway if others have it for so long, or the archive is away."""
    if archive.engine.dialect.name == "postgresql":
        async with _of_server(archive, wait_seconds):
            yield
    else:
        async with _of_file(Path(f"{archive.engine.url.database}.turn"), wait_seconds):
            yield


@asynccontextmanager
async def _of_server(archive: Archive, wait_seconds: float) -> AsyncIterator[None]:
    try:
        # No transaction: one that stays open keeps PostgreSQL from clearing up.
        options = {"isolation_level": "AUTOCOMMIT"}
        connection = await (await archive.engine.connect()).execution_options(**options)
    except (TimeoutError, DBAPIError, OSError) as error:
        raise away(error) from error

    async def taken() -> bool:
        found = await connection.execute(text(f"SELECT pg_try_advisory_lock({_TURN})"))
        return bool(found.scalar())

    try:
        try:
            await _wait(taken, wait_seconds)
        except (DBAPIError, OSError) as error:
            raise away(error) from error
        yield
        await connection.execute(text(f"SELECT pg_advisory_unlock({_TURN})"))
    except BaseException:
        # The lock is the session's, and ends with it.
        await connection.invalidate()
        raise
    finally:
        await connection.close()


@asynccontextmanager
async def _of_file(path: Path, wait_seconds: float) -> AsyncIterator[None]:
    try:
        file = lock_file(path)
    except OSError as error:
        raise away(error) from error
    with file:

        async def taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        await _wait(taken, wait_seconds)
        yield


async def _wait(taken: Callable[[], Awaitable[bool]], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not await taken():
        if time.monotonic() > until:
            raise ArchiveAway("another process works on it")
        await asyncio.sleep(_LOOK_SECONDS)
