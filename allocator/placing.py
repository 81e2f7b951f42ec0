"""Copies of pools and of their stock, made one after the other, that agree on every number.

Pools are read first. What moved before the stock was read is put back to where the pools have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from allocator.copying import Copied

_unpack = msgspec.msgpack.Decoder(list[Any]).decode
_pack = msgspec.msgpack.Encoder().encode

_LENT_BY = 9  # of a pool's record (lua/include/pool_record.lua)
_POOL, _SINCE, _AREA = 0, 1, 3  # of a stock's (lua/include/stock_keys.lua)

_META, _NUMBERS, _AVAILABLE, _MOVING, _HISTORY, _SHELVES = range(6)


class Torn(Exception):
    """A number went on from one pool to another meanwhile: read all of it again."""


class Lent:
    """The lent numbers that copies of pools have."""

    def __init__(self) -> None:
        self._of_stock: dict[str, dict[bytes, tuple[str, int]]] = {}
        self._left: set[tuple[str, bytes]] = set()

    def note(self, pool_id: str, copied: Sequence[Copied]) -> None:
        """Note what a pool has; raises Torn when another pool has one of its lent numbers too."""
        for one in copied:
            name = one.key.rpartition(":")[2]
            if name == "outbox":
                self._left.update((pool_id, number) for number in one.values[::2])
            elif name == "numbers":
                for number, record in zip(one.values[::2], one.values[1::2], strict=True):
                    stock, _, loan = _unpack(record)[_LENT_BY].rpartition("@")
                    if stock:
                        of_stock = self._of_stock.setdefault(stock, {})
                        if number in of_stock:
                            raise Torn
                        of_stock[number] = (pool_id, int(loan))

    def agreeing(
        self, stock_id: str, early: Sequence[Copied], late: Sequence[Copied]
    ) -> list[Copied]:
        """Return the copy ``late`` of a stock as it agrees with the pools' copies.

        ``early``: one of before the pools were read, for the former holders of what went out since.
        One that a pool's copy has is lent to it; one that is lent to a pool whose copy doesn't have
        it is on its way there, and whoever finishes moves brings it in. Raises Torn.
        """
        hashes = [dict(zip(one.values[::2], one.values[1::2], strict=True)) for one in late]
        numbers, moving, history = hashes[_NUMBERS], hashes[_MOVING], hashes[_HISTORY]
        before = early[_HISTORY].values
        histories = dict(zip(before[::2], before[1::2], strict=True))
        lent = self._of_stock.get(stock_id, {})
        for number, (pool_id, loan) in lent.items():
            if number not in numbers:
                raise Torn  # it has left the stock, and belongs to nobody
            record = _unpack(numbers[number])
            if (record[_POOL], record[_SINCE]) == (pool_id, loan):
                continue
            end = hashes[_AVAILABLE].pop(number, None)
            if end is not None and len(record) > _AREA and record[_AREA] is not None:
                member = f"{record[_AREA]}:{int(float(end)):011x}".encode() + number
                hashes[_SHELVES].pop(member, None)
            moving.pop(number, None)
            record[_POOL], record[_SINCE] = pool_id, loan
            numbers[number] = _pack(record)
        for number, packed in numbers.items():
            pool_id, since = _unpack(packed)[: _SINCE + 1]
            elsewhere = number in lent or number in moving or (pool_id, number) in self._left
            if pool_id and not elsewhere:
                moving[number] = _pack([pool_id, since])
                if number in histories:
                    history.setdefault(number, histories[number])
        return [
            one._replace(values=[value for pair in found.items() for value in pair])
            for one, found in zip(late, hashes, strict=True)
        ]
