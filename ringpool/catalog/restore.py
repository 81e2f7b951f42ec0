"""A backup into an empty store of any kind, in small writes; until the last nothing works on it.

The file is gone through twice: first for where numbers are (``allocator.settling``), then to write
them. What its store gave to whom after it was read is unknown: whoever's guarantee was over loses
the number, and pools rest until all that may have been promised is over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from allocator import copying
from allocator.copying import Reader, Row, Table
from allocator.keys import pool_keys, stock_keys
from allocator.port import Store
from allocator.settling import Settling
from ringpool import backup_file
from ringpool.backup_file import BackupError, Header
from ringpool.catalog import layout, rests
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import (
    DOCUMENTS_TABLE,
    OWNERS_TABLE,
    STATE_TABLE,
    CatalogStore,
    LockKeeper,
    copied_tables,
    leaving,
)
from ringpool.catalog.writer import CatalogBusy

_ORIGIN = b"restored_from"
"""In the state: the id of the backup that the store has, or that is being restored."""

_NOT_COPIED = {b"planned", b"done", b"layout", _ORIGIN}

_RULES = {copying.RULES, copying.CLOSED_RULES}
_POOL_DOCUMENTS = {*_RULES, copying.STATE}

Progress = Callable[[int], None]
"""Called with how many numbers are written."""


class NotEmpty(Exception):
    """The store has an installation, or half of one."""


async def restore(
    store: Store,
    catalog: Catalog,
    path: Path,
    header: Header,
    now: int,
    progress: Progress,
    *,
    rest: bool = True,
) -> dict[str, int]:
    """Write a backup that ``backup_file.check`` found whole; returns until when each pool rests.

    That is Unix ms; ``now`` is what services' clocks say. Without ``rest`` all goes on as it was,
    which only a last backup allows. A restore that died can be repeated. Raises NotEmpty,
    BackupError, CatalogBusy, LockLost, StoreUnavailable.
    """
    if header.layout > layout.LAYOUT:
        raise layout.NewerLayout(header.layout)
    if not rest and not header.last:
        raise BackupError(
            f"{path} wasn't made by ringpool backup --last, so its store may have promised "
            "numbers since: restore it without --no-rest"
        )
    kept, token = CatalogStore(store), secrets.token_hex(16)
    if not await kept.lock(token):
        raise CatalogBusy("another change of the configuration is under way")
    try:
        await _begin(store, kept, header, token)
        now = max(now, await kept.clock())
        writing = _Writing(store, LockKeeper(kept, token), path, header)
        writing.look()
        await writing.clear()
        await writing.numbers(now if rest else 0, progress)
        state = await writing.others()
        _, known = await catalog.entities()
        ends = rests.later(known.rests, header.rests)
        if rest:
            given = rests.after(known.pools, now, writing.clocks)
            ends = rests.later(ends, {**given, rests.OTHERS: max(given.values(), default=0)})
        await copying.write(store, DOCUMENTS_TABLE, _rows(rests.documents(ends)))
        await kept.renew(token)
        state += _rows({_ORIGIN.decode(): header.id, "layout": str(header.layout)})
        await copying.write(store, STATE_TABLE, state)
    finally:
        await kept.unlock(token)
    return {pool.id: end for pool in known.pools if (end := rests.until(ends, pool.id))}


async def _begin(store: Store, kept: CatalogStore, header: Header, token: str) -> None:
    """Have no version work on this store until the restore is over; raises NotEmpty.

    One of the same backup that has begun before may begin again.
    """
    state = await kept.any_state()
    if state.revision or state.planned:
        raise NotEmpty("the store isn't empty: a backup is restored into an empty one")
    if state.layout == layout.RESTORING:
        origin = await Reader(store).named(STATE_TABLE, [_ORIGIN])
        if origin != [[_ORIGIN, header.id.encode()]]:
            raise NotEmpty("half of another backup is in the store: restore that one, or empty it")
    elif state.layout > layout.LAYOUT:
        raise layout.NewerLayout(state.layout)
    await copying.write(store, STATE_TABLE, _rows({_ORIGIN.decode(): header.id}))
    await kept.write_layout(layout.RESTORING, token)


class _Writing:
    """Goes through the file, and writes what stands of it.

    ``clocks``: after ``look``, the highest time (Unix ms) that each pool has seen.
    """

    def __init__(self, store: Store, lock: LockKeeper, path: Path, header: Header) -> None:
        self._store = store
        self._lock = lock
        self._path = path
        self._header = header
        self._settling = Settling()
        self._rules: dict[str, bytes] = {}
        self._states: dict[str, bytes] = {}
        self.clocks: dict[str, int] = {}
        owners = [f"pool/{name}" for name in header.pools]
        owners += [f"stock/{name}" for name in header.stocks]
        catalog = [*copied_tables(owners), STATE_TABLE]
        self._pool_numbers = _by_key(copying.pool_numbers, header.pools)
        self._outboxes = _by_key(copying.pool_outbox, header.pools)
        self._documents = _by_key(copying.pool_documents, header.pools)
        self._stock_numbers = _by_key(copying.stock_numbers, header.stocks)
        plain = [table for name in header.pools for table in copying.pool_rest(name)]
        plain += map(copying.stock_rules, header.stocks)
        self._plain = {table.key: table for table in (*plain, *catalog)}
        self._catalog_keys = [key for table in catalog[:-1] for key in table.keys]

    def look(self) -> None:
        """Note where numbers are, and what pools' documents say; raises BackupError."""
        leaves: set[bytes] = set()
        for key, rows in self._frames():
            if (pool_id := self._outboxes.get(key)) is not None:
                for row in rows:
                    self._settling.note_outbox(pool_id, row)
            elif (stock_id := self._stock_numbers.get(key)) is not None:
                for row in rows:
                    self._settling.note_stock(stock_id, row)
            elif (pool_id := self._documents.get(key)) is not None:
                for name, value in rows:
                    if name in _RULES:
                        self._rules[pool_id] = value
                    elif name == copying.STATE:
                        self._states[pool_id] = value
                        self.clocks[pool_id] = copying.clock_of(value)
            elif key == OWNERS_TABLE.key:
                leaves.update(row[0] for row in rows if leaving(row))
            elif key not in self._pool_numbers and key not in self._plain:
                raise BackupError(f"{self._path} has keys that no installation has")
        self._settling.note_leaving(leaves)

    async def clear(self) -> None:
        """Remove what a restore that died has written."""
        for key in self._catalog_keys:
            await self._lock.keep()
            await copying.clear(self._store, [key])
        header = self._header
        for keys in (*map(pool_keys, header.pools), *map(stock_keys, header.stocks)):
            await self._lock.keep()
            await copying.clear(self._store, keys)

    async def numbers(self, over: int, progress: Progress) -> None:
        """Write pools' numbers. ``over``: whose guarantee was over then loses it; 0: nobody."""
        done = 0
        for key, rows in self._frames():
            pool_id = self._pool_numbers.get(key)
            if pool_id is None or pool_id not in self._rules:
                continue
            there = [row for row in rows if self._settling.in_pool(pool_id, row)]
            for part in _parts(there):
                await self._lock.keep()
                await copying.write_pool_numbers(
                    self._store,
                    pool_id,
                    self._rules[pool_id],
                    part,
                    over=over and max(over, self.clocks[pool_id]),
                    read=self._header.made,
                )
            done += len(there)
            progress(done)

    async def others(self) -> list[Row]:
        """Write everything else, but the catalog's state: its rows are returned."""
        state: list[Row] = []
        for key, rows in self._frames():
            if key == STATE_TABLE.key:
                state += [row for row in rows if row[0] not in _NOT_COPIED]
                continue
            for part in _parts(rows):
                await self._lock.keep()
                await self._write(key, part)
        for pool_id, rules in self._rules.items():
            await self._lock.keep()
            await copying.open_pool(self._store, pool_id, rules, self._states[pool_id])
        return state

    async def _write(self, key: str, rows: list[Row]) -> None:
        if (stock_id := self._stock_numbers.get(key)) is not None:
            rows = [self._settling.stock_row(stock_id, row) for row in rows]
            await copying.write_stock_numbers(self._store, stock_id, rows)
        elif (pool_id := self._documents.get(key)) is not None:
            others = [row for row in rows if row[0] not in _POOL_DOCUMENTS]
            await copying.write(self._store, copying.pool_documents(pool_id), others)
        elif (pool_id := self._outboxes.get(key)) is not None:
            await copying.write(self._store, copying.pool_outbox(pool_id), rows)
        elif key in self._plain:
            await copying.write(self._store, self._plain[key], rows)

    def _frames(self) -> Iterator[tuple[str, list[Row]]]:
        for frame in backup_file.frames(self._path):
            yield frame.key, frame.rows


def _by_key(table: Callable[[str], Table], ids: Sequence[str]) -> dict[str, str]:
    """The ids by the key of their table."""
    return {table(name).key: name for name in ids}


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), copying.ROWS_A_CALL):
        yield rows[start : start + copying.ROWS_A_CALL]


def _rows(fields: Mapping[str, str]) -> list[Row]:
    return [[name.encode(), value.encode()] for name, value in fields.items()]
