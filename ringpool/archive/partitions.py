"""The months that PostgreSQL keeps the large tables in: made before the first row of one comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

    def __init__(self, *, needed: bool) -> None:
        self._needed = needed
        self._known: set[tuple[str, int]] = set()

    def missing(self, times: Mapping[Table, Iterable[int]]) -> set[tuple[Table, int]]:
        """The months, by when they began, that rows of these times (Unix ms) may not have yet.

        A time that is no calendar's has none: the database doesn't take its row.
        """
        if not self._needed:
            return set()
        return {
            (table, month)
            for table, of_table in times.items()
            for month in {
                month_of(day * _DAY_MS)
                for day in {at // _DAY_MS for at in of_table}
                if 0 <= day < _DAYS
            }
            if (table.name, month) not in self._known
        }

    async def make(self, connection: AsyncConnection, months: Iterable[tuple[Table, int]]) -> None:
        """Make months that aren't there, in a transaction of their own."""
        for table, start in sorted(months, key=lambda each: (each[0].name, each[1])):
            began = datetime.fromtimestamp(start / 1000, UTC)
            made = _MADE.format(
                name=f"{table.name}_{began:%Y_%m}",
                table=table.name,
                start=start,
                end=month_after(start),
            )
            await connection.execute(text(made))

    def know(self, months: Iterable[tuple[Table, int]]) -> None:
        """They are there: the transaction is committed."""
        self._known.update((table.name, start) for table, start in months)

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
