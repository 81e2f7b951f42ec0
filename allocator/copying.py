"""What a store has as rows of plain values, to be written into a store of another kind or version.

A row is a field of a hash with all that other keys have of it (``lua/copy/page.lua``), read at one
moment. A pool's numbers carry all from which its orders can be found anew, so no order is copied.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from allocator.keys import pool_key, pool_keys, stock_key, stock_keys
from allocator.port import Argument, Store, StoreUnavailable
from allocator.replies import string_bytes
from allocator.scripts import load

_PAGE = load("copy/page")
_WRITE = load("copy/write")
_POOL_NUMBERS = load("copy/pool_numbers")
_POOL_OPENS = load("copy/pool_opens")
_STOCK_NUMBERS = load("copy/stock_numbers")
_CLOSE = load("copy/close")
_CLEAR = load("copy/clear")

ROWS_A_CALL = 100
"""About how many rows one call reads or writes, so that no call holds the store for long."""

RULES, STATE, CLOSED_RULES = b"rules", b"state", b"closed_rules"
"""A pool's documents, by field; of its rules it has one of the two."""

_SCORE = "score"

Row = list[bytes]


class Moved(StoreUnavailable):
    """Another server has the keys by now: what was read before may be less than it has."""


class Table(NamedTuple):
    """A hash, and other keys of its fields: each with ``score`` or what follows the field."""

    key: str
    others: tuple[tuple[str, str], ...] = ()

    @property
    def keys(self) -> list[str]:
        return [self.key, *(key for key, _ in self.others)]


class _Page(Struct, frozen=True, array_like=True):
    server: str
    cursor: str
    rows: list[list[Raw]]


class _State(Struct, frozen=True, array_like=True):
    """The start of a pool's state (``lua/include/pool_state.lua``)."""

    clock: int


_decode = msgspec.msgpack.Decoder(_Page).decode
_state = msgspec.msgpack.Decoder(_State).decode


def pool_numbers(pool_id: str) -> Table:
    """A pool's numbers, as ``write_pool_numbers`` takes them."""
    clicks = pool_key(pool_id, "clicks")
    others = (
        (clicks, ":f"),
        (clicks, ":l"),
        (pool_key(pool_id, "history"), ""),
        (pool_key(pool_id, "free"), _SCORE),
    )
    return Table(pool_key(pool_id, "numbers"), others)


def pool_outbox(pool_id: str) -> Table:
    """Numbers that left a pool."""
    return Table(pool_key(pool_id, "outbox"))


def pool_rest(pool_id: str) -> tuple[Table, ...]:
    """What a pool has beside numbers, and its documents."""
    calls = (pool_key(pool_id, "calls_by_time"), _SCORE)
    plain = (Table(pool_key(pool_id, name)) for name in ("overflow", "series"))
    return Table(pool_key(pool_id, "calls"), (calls,)), *plain


def pool_documents(pool_id: str) -> Table:
    """A pool's rules, its state and what networks have of it."""
    return Table(pool_key(pool_id, "meta"))


def stock_numbers(stock_id: str) -> Table:
    """A stock's numbers, as ``write_stock_numbers`` takes them."""
    others = (
        (stock_key(stock_id, "available"), _SCORE),
        (stock_key(stock_id, "moving"), ""),
        (stock_key(stock_id, "history"), ""),
    )
    return Table(stock_key(stock_id, "numbers"), others)


def stock_rules(stock_id: str) -> Table:
    """A stock's quarantine, areas and latest loan."""
    return Table(stock_key(stock_id, "meta"))


def with_score(key: str, *scores: str) -> Table:
    """A hash whose fields are in sorted sets too."""
    return Table(key, tuple((score, _SCORE) for score in scores))


class Reader:
    """Reads tables that belong together, all from one server. Raises StoreUnavailable, Moved."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._server = ""

    async def pages(self, table: Table) -> AsyncIterator[list[Row]]:
        """Yield all rows of a table, some twice; what comes and goes meanwhile may be missing."""
        cursor = "0"
        while True:
            found = await self._page(table, cursor)
            yield _plain(found.rows)
            if (cursor := found.cursor) == "0":
                break

    async def named(self, table: Table, fields: Sequence[bytes]) -> list[Row]:
        """Return the rows of some fields, those that are there."""
        return _plain((await self._page(table, "", fields)).rows)

    async def _page(self, table: Table, cursor: str, fields: Sequence[bytes] = ()) -> _Page:
        hows = (how for _, how in table.others)
        arguments: list[Argument] = [cursor, ROWS_A_CALL, *hows, *fields]
        page = _decode(await self._store.run(_PAGE, table.keys, arguments))
        if self._server not in ("", page.server):
            raise Moved("its keys went to another server")
        self._server = page.server
        return page


async def write(store: Store, table: Table, rows: Sequence[Row]) -> None:
    """Write rows of a table that has sorted sets at most; may be repeated. StoreUnavailable."""
    await store.run(_WRITE, table.keys, _flat(rows))


async def write_pool_numbers(
    store: Store, pool_id: str, rules: bytes, rows: Sequence[Row], *, over: int, read: int
) -> None:
    """Write numbers into a pool; may be repeated. Raises StoreUnavailable.

    ``over``: assignments whose guarantee ended by then (Unix ms) are ended as they may have been
    after ``read``, when the rows were read; 0: all stand.
    """
    await store.run(_POOL_NUMBERS, pool_keys(pool_id), (rules, over, read, *_flat(rows)))


async def open_pool(store: Store, pool_id: str, rules: bytes, state: bytes) -> None:
    """Put a pool into force whose numbers are written. Raises StoreUnavailable."""
    await store.run(_POOL_OPENS, pool_keys(pool_id), (rules, state))


async def write_stock_numbers(store: Store, stock_id: str, rows: Sequence[Row]) -> None:
    """Write numbers into a stock; may be repeated. Raises StoreUnavailable."""
    await store.run(_STOCK_NUMBERS, stock_keys(stock_id), _flat(rows))


async def close(store: Store, pool_id: str, *, closed: bool = True) -> None:
    """Have no script work on a pool any more, or again. Raises StoreUnavailable."""
    await store.run(_CLOSE, pool_keys(pool_id), (int(closed),))


async def clear(store: Store, keys: Sequence[str]) -> None:
    """Remove keys of one slot; raises StoreUnavailable."""
    await store.run(_CLEAR, keys)


def clock_of(state: bytes) -> int:
    """The highest time (Unix ms) that a pool has seen, by its state."""
    return _state(state).clock


def _flat(rows: Sequence[Row]) -> list[bytes]:
    return [value for row in rows for value in row]


def _plain(rows: list[list[Raw]]) -> list[Row]:
    return [[string_bytes(value) for value in row] for row in rows]
