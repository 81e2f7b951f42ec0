"""The configuration as a worker has it: an immutable snapshot, replaced when it changes.

Requests are answered from it without asking the store, also while the store is away.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha256

from msgspec import Struct

from allocator.answers import Rules
from allocator.port import StoreUnavailable
from ringpool.catalog.catalog import Catalog
from ringpool.model import Account, Configuration, Pool, Stock, rules

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_MIN_LOOK_SECONDS = 0.05
"""Shortest time between two reads of the store for pools that aren't in the snapshot."""


class PreparedPool(Struct, frozen=True):
    """A pool with what every answer needs of it. ``pool.numbers`` is UNSET here."""

    pool: Pool
    account: Account
    rules: Rules


class Snapshot:
    """One revision of the configuration, without the numbers that pools and stocks hand out."""

    def __init__(self, revision: int, configuration: Configuration) -> None:
        self.revision = revision
        self.accounts: Mapping[str, Account] = {
            account.id: account for account in configuration.accounts
        }
        self.stocks: Mapping[str, Stock] = {stock.id: stock for stock in configuration.stocks}
        self.pools: Mapping[str, PreparedPool] = {
            pool.id: PreparedPool(pool, self.accounts[pool.account], rules(pool))
            for pool in configuration.pools
        }
        self._targets: dict[str, dict[str, PreparedPool]] = {}
        self._overflow: dict[str, list[PreparedPool]] = {}
        for prepared in self.pools.values():
            for target in prepared.pool.swap_targets:
                self._targets.setdefault(prepared.account.id, {})[target] = prepared
            if prepared.rules.overflow_number:
                self._overflow.setdefault(prepared.rules.overflow_number, []).append(prepared)

    def account_of_key(self, key: str) -> Account | None:
        """Return the account that has this API key.

        Looked up by a digest, so that the time it takes tells nothing of the keys that there are.
        """
        return self._accounts_by_key.get(sha256(key.encode()).digest())

    @cached_property
    def _accounts_by_key(self) -> Mapping[bytes, Account]:
        return {
            sha256(key.encode()).digest(): account
            for account in self.accounts.values()
            for key in account.api_keys
        }

    def targets(self, account_id: str) -> Mapping[str, PreparedPool]:
        """Return an account's target numbers (E.164) and the pool that replaces each."""
        return self._targets.get(account_id, {})

    def overflow_pools(self, number: str) -> Sequence[PreparedPool]:
        """Return the pools that give this number (E.164) when they are exhausted."""
        return self._overflow.get(number, ())


class SnapshotKeeper:
    """Keeps a worker's snapshot up to date. ``current`` is empty until the first refresh."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._refreshing = asyncio.Lock()
        self._next_look: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self.current = Snapshot(0, Configuration())

    async def refresh(self) -> None:
        """Read a newer revision if there is one; raises StoreUnavailable."""
        async with self._refreshing:
            await self._refresh()

    async def run(self) -> None:
        """Refresh every 0.5 s until cancelled. With the store away, the last snapshot stays."""
        away = False
        while True:
            try:
                await self.refresh()
                away = False
            except StoreUnavailable as error:
                if not away:
                    _log.warning("the configuration isn't refreshed: %s", error)
                away = True
            except Exception:  # an error in one refresh must not end all later ones
                _log.exception("the configuration isn't refreshed")
            await asyncio.sleep(_POLL_SECONDS)

    async def pool(self, pool_id: str) -> PreparedPool | None:
        """Return a pool; one that isn't in the snapshot is looked for in the store.

        Another worker may just have made it. Concurrent callers share one read, which begins after
        they called.
        """
        known = self.current.pools.get(pool_id)
        if known is None:
            if self._next_look is None:
                self._next_look = asyncio.create_task(self._look())
            await asyncio.shield(self._next_look)
            known = self.current.pools.get(pool_id)
        return known

    async def _look(self) -> None:
        await asyncio.sleep(max(0.0, self._looked + _MIN_LOOK_SECONDS - time.monotonic()))
        async with self._refreshing:
            self._looked = time.monotonic()
            self._next_look = None  # a caller from now on may need a later revision
            with suppress(StoreUnavailable):
                await self._refresh()

    async def _refresh(self) -> None:
        if await self._catalog.revision() != self.current.revision:
            self.current = Snapshot(*await self._catalog.entities())
