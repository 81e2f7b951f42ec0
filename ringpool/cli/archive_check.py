"""What ``ringpool doctor`` says of the archive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from ringpool.archive.database import Archive, archive_url, away
from ringpool.archive.tables import LEDGERS
from ringpool.archive.upgrade import HEAD, knows
from ringpool.findings import Finding
from ringpool.settings import Settings

_WAIT_SECONDS = 10.0
_BEHIND_SECONDS = 60.0
"""It is written within some ten seconds."""

_MAX_SHOWN = 5


async def check_archive(
    settings: Settings, waiting: Mapping[str, tuple[int, float]]
) -> list[Finding]:
    """Report whether it is there and up to date, how far it is behind, and what was dropped.

    ``waiting``: of pools and stocks by name, how many messages the archive hasn't read, and for how
    many seconds the oldest has waited.
    """
    archive = Archive(archive_url(settings.database_url or "", settings.data_dir))
    kind = "PostgreSQL" if archive.partitioned else "SQLite"
    if not archive.begun:
        return [Finding("ok", "archive", "nothing in it yet")]
    try:
        async with asyncio.timeout(_WAIT_SECONDS), archive.engine.connect() as connection:
            old = await connection.run_sync(_outdated)
            dropped = 0
            if not old:
                of_all = select(func.coalesce(func.sum(LEDGERS.c.dropped), 0))
                dropped = int((await connection.execute(of_all)).scalar_one())
    except (TimeoutError, SQLAlchemyError, OSError) as error:
        message = f"{kind}, doesn't answer ({away(error)}): what ends waits in the store"
        return [Finding("fail", "archive", message)]
    finally:
        await archive.close()
    if old:
        return [Finding("warn", "archive", f"{kind}, {old}")]
    late = {name: seconds for name, (_, seconds) in waiting.items() if seconds > _BEHIND_SECONDS}
    messages = sum(messages for messages, _ in waiting.values())
    lost = f"; {dropped} entries were dropped since it began" if dropped else ""
    if late:
        worst = sorted(late, key=lambda name: late[name], reverse=True)
        named = ", ".join(worst[:_MAX_SHOWN])
        more = f" and {len(worst) - _MAX_SHOWN} more" if len(worst) > _MAX_SHOWN else ""
        message = (
            f"{kind}, {late[worst[0]]:.0f} s behind, as no service runs or none can write: "
            f"{messages} messages wait, longest in {named}{more}{lost}"
        )
        return [Finding("warn", "archive", message)]
    return [Finding("ok", "archive", f"{kind}, up to date, {messages} messages wait{lost}")]


def _outdated(connection: Connection) -> str:
    """What is wrong with its tables; "": nothing."""
    if not inspect(connection).has_table("alembic_version"):
        return "has no tables: a start of `ringpool serve` makes them"
    present = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if present == HEAD:
        return ""
    if knows(present):
        return "its tables are an older version's: a start of `ringpool serve` mends that"
    return "its tables are a newer version's: this one writes nothing, and what ends waits"
