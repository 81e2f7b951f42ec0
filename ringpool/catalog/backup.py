"""A whole installation to one file, also while it runs: read page by page, each row at one moment.

Stores' own dumps differ between kinds and versions; plain values don't. First the pools, then the
stocks, then numbers that went into pools meanwhile, then pools' documents, and the catalog last,
all under the writers' lock; ``ringpool.catalog.restore`` settles where a number is that moved.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from allocator import copying
from allocator.copying import Reader, Row, Table
from allocator.port import Store, StoreUnavailable
from allocator.settling import lent, loan_of
from ringpool import __version__, backup_file
from ringpool.backup_file import BackupWriter, Frame, Header
from ringpool.catalog import layout
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import STATE_TABLE, CatalogStore, LockKeeper, copied_tables
from ringpool.catalog.writer import CatalogBusy

_ATTEMPTS = 10
_PAUSE_SECONDS = 1.0

Progress = Callable[[int], None]
"""Called with how many numbers are done."""

_T = TypeVar("_T")


class Reopened(StoreUnavailable):
    """A failover has lost that the store was closed."""

    def __init__(self) -> None:
        super().__init__("a failover has opened it again: repeat the command")


async def back_up(
    store: Store,
    catalog: Catalog,
    file: BackupWriter,
    progress: Progress,
    *,
    last: bool = False,
    rests: Mapping[str, int] | None = None,
) -> Header:
    """Write everything that an installation has in its store.

    Changes of the configuration wait meanwhile. What is answered for a number after it was read
    isn't in the file. ``last``: close the store first, so that nothing is, and nothing ever will
    be answered from it. ``rests``: those that the store's data directory tells of. Raises
    CatalogBusy, LockLost, StoreUnavailable, OSError.
    """
    kept = CatalogStore(store)
    async with _locked(kept, catalog, last) as token:
        lock = LockKeeper(kept, token)
        _, known = await catalog.entities()
        state = await kept.any_state()
        found = max(1, state.layout & ~layout.CLOSED)
        if last:
            await kept.write_layout(layout.CLOSED + found, token)
            for pool in known.pools:
                await lock.keep()
                await copying.close(store, pool.id)
        now = await kept.clock()
        header = Header(
            format=backup_file.FORMAT,
            id=secrets.token_hex(16),
            layout=found,
            revision=state.revision,
            made=now,
            version=__version__,
            last=last,
            pools=tuple(pool.id for pool in known.pools),
            stocks=tuple(stock.id for stock in known.stocks),
            rests=dict(rests or {}),
        )
        file.write(header)
        reading = _Reading(store, file, lock, progress)
        await _numbers(reading, header)
        for pool_id in header.pools:
            documents = await reading.all([copying.pool_documents(pool_id)], _nothing)
            if last and copying.RULES in dict(documents):
                raise Reopened
        owners = [f"pool/{name}" for name in header.pools]
        owners += [f"stock/{name}" for name in header.stocks]
        await reading.all([*copied_tables(owners), STATE_TABLE], _nothing)
        if last and not _closed((await kept.any_state()).layout):
            raise Reopened
        await kept.renew(token)  # or somebody else may have changed it
    return header


async def reopen(store: Store, catalog: Catalog) -> bool:
    """Open a store that ``back_up`` has closed; False, and nothing changes, if it wasn't.

    Raises CatalogBusy, LockLost, StoreUnavailable.
    """
    kept = CatalogStore(store)
    async with _locked(kept, catalog, True) as token:
        found = (await kept.any_state()).layout
        if not _closed(found):
            return False
        _, known = await catalog.entities()
        for pool in known.pools:
            await copying.close(store, pool.id, closed=False)
        await kept.write_layout(found - layout.CLOSED, token)
        return True


@asynccontextmanager
async def _locked(kept: CatalogStore, catalog: Catalog, closed_too: bool) -> AsyncIterator[str]:
    """Keep every other writer waiting; in a closed store too, where no change is under way."""
    found = (await kept.any_state()).layout
    if not closed_too or not _closed(found):
        async with catalog.locked() as token:
            yield token
        return
    token = secrets.token_hex(16)
    if not await kept.lock(token):
        raise CatalogBusy("another change of the configuration is under way")
    try:
        yield token
    finally:
        await kept.unlock(token)


def _closed(found: int) -> bool:
    """Whether a store with this layout was closed."""
    return layout.CLOSED < found < layout.RESTORING


async def _numbers(reading: _Reading, header: Header) -> None:
    """Write pools and stocks, and numbers that went into pools while these were read."""
    seen: set[tuple[str, bytes, str]] = set()
    for pool_id in header.pools:
        numbers = copying.pool_numbers(pool_id)
        tables = [numbers, copying.pool_outbox(pool_id), *copying.pool_rest(pool_id)]
        found = await reading.all(tables, loan_of)
        reading.count(len(found))
        seen.update((pool_id, number, loan) for number, loan in found if loan)
    went: dict[str, list[bytes]] = {}
    for stock_id in header.stocks:
        tables = [copying.stock_numbers(stock_id), copying.stock_rules(stock_id)]
        places = await reading.all(tables, lent)
        reading.count(len(places))
        for number, (pool_id, since) in places:
            if pool_id and (pool_id, number, f"{stock_id}@{since}") not in seen:
                went.setdefault(pool_id, []).append(number)
    for pool_id, numbers_there in went.items():
        await reading.some(copying.pool_numbers(pool_id), numbers_there)


def _nothing(_: Row) -> None:
    """What there is to note of documents."""


class _Reading:
    """Writes tables to the file as it reads them, and keeps the writers' lock meanwhile.

    What failed, or went to another server, is read again from its beginning.
    """

    def __init__(
        self, store: Store, file: BackupWriter, lock: LockKeeper, progress: Progress
    ) -> None:
        self._store = store
        self._file = file
        self._lock = lock
        self._progress = progress
        self._done = 0

    async def all(
        self, tables: Sequence[Table], note: Callable[[Row], _T]
    ) -> list[tuple[bytes, _T]]:
        """Write whole tables of one slot; returns the fields of the first, each with its note."""

        async def read() -> list[tuple[bytes, _T]]:
            reader, noted = Reader(self._store), []
            for index, table in enumerate(tables):
                seen: set[bytes] = set()
                async for page in reader.pages(table):
                    rows = [row for row in page if row[0] not in seen]
                    seen.update(row[0] for row in rows)
                    await self._write(table, rows)
                    if index == 0:
                        noted += [(row[0], note(row)) for row in rows]
            return noted

        return await self._again(read)

    def count(self, numbers: int) -> None:
        """So many more numbers are done."""
        self._done += numbers
        self._progress(self._done)

    async def some(self, table: Table, fields: Sequence[bytes]) -> None:
        """Write the rows of some fields."""

        async def read() -> None:
            for start in range(0, len(fields), copying.ROWS_A_CALL):
                named = fields[start : start + copying.ROWS_A_CALL]
                await self._write(table, await Reader(self._store).named(table, named))

        await self._again(read)

    async def _write(self, table: Table, rows: Sequence[Row]) -> None:
        if rows:
            self._file.write(Frame(table.key, list(rows)))
        await self._lock.keep()

    async def _again(self, read: Callable[[], Awaitable[_T]]) -> _T:
        place = self._file.place()
        for _ in range(_ATTEMPTS):
            try:
                return await read()
            except StoreUnavailable:
                self._file.back_to(place)
                await asyncio.sleep(_PAUSE_SECONDS)
        return await read()
