"""What may be removed: nothing that something else needs, and no pool or stock with numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from allocator.allocator import Allocator
from allocator.ledger import Ledgers
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from ringpool.catalog.audit import Entities
from ringpool.catalog.plan import RulesEdit
from ringpool.catalog.store import CatalogStore
from ringpool.faults import Fault
from ringpool.model import Account, Kind, Pool

Removed = tuple[Kind, str]
"""Kind and id of what is to be removed."""


class Removals:
    """``hand_on``: records what left a pool (``Catalog.hand_on``)."""

    def __init__(
        self,
        store: CatalogStore,
        allocator: Allocator,
        stocks: Stocks,
        ledgers: Ledgers,
        hand_on: Callable[[str], Awaitable[int]],
    ) -> None:
        self._store = store
        self._allocator = allocator
        self._stocks = stocks
        self._ledgers = ledgers
        self._hand_on = hand_on

    async def check(self, kind: Kind, name: str, after: Entities) -> None:
        """Raise a Fault if an entity is still needed. ``after``: what there will be without it."""
        if kind == "account":
            for (of_it, _), entity in after.items():
                if not isinstance(entity, Account) and entity.account == name:
                    raise Fault("account", f"{name} still has {of_it} {entity.id}")
        elif kind == "stock":
            for pool in after.values():
                if isinstance(pool, Pool) and pool.stock_id == name:
                    raise Fault("stock", f"pool {pool.id} grows from {name}")
            size = (await self._stocks.status(name)).size
            if size or await self._store.list_of(f"stock/{name}"):
                raise Fault("stock", f"{name} still has {size} numbers")
        else:
            for pool in after.values():
                if isinstance(pool, Pool) and pool.fallback == name:
                    raise Fault("pool", f"pool {pool.id} falls back on {name}")
            if await self._store.list_of(f"pool/{name}") or await self._size(name):
                raise _with_numbers(name)

    async def forget(self, pools: Sequence[Pool], kept: Callable[[Pool], RulesEdit]) -> None:
        """Delete what the allocator has of pools without numbers; a Fault if one has some again.

        ``kept``: what gives those their rules again that are to stay after all. A death between
        this and the plan leaves pools that answer as if they were unknown, until they are deleted
        again.
        """
        for index, pool in enumerate(pools):
            if not await self._forgotten(pool.id):
                for edit in map(kept, pools[:index]):
                    await self._allocator.edit(edit.pool, edit.rules, edit.revision)
                raise _with_numbers(pool.id)

    async def _size(self, pool_id: str) -> int:
        try:
            await self._hand_on(pool_id)
            return (await self._allocator.status(pool_id)).size
        except UnknownPool:
            return 0

    async def _forgotten(self, pool_id: str) -> bool:
        await self._ledgers.note_unread([("pool", pool_id)])
        try:
            return await self._allocator.forget(pool_id)
        except UnknownPool:
            return True


def _with_numbers(pool_id: str) -> Fault:
    message = f"{pool_id} still has numbers: remove them, and wait until they have drained"
    return Fault("pool", message)
