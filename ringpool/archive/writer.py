"""Ledgers, read into the archive.

One transaction a page of a ledger, which is trimmed once that is committed: a writer that dies in
between reads the page again, and rows that are there stay as they are. An entry that can't be
decoded, or that the database doesn't take, is left out and counted as dropped: the others of its
page are written, in smaller pieces where need be.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from msgspec import Struct, field
from sqlalchemy import Table, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from allocator.answers import Holding
from allocator.ledger import (
    AssignmentEnded,
    Entry,
    Kind,
    LedgerPage,
    Ledgers,
    OverflowGiven,
    Unread,
    page_of,
)
from ringpool.archive import calls, standing
from ringpool.archive.bulk import execute_many
from ringpool.archive.database import Archive, away
from ringpool.archive.dialects import insert
from ringpool.archive.partitions import Partitions, month_after
from ringpool.archive.row_faults import UNREADABLE, RowRefused, refused
from ringpool.archive.sources import Source, source_of
from ringpool.archive.tables import ASSIGNMENTS, CALL_EVENTS, LEDGERS, OVERFLOWS, SOURCES
from ringpool.aside import aside
from ringpool.calls.events import decode_document

_MESSAGES_A_PAGE = 200
_PLACES_TOLD = 20

_log = structlog.get_logger("ringpool.archive")
_encode = msgspec.json.Encoder().encode


class Rows(Struct, frozen=True):
    """What entries come to, by table. ``refused``: the places of those that come to nothing, with
    the class of the fault."""

    sources: dict[int, dict[str, Any]] = field(default_factory=dict)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    overflows: list[dict[str, Any]] = field(default_factory=list)
    call_events: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

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
            packed = await self._ledgers.read_packed(kind, name, _MESSAGES_A_PAGE)
            page, of_page = await aside(len(packed), _decoded, kind, name, account, packed)
            if not page.trim:
                return rows
            written, dropped = await self._write_page(kind, name, account, page, of_page)
            rows += written
            self._told(written, dropped)
            if not await self._ledgers.trim(kind, name, page.trim):
                return rows

    async def unread(self) -> list[Unread]:
        """The ledgers that should be read though nobody asks their pools."""
        return await self._ledgers.unread()

    async def write_unread(self, ledger: Unread, account: str = "") -> int:
        """Read one of them; as ``write`` does."""
        rows = await self.write(ledger.kind, ledger.name, account)
        await self._ledgers.note_read(ledger)
        return rows

    async def write_standing(
        self, held: Sequence[tuple[Holding, str]], counted_until: int | None
    ) -> None:
        """Write assignments that stand, each with whose its pool is, in one transaction.

        ``counted_until``: Unix ms up to which all their clicks are in the archive then; None: not
        known. Harmless when repeated; raises ArchiveAway.
        """
        rows = Rows()
        rows.assignments.extend(_assignment(rows, account, holding) for holding, account in held)
        await self._make_partitions({ASSIGNMENTS: [row["since"] for row in rows.assignments]})
        try:
            async with self._transaction() as connection:
                await _insert(connection, SOURCES, list(rows.sources.values()))
                await standing.upsert(connection, rows.assignments)
                if counted_until is not None:
                    await standing.note_counted(connection, counted_until)
        except RowRefused as fault:
            if len(held) <= 1:  # its end will be refused, too, and counted then
                _log.warning(
                    "standing_refused",
                    pools=[row["pool"] for row in rows.assignments],
                    fault=str(fault),
                )
                return
            half = len(held) // 2
            await self.write_standing(held[:half], None)
            await self.write_standing(held[half:], counted_until)

    async def _write_page(
        self, kind: Kind, name: str, account: str, page: LedgerPage, rows: Rows
    ) -> tuple[int, int]:
        """Returns how many rows it came to, and how many entries nobody will ever see."""
        count, wrong = rows.count, rows.refused
        times = {
            ASSIGNMENTS: [row["since"] for row in rows.assignments],
            OVERFLOWS: [row["at"] for row in rows.overflows],
        }
        await self._make_partitions(times)
        try:
            async with self._transaction() as connection:
                await _insert_rows(connection, rows)
                dropped = await self._note_read(connection, kind, name, page, wrong)
        except RowRefused:
            self._partitions.forget()
            await self._make_partitions(times)
            count, wrong = await self._write_pieces(kind, name, account, page.entries)
            async with self._transaction() as connection:
                dropped = await self._note_read(connection, kind, name, page, wrong)
        if places := sorted((*page.unreadable, *wrong)):
            _log.warning(
                "ledger_entries_unreadable",
                kind=kind,
                name=name,
                entries=len(places),
                places=places[:_PLACES_TOLD],
                faults=sorted(set(wrong.values())),
            )
        if dropped:
            _log.warning("ledger_dropped", kind=kind, name=name, entries=dropped)
        return count, dropped

    async def _write_pieces(
        self, kind: Kind, name: str, account: str, entries: Sequence[Entry]
    ) -> tuple[int, dict[int, str]]:
        """Write entries that the database didn't take all at once, in halves.

        Returns how many rows they came to, and the places of those that have none.
        """
        rows = rows_of(kind, name, account, entries)
        try:
            async with self._transaction() as connection:
                await _insert_rows(connection, rows)
        except RowRefused as fault:
            if len(entries) == 1:
                return 0, {entries[0].place: str(fault)}
        else:
            return rows.count, rows.refused
        half = len(entries) // 2
        first = await self._write_pieces(kind, name, account, entries[:half])
        second = await self._write_pieces(kind, name, account, entries[half:])
        return first[0] + second[0], first[1] | second[1]

    async def make_partitions_ahead(self) -> None:
        """Make this month's partitions and the next one's, where the database has some.

        So no page waits for that; and the tables, where they couldn't be made at the start.
        Harmless when repeated; raises ArchiveAway.
        """
        await self._archive.prepare()
        now = int(self._clock() * 1000)
        times = [now, month_after(now)]
        await self._make_partitions({ASSIGNMENTS: times, OVERFLOWS: times})

    async def _make_partitions(self, times: Mapping[Table, Sequence[int]]) -> None:
        """See to it that rows of these times have their months."""
        if not self._archive.partitioned:
            return
        if any(self._partitions.missing(table, of_table) for table, of_table in times.items()):
            async with self._transaction() as connection:
                for table, of_table in times.items():
                    await self._partitions.make(connection, table, of_table)
            for table, of_table in times.items():
                self._partitions.know(table, of_table)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        """Raises ArchiveAway, and RowRefused."""
        await self._archive.prepare()
        try:
            async with self._archive.engine.begin() as connection:
                yield connection
        except Exception as error:
            if refused(error):
                raise RowRefused(type(getattr(error, "orig", error)).__name__) from error
            if isinstance(error, DBAPIError | OSError):
                raise away(error) from error
            raise

    async def _note_read(
        self,
        connection: AsyncConnection,
        kind: Kind,
        name: str,
        page: LedgerPage,
        wrong: Iterable[int],
    ) -> int:
        """Note how far a ledger is read; returns how many entries nobody will ever see.

        A page that begins before the last one ended is read again, or a new pool of that id.
        """
        if not page.spans:  # what can't be read at all is a gap before the next page
            return 0
        of_it = (LEDGERS.c.kind == kind, LEDGERS.c.name == name)
        found = (await connection.execute(select(LEDGERS).where(*of_it))).first()
        read, before = (found.entries, found.dropped) if found else (0, 0)
        lost = page.lost(read, wrong)
        values = {
            "entries": page.ends,
            "dropped": before + lost,
            "read_at": int(self._clock() * 1000),
        }
        upsert = insert(connection.dialect.name, LEDGERS).on_conflict_do_update(
            index_elements=["kind", "name"], set_=values
        )
        await connection.execute(upsert, {"kind": kind, "name": name, **values})
        return lost


def rows_of(kind: Kind, name: str, account: str, entries: Sequence[Entry]) -> Rows:
    """What the entries of a pool's or stock's ledger come to."""
    rows = Rows()
    for entry in entries:
        try:
            _add(rows, kind, name, account, entry)
        except UNREADABLE as error:
            rows.refused[entry.place] = type(error).__name__
    return rows


def _decoded(kind: Kind, name: str, account: str, packed: bytes) -> tuple[LedgerPage, Rows]:
    page = page_of(packed)
    return page, rows_of(kind, name, account, page.entries)


def _add(rows: Rows, kind: Kind, name: str, account: str, entry: Entry) -> None:
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


async def _insert_rows(connection: AsyncConnection, rows: Rows) -> None:
    await _insert(connection, SOURCES, list(rows.sources.values()))
    await standing.upsert(connection, rows.assignments)
    await _insert(connection, OVERFLOWS, rows.overflows)
    await _insert(connection, CALL_EVENTS, rows.call_events)
    if told := {(row["account"], row["call"]) for row in rows.call_events}:
        await calls.merge(connection, told)


async def _insert(
    connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert those rows that aren't there."""
    await execute_many(
        connection, insert(connection.dialect.name, table).on_conflict_do_nothing(), rows
    )
