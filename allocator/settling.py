"""Where each number of a copy is: pools and stocks were read one after the other, while some moved.

A number whose row was read in two places is where it was read last: when it was there, it had left
the other. Pools are read first, then the stocks, then numbers that went into pools meanwhile.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec
from msgspec import Raw, Struct

from allocator.copying import Row

_unpack = msgspec.msgpack.Decoder(list[Any]).decode
_pack = msgspec.msgpack.Encoder().encode

_LEAVING, _LENT_BY = 7, 9  # of a pool's record (lua/include/pool_record.lua)
_POOL, _SINCE = 0, 1  # of a stock's (lua/include/stock_keys.lua)


class _Left(Struct, frozen=True, array_like=True):
    """An entry of a pool's outbox (``lua/include/pool_keys.lua``)."""

    loan: str
    left: int
    history: Raw
    handed_on: int


_left = msgspec.msgpack.Decoder(_Left).decode

Lent = tuple[str, int]
"""The pool that has a stock's number, and the name of the loan."""


class Settling:
    """What stands of rows. All outboxes, stocks and what leaves are noted before it is asked."""

    def __init__(self) -> None:
        self._lent: dict[str, dict[bytes, Lent]] = {}
        self._left: dict[tuple[str, bytes], str] = {}
        self._arrived: set[tuple[str, bytes]] = set()
        self._leaving: Container[bytes] = frozenset[bytes]()

    def note_outbox(self, pool_id: str, row: Row) -> None:
        """Note a number that left a pool."""
        entry = _left(row[1])
        if entry.handed_on == 0:
            self._left[pool_id, row[0]] = entry.loan

    def note_stock(self, stock_id: str, row: Row) -> None:
        """Note where a stock says that its number is."""
        self._lent.setdefault(stock_id, {})[row[0]] = lent(row)

    def note_leaving(self, numbers: Container[bytes]) -> None:
        """Note all numbers that the catalog has as leaving their owner."""
        self._leaving = numbers

    def in_pool(self, pool_id: str, row: Row) -> bool:
        """Whether a row of a pool stands, and the number is there."""
        number, record = row[0], _unpack(row[1])
        loan = record[_LENT_BY]
        if self._left.get((pool_id, number)) == loan:
            return False
        stock_id, _, name = loan.rpartition("@")
        at = self._lent.get(stock_id, {}).get(number)
        if at is None:  # the pool's own, or one that has left its stock too
            return (not stock_id and not record[_LEAVING]) or number in self._leaving
        if at != (pool_id, int(name)):
            return False
        self._arrived.add((stock_id, number))
        return True

    def stock_row(self, stock_id: str, row: Row) -> Row:
        """Return the row of a stock's number as it stands, when all pools' rows were asked for.

        One that is lent to a pool that doesn't have it is on its way there.
        """
        number, record, available, moving, history = row
        pool_id, loan = lent(row)
        there = not pool_id or (stock_id, number) in self._arrived
        if there or moving or self._left.get((pool_id, number)) == f"{stock_id}@{loan}":
            return row
        return [number, record, available, _pack([pool_id, loan]), history]


def lent(row: Row) -> Lent:
    """Which pool a row of a stock says that its number is lent to ("": none), and by which loan."""
    record = _unpack(row[1])
    return record[_POOL], record[_SINCE]


def loan_of(row: Row) -> str:
    """The loan by which a row of a pool has its number; "": it is the pool's own."""
    loan: str = _unpack(row[1])[_LENT_BY]
    return loan
