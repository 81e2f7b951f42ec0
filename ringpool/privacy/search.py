"""A person looked for everywhere, and forgotten: until nothing of them is found any more.

What ledgers have is brought into the archive first. Each pass has the archive's turn, so that
nobody writes what was read before it. A number that moves between a stock and a pool is in neither
for a moment: so a pass that finds nothing counts only when so much time has gone by since something
was found as such a move can take.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from allocator.allocator import Allocator
from allocator.ledger import Kind, Ledgers
from allocator.orphans import place_of
from allocator.port import ScannedStore
from ringpool.archive.database import Archive, away
from ringpool.archive.turn import turn
from ringpool.archive.writer import ArchiveWriter
from ringpool.catalog.catalog import Catalog
from ringpool.privacy import in_archive, in_store
from ringpool.privacy.in_store import Found, Keys
from ringpool.privacy.person import Person
from ringpool.privacy.traces import Trace

SETTLE_SECONDS = 6.0
"""A move from a stock is valid for 5 s (``lua/include/pool_arrivals.lua``)."""

_MOST_PASSES = 20
_WAIT_SECONDS = 120.0
"""For the archive's turn: attribution may be busy with it."""

AsPerson = Callable[[set[str]], Person]
"""Makes the person, told every account that there is."""


class Forgotten(NamedTuple):
    """``removed``: what was theirs. ``left``: where they are named still. ``whole``: every key of
    the store was looked at."""

    removed: list[Trace]
    left: list[Trace]
    whole: bool


class Search:
    """Looks through a store and an archive. Methods raise StoreUnavailable and ArchiveAway."""

    def __init__(
        self,
        store: ScannedStore,
        archive: Archive,
        catalog: Catalog,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._store = store
        self._archive = archive
        self._catalog = catalog
        self._settle_seconds = settle_seconds
        self._allocator = Allocator(store)
        self._writer = ArchiveWriter(archive, Ledgers(store))

    async def known(self, as_person: AsPerson) -> list[Trace]:
        """Return all that is known of a person."""
        found, _ = await self._pass(as_person, remove=False)
        return found.traces

    async def forget(self, as_person: AsPerson) -> Forgotten:
        """Take a person out of everything. Repeatable, also where it was broken off.

        What was found in every pass, to the last, is *left*: somebody goes on writing it.
        """
        removed: list[Trace] = []
        settled = float("-inf")
        for _ in range(_MOST_PASSES):
            found, whole = await self._pass(as_person, remove=True)
            removed += found.traces
            under_way = [trace for trace in found.left if trace.where.endswith(": ledger")]
            if found.traces or under_way:
                settled = time.monotonic() + self._settle_seconds
            elif time.monotonic() >= settled:
                break
            await asyncio.sleep(max(0.0, min(settled - time.monotonic(), self._settle_seconds)))
        else:  # they come as fast as they go
            return Forgotten(removed, found.left + found.traces, whole)
        return Forgotten(removed, found.left, whole)

    async def _pass(self, as_person: AsPerson, *, remove: bool) -> tuple[Found, bool]:
        await self._archive.prepare()
        async with turn(self._archive, _WAIT_SECONDS):
            keys = await in_store.keys_of(self._store, self._catalog)
            await self._drain(keys)
            try:
                person = as_person(await self._accounts())
                in_keys = await in_store.look(
                    self._store, self._allocator, keys, person, remove=remove
                )
                if remove and in_keys.traces:
                    await self._drain(keys)
                async with self._archive.engine.begin() as connection:
                    in_rows = await in_archive.look(connection, person, remove=remove)
            except (DBAPIError, OSError) as error:
                raise away(error) from error
        found = Found(in_keys.traces + in_rows.traces, in_keys.left + in_rows.left)
        return found, keys.whole

    async def _drain(self, keys: Keys) -> None:
        """Bring what ledgers have into the archive, where it is found."""
        _, known = await self._catalog.entities()
        owners = {("pool", pool.id): pool.account for pool in known.pools}
        owners |= {("stock", stock.id): stock.account for stock in known.stocks}
        for key in keys.names:
            kind, name = place_of(key)
            if key.endswith(":ledger") and name:
                of_kind: Kind = "stock" if kind == "stock" else "pool"
                await self._writer.write(of_kind, name, owners.get((of_kind, name), ""))

    async def _accounts(self) -> set[str]:
        _, known = await self._catalog.entities()
        async with self._archive.engine.connect() as connection:
            archived = await in_archive.accounts_of(connection)
        return archived | {account.id for account in known.accounts}
