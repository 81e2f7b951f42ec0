"""The months that PostgreSQL keeps the large tables in: made when the first row of one comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

_MADE = (
    "CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({start}) TO ({end})"
)


class Partitions:
    """Those of a database. Nothing is done where it is SQLite."""

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()

    async def make(self, connection: AsyncConnection, table: Table, times: Iterable[int]) -> None:
        """See to it that rows of these times (Unix ms) have their month, in this transaction."""
        if connection.dialect.name != "postgresql":
            return
        for start in {month_of(at) for at in times}:
            if (table.name, start) not in self._known:
                began = datetime.fromtimestamp(start / 1000, UTC)
                end = month_of(start + 32 * 86_400_000)
                name = f"{table.name}_{began:%Y_%m}"
                made = _MADE.format(name=name, table=table.name, start=start, end=end)
                await connection.execute(text(made))

    def know(self, table: Table, times: Iterable[int]) -> None:
        """They are there: the transaction is committed."""
        self._known.update((table.name, month_of(at)) for at in times)


def month_of(at: int) -> int:
    """When the month (UTC) of a time began, both Unix ms."""
    begun = datetime.fromtimestamp(at / 1000, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(begun.replace(microsecond=0).timestamp()) * 1000
