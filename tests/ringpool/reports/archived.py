"""Rows of an archive, as short as tests want to write them."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from ringpool.archive.database import Archive
from ringpool.archive.tables import ASSIGNMENTS, CALLS, CANDIDATES, OVERFLOWS, SOURCES

ACCOUNT, POOL = "newspress", "ad-placement"

_counted = itertools.count(1)


def ms(text: str) -> int:
    """Unix ms of an ISO 8601 time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class Archived:
    """An archive that a test writes to."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    async def _add(self, table: Any, **row: Any) -> None:
        async with self.archive.engine.begin() as connection:
            await connection.execute(insert(table), row)

    async def source(self, place: int, tuple_: str = "", **more: Any) -> int:
        """A source, known by ``place`` (1 and more)."""
        row = {"id": place, "account": ACCOUNT, "pool": POOL, "tuple": tuple_} | more
        await self._add(SOURCES, **row)
        return place

    async def assignment(self, source: int, at: str, clicks: int = 1, **more: Any) -> None:
        """An assignment that began at a time."""
        row = {
            "pool": POOL,
            "serial": next(_counted),
            "since": ms(at),
            "account": ACCOUNT,
            "source": source,
            "clicks": clicks,
            "calls": 0,
        }
        await self._add(ASSIGNMENTS, **row | more)

    async def overflow(self, source: int, at: str, **more: Any) -> None:
        """A visit that found no number."""
        row = {
            "pool": POOL,
            "at": ms(at),
            "entry": next(_counted),
            "account": ACCOUNT,
            "source": source,
        }
        await self._add(OVERFLOWS, **row | more)

    async def call(
        self,
        call: str,
        at: str,
        candidates: dict[int, float] | None = None,
        clicks: dict[int, tuple[str, str]] | None = None,
        **more: Any,
    ) -> None:
        """A call. ``candidates``: probability by source, 0 being nobody; None: not attributed yet.
        ``clicks``: the attributes of a candidate's first and last click.
        """
        ranked = sorted((candidates or {}).items(), key=lambda each: -each[1])
        best, probability = ranked[0] if ranked else (0, 0.0)
        row = {
            "account": ACCOUNT,
            "id": call,
            "pool": POOL,
            "number": "+18885550101",
            "overflow": False,
            "state": "ended",
            "started_at": ms(at),
            "attributed_at": ms(at) + 1 if ranked else 0,
            "source": best,
            "probability": probability,
            "nobody": (candidates or {}).get(0, 0.0),
        }
        row |= more
        await self._add(CALLS, **row)
        for rank, (source, share) in enumerate(ranked, 1):
            first, last = (clicks or {}).get(source, ("", ""))
            await self._add(
                CANDIDATES,
                account=row["account"],
                call=call,
                rank=rank,
                why="click" if source else "nobody",
                probability=share,
                started_at=row["started_at"],
                pool=row["pool"] if source else "",
                source=source,
                tuple=f"website={source}" if source else "",
                first_click=first,
                last_click=last,
                first_click_at=ms(at) - 60_000 if source else 0,
                last_click_at=ms(at) - 30_000 if source else 0,
                clicks=2 if source else 0,
            )
