"""Events of calls, written into an archive as its writer does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ringpool.archive import calls
from ringpool.archive.database import Archive, archive_url
from ringpool.archive.tables import CALL_EVENTS
from ringpool.calls.events import CallDocument, EventKind, encode_document

BEGAN = 1_764_000_000_000
NUMBER = "+18885550101"


def event(call: str, kind: str, seconds: int = 0, pool: str = "p", **more: Any) -> dict[str, Any]:
    """A row of the events, so many seconds after a call began."""
    account, number = more.pop("account", "a"), more.pop("number", NUMBER)
    at = BEGAN + seconds * 1000
    document = CallDocument(
        account=account, id=call, event=EventKind(kind), number=number, at=at, **more
    )
    return {
        "account": account,
        "call": call,
        "event": kind,
        "at": at,
        "received_at": at,
        "pool": pool,
        "number": number,
        "overflow": False,
        "document": encode_document(document).decode(),
    }


async def tell(connection: AsyncConnection, *events: dict[str, Any]) -> None:
    """Write events, and the rows of their calls."""
    await connection.execute(insert(CALL_EVENTS), events)
    await calls.merge(connection, {(each["account"], each["call"]) for each in events})


async def tell_in(data_dir: Path, *events: dict[str, Any]) -> None:
    """The same in the archive of a data directory."""
    archive = Archive(archive_url("", data_dir))
    try:
        await archive.prepare()
        async with archive.engine.begin() as connection:
            await tell(connection, *events)
    finally:
        await archive.close()
