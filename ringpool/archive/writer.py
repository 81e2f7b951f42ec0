"""Ledgers, read into the archive.

One transaction a page of a ledger, which is trimmed once that is committed: a writer that dies in
between reads the page again, and rows that are there stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from allocator.answers import Holding
from allocator.ledger import AssignmentEnded, Entry, Kind, LedgerPage, Ledgers, OverflowGiven
from ringpool.archive import calls, standing
from ringpool.archive.database import Archive, ArchiveAway
from ringpool.archive.partitions import Partitions
from ringpool.archive.sources import Source, source_of
from ringpool.archive.tables import ASSIGNMENTS, CALL_EVENTS, LEDGERS, OVERFLOWS, SOURCES
from ringpool.calls.events import decode_document

_MESSAGES_A_PAGE = 200

_log = structlog.get_logger("ringpool.archive")
_encode = msgspec.json.Encoder().encode


class Written(Struct, frozen=True):
    """What one page was: rows that are in the archive now, and entries that nobody has read."""

    rows: int = 0
    dropped: int = 0


class Rows(Struct, frozen=True):
    """What entries come to, by table."""

    sources: dict[int, dict[str, Any]]
    assignments: list[dict[str, Any]]
    overflows: list[dict[str, Any]]
    call_events: list[dict[str, Any]]

    @property
    def count(self) -> int:
        """How many there are, but for sources."""
        return len(self.assignments) + len(self.overflows) + len(self.call_events)


class ArchiveWriter:
    """Writes ledgers into an archive.

    ``told``: hears of each page, how many rows are written and how many entries nobody has read.
    ``clock``: Unix seconds.
    """

    def __init__(
        self,
        archive: Archive,
        ledgers: Ledgers,
        *,
        told: Callable[[int, int], None] = lambda _rows, _dropped: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._ledgers = ledgers
        self._told = told
        self._clock = clock
        self._partitions = Partitions()

    async def write(self, kind: Kind, name: str, account: str = "") -> int:
        """Read a ledger to its end; returns how many rows came of it.

        ``account``: whose the pool is, for entries of before owners were noted. Raises
        StoreUnavailable and ArchiveAway; what was read before is written then.
        """
        rows = 0
        while True:
            page = await self._ledgers.read(kind, name, _MESSAGES_A_PAGE)
            if not page.trim:
                return rows
            written = await self._write_page(kind, name, account, page)
            rows += written.rows
            self._told(written.rows, written.dropped)
            if not await self._ledgers.trim(kind, name, page.trim):
                return rows

    async def write_unread(self, account_of: Callable[[Kind, str], str]) -> int:
        """Read the ledgers that should be though nobody asks their pools; as ``write`` does."""
        rows = 0
        for ledger in await self._ledgers.unread():
            rows += await self.write(ledger.kind, ledger.name, account_of(ledger.kind, ledger.name))
            await self._ledgers.note_read(ledger)
        return rows

    async def write_standing(
        self, held: Sequence[tuple[Holding, str]], counted_until: int | None
    ) -> None:
        """Write assignments that stand, each with whose its pool is, in one transaction.

        ``counted_until``: Unix ms up to which all their clicks are in the archive then; None: not
        known. Harmless when repeated; raises ArchiveAway.
        """
        rows = Rows({}, [], [], [])
        rows.assignments.extend(_assignment(rows, account, holding) for holding, account in held)
        await self._archive.prepare()
        since = [row["since"] for row in rows.assignments]
        try:
            async with self._archive.engine.begin() as connection:
                await self._partitions.make(connection, ASSIGNMENTS, since)
                await _insert(connection, SOURCES, rows.sources.values())
                await _upsert(connection, rows.assignments)
                if counted_until is not None:
                    await standing.note_counted(connection, counted_until)
        except (DBAPIError, OSError) as error:
            raise ArchiveAway(type(error).__name__) from error
        self._partitions.know(ASSIGNMENTS, since)

    async def _write_page(self, kind: Kind, name: str, account: str, page: LedgerPage) -> Written:
        rows = rows_of(kind, name, account, page.entries)
        await self._archive.prepare()
        since = [row["since"] for row in rows.assignments]
        at = [row["at"] for row in rows.overflows]
        try:
            async with self._archive.engine.begin() as connection:
                await self._partitions.make(connection, ASSIGNMENTS, since)
                await self._partitions.make(connection, OVERFLOWS, at)
                await _insert(connection, SOURCES, rows.sources.values())
                await _upsert(connection, rows.assignments)
                await _insert(connection, OVERFLOWS, rows.overflows)
                await _insert(connection, CALL_EVENTS, rows.call_events)
                await calls.merge(
                    connection, {(row["account"], row["call"]) for row in rows.call_events}
                )
                dropped = await self._note_read(connection, kind, name, page)
        except (DBAPIError, OSError) as error:
            raise ArchiveAway(type(error).__name__) from error
        self._partitions.know(ASSIGNMENTS, since)
        self._partitions.know(OVERFLOWS, at)
        if dropped:
            _log.warning("ledger_dropped", kind=kind, name=name, entries=dropped)
        return Written(rows.count, dropped)

    async def _note_read(
        self, connection: AsyncConnection, kind: Kind, name: str, page: LedgerPage
    ) -> int:
        """Note how far a ledger is read; returns how many entries are missing before the page.

        A page that begins before the last one ended is read again, or a new pool of that id.
        """
        of_it = (LEDGERS.c.kind == kind, LEDGERS.c.name == name)
        found = (await connection.execute(select(LEDGERS).where(*of_it))).first()
        read, before = (found.entries, found.dropped) if found else (0, 0)
        missing = max(0, page.begins - read) + page.gaps
        values = {
            "entries": page.ends,
            "dropped": before + missing,
            "read_at": int(self._clock() * 1000),
        }
        upsert = _of(connection)(LEDGERS).on_conflict_do_update(
            index_elements=["kind", "name"], set_=values
        )
        await connection.execute(upsert, {"kind": kind, "name": name, **values})
        return missing


def rows_of(kind: Kind, name: str, account: str, entries: Sequence[Entry]) -> Rows:
    """What the entries of a pool's or stock's ledger come to."""
    rows = Rows({}, [], [], [])
    for entry in entries:
        told = entry.told
        if isinstance(told, AssignmentEnded):
            rows.assignments.append(_assignment(rows, account, told.holding))
        elif isinstance(told, OverflowGiven):
            owner = told.owner or account
            source = _source(rows, owner, name, told.tuple, told.attributes)
            rows.overflows.append(
                {
                    "pool": name,
                    "at": told.at,
                    "entry": entry.place,
                    "account": owner,
                    "number": told.number,
                    "tuple": told.tuple,
                    "source": source,
                    "click": told.attributes,
                }
            )
        else:
            document, holding = decode_document(told.document), told.holding
            rows.call_events.append(
                {
                    "account": document.account,
                    "call": document.id,
                    "event": document.event.value,
                    "at": document.at,
                    "received_at": entry.at,
                    "pool": name if kind == "pool" else "",
                    "number": told.number,
                    "overflow": told.overflow == 1,
                    "document": told.document,
                    "holder": _encode(_holder(holding)).decode() if holding else "",
                    "resting": told.resting,
                }
            )
    return rows


def _assignment(rows: Rows, account: str, holding: Holding) -> dict[str, Any]:
    owner = holding.owner or account
    return {
        "pool": holding.pool,
        "serial": holding.serial,
        "since": holding.since,
        "number": holding.number,
        "account": owner,
        "tuple": holding.tuple,
        "source": _source(rows, owner, holding.pool, holding.tuple, holding.first_click),
        "until": holding.until or 0,
        "guaranteed_until": holding.guaranteed_until,
        "clicks": holding.clicks,
        "calls": holding.calls,
        "last_click_at": holding.last_click_at,
        "first_click": holding.first_click.decode(),
        "last_click": holding.last_click.decode(),
    }


def _holder(holding: Holding) -> dict[str, Any]:
    return {
        "pool": holding.pool,
        "account": holding.owner,
        "tuple": holding.tuple,
        "serial": holding.serial,
        "since": holding.since,
        "until": holding.until or 0,
        "guaranteed_until": holding.guaranteed_until,
        "clicks": holding.clicks,
        "calls": holding.calls,
        "first_click": holding.first_click.decode(),
        "last_click": holding.last_click.decode(),
        "last_click_at": holding.last_click_at,
    }


def _source(rows: Rows, account: str, pool: str, tuple_: str, attributes: bytes | str) -> int:
    source: Source = source_of(account, pool, tuple_, attributes)
    if source.id not in rows.sources:
        rows.sources[source.id] = msgspec.structs.asdict(source)
    return source.id


def _of(connection: AsyncConnection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


async def _insert(
    connection: AsyncConnection, table: Table, rows: Iterable[dict[str, Any]]
) -> None:
    """Insert those rows that aren't there."""
    if values := list(rows):
        await connection.execute(_of(connection)(table).on_conflict_do_nothing(), values)


async def _upsert(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert assignments, or complete the rows of when they stood."""
    if rows:
        await connection.execute(standing.upsert(connection.dialect.name), rows)
