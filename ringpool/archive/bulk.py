"""Many rows written by one statement, without what SQLAlchemy does for each of them.

That is a third of the time of a page: rows are what the drivers take already.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.ext.asyncio import AsyncConnection


async def execute_many(
    connection: AsyncConnection,
    statement: PostgresInsert | SqliteInsert,
    rows: Sequence[dict[str, Any]],
) -> None:
    """Execute an insert for each row. All rows have values for the same columns."""
    if not rows:
        return
    compiled: Any = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup
    fixed = {name: compiled.params[name] for name in names if name not in rows[0]}
    values = itemgetter(*names)
    await connection.exec_driver_sql(
        str(compiled), [values(fixed | row) if fixed else values(row) for row in rows]
    )
