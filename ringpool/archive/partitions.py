"""The months that PostgreSQL keeps the large tables in: made before the first row of one comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

_DAY_MS = 86_400_000
_DAYS = 2_900_000
"""Years have four digits that long."""

_MADE = (
    "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({start}) TO ({end})"
)


class Partitions:
    """Those of a database. Nothing is done where it is SQLite."""

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()

    def missing(self, table: Table, times: Iterable[int]) -> set[int]:
        """When those months began (Unix ms) that rows of these times may not have yet.

        A time that is no calendar's has no month: the database doesn't take its row.
        """
        days = {at // _DAY_MS for at in times}
        months = {month_of(day * _DAY_MS) for day in days if 0 <= day < _DAYS}
        return {month for month in months if (table.name, month) not in self._known}

    async def make(self, connection: AsyncConnection, table: Table, times: Iterable[int]) -> None:
        """See to it that rows of these times (Unix ms) have their month, in this transaction."""
        if connection.dialect.name != "postgresql":
            return
        for start in sorted(self.missing(table, times)):
            name = f"{table.name}_{datetime.fromtimestamp(start / 1000, UTC):%Y_%m}"
            end = month_after(start)
            made = _MADE.format(name=name, table=table.name, start=start, end=end)
            await connection.execute(text(made))

    def know(self, table: Table, times: Iterable[int]) -> None:
        """They are there: the transaction is committed."""
        self._known.update((table.name, month) for month in self.missing(table, times))

    def forget(self) -> None:
        """Some may be gone: whoever keeps history for a time only drops old months."""
        self._known.clear()


def month_of(at: int) -> int:
    """When the month (UTC) of a time began, both Unix ms."""
    begun = datetime.fromtimestamp(at / 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(begun.replace(microsecond=0).timestamp()) * 1000


def month_after(at: int) -> int:
    """When the month after that of a time begins, both Unix ms."""
    return month_of(month_of(at) + 32 * _DAY_MS)
