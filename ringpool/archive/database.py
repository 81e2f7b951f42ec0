"""The archive's database: SQLite in the data directory, or PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ringpool.archive.upgrade import UnknownTables, upgrade

FILE = "archive.sqlite3"
"""In the data directory."""

_CONNECT_SECONDS, _COMMAND_SECONDS = 5, 60
_BUSY_MS = 5_000


class ArchiveAway(Exception):
    """The database doesn't answer, has no room, or is a newer version's. What is in the ledgers
    stays there.

    The text is the fault's class, as the driver names it, or a few words.
    """


class NotConnected(ConnectionError):
    """A PostgreSQL gives no connection. Its cause is the driver's fault."""


def away(error: Exception) -> ArchiveAway:
    """As what a fault of the database, its driver or the system is raised."""
    of_driver = getattr(error, "orig", None) or error
    return ArchiveAway(type(of_driver.__cause__ or of_driver).__name__)


def lock_file(path: Path) -> IO[str]:
    """A file to be locked, made where it isn't there; raises OSError.

    One that another user has made needs only be read: a command that root ran keeps no service out.
    """
    try:
        return path.open("a")
    except PermissionError:
        return path.open()


async def _connected(*where: Any, **options: Any) -> Any:
    """A connection to a PostgreSQL; raises NotConnected.

    What keeps it from that is no row's fault, though some of it is a ValueError, such as a
    certificate that isn't believed. And older versions of SQLAlchemy let the driver's faults pass.
    """
    import asyncpg  # as SQLAlchemy does: not where the archive is an SQLite

    try:
        return await asyncpg.connect(*where, **options)
    except Exception as error:
        raise NotConnected(type(error).__name__) from error


def archive_url(given: str, data_dir: Path) -> URL:
    """Return where the archive is. ``given``: ``postgresql://…``, or "" for a file."""
    if given:
        return make_url(given).set(drivername="postgresql+asyncpg")
    return URL.create("sqlite+aiosqlite", database=str(data_dir / FILE))


class Archive:
    """A database of ``tables``. ``engine``: to write, and to read where faults are told otherwise
    than ``reading`` does."""

    def __init__(self, url: URL) -> None:
        self._url = url
        options: dict[str, Any] = {}
        if url.get_backend_name() == "postgresql":
            options = {
                "timeout": _CONNECT_SECONDS,
                "command_timeout": _COMMAND_SECONDS,
                "async_creator_fn": _connected,
            }
        self.engine: AsyncEngine = create_async_engine(
            url, connect_args=options, pool_pre_ping=bool(options), hide_parameters=True
        )
        if not options:
            event.listen(self.engine.sync_engine, "connect", _durable)
        self._prepared = False

    @property
    def partitioned(self) -> bool:
        """Whether its large tables are kept in months (``partitions``)."""
        return self._url.get_backend_name() == "postgresql"

    @property
    def address(self) -> str:
        """Its URL with the password, for a process of ours: never for a log."""
        return self._url.render_as_string(hide_password=False)

    @property
    def begun(self) -> bool:
        """Whether something may be in it: a file that isn't there has nothing."""
        return self._url.get_backend_name() != "sqlite" or Path(str(self._url.database)).exists()

    async def answers(self, within: float) -> bool:
        """Whether it can be read within so many seconds, and its tables were made."""
        if not self.begun:
            return False
        try:
            async with asyncio.timeout(within), self.engine.connect() as connection:
                await connection.execute(text("SELECT version_num FROM alembic_version"))
        except (TimeoutError, SQLAlchemyError, OSError):
            return False
        return True

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to tables that are up to date; raises ArchiveAway, also from within."""
        try:
            await self.prepare()
            async with self.engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise away(error) from error

    async def prepare(self) -> None:
        """Make the tables, or bring those of an older version up to date; raises ArchiveAway.

        Whoever else does so waits.
        """
        if self._prepared:
            return
        try:
            with self._alone():
                async with self.engine.begin() as connection:
                    await connection.run_sync(upgrade)
        except (TimeoutError, DBAPIError, OSError) as error:
            raise away(error) from error
        except UnknownTables as error:
            raise ArchiveAway(str(error)) from error
        self._prepared = True

    async def empty_log(self) -> bool:
        """Bring all that SQLite has in its write-ahead log into its file, and empty that log.

        So what was deleted is in neither. False while a reader keeps it from that; raises
        ArchiveAway. Of PostgreSQL, whose log isn't ours, nothing is asked.
        """
        if self._url.get_backend_name() != "sqlite":
            return True
        try:
            async with self.engine.connect() as connection:
                found = await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
                return bool(found.one()[0] == 0)
        except (DBAPIError, OSError) as error:
            raise away(error) from error

    async def close(self) -> None:
        """Close its connections."""
        await self.engine.dispose()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time; PostgreSQL has a lock of its own (``upgrade``)."""
        if self._url.get_backend_name() == "postgresql" or not self._url.database:
            yield
            return
        with lock_file(Path(f"{self._url.database}.lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted isn't in the file any more
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.close()
