"""Audits that pools and stocks have the rules in the store that the configuration gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import msgspec

from allocator import claims
from allocator.allocator import Allocator
from allocator.port import Store
from allocator.replies import StoredRules
from allocator.transfers import Transfers
from ringpool.catalog.areas import NOTHING
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.plan import RulesEdit, Runner, StockEdit
from ringpool.catalog.store import CatalogStore
from ringpool.findings import Finding, fault
from ringpool.model import rules

_PAUSE_SECONDS = 0.2
_READINGS = 10

_Wrong = dict[tuple[str, str], tuple[str, RulesEdit | StockEdit | None]]
"""By kind and id: what is wrong, and the step that mends it (None: nothing does)."""


async def check_rules(
    store: Store,
    catalog: Catalog,
    pools: Collection[str],
    stocks: Collection[str],
    *,
    repair: bool,
) -> list[Finding]:
    """Audit these pools and stocks; give them the configuration's rules where ``repair`` is given.

    What is wrong is looked at again, so that no change under way is told. Raises StoreUnavailable;
    where it repairs CatalogBusy and LockLost too.
    """
    kept = CatalogStore(store)
    state = await kept.state()
    wrong = await _wrong(store, catalog, frozenset(pools), frozenset(stocks))
    for _ in range(_READINGS):
        if not wrong:
            return []
        await asyncio.sleep(_PAUSE_SECONDS)
        earlier, state = state, await kept.state()
        again = await _wrong(store, catalog, *_names(wrong))
        still, wrong = again.keys() & wrong.keys(), again
        if not (state.planned or state.locked) and earlier.revision == state.revision:
            wrong = {name: again[name] for name in still}
            break
    mended: set[tuple[str, str]] = set()
    if repair and wrong:
        runner = Runner(kept, Allocator(store), catalog.stocks, Transfers(store))
        async with catalog.locked() as token:
            for name, (_, step) in (await _wrong(store, catalog, *_names(wrong))).items():
                if step is not None:
                    await kept.renew(token)
                    await runner.run(token, [step])
                    mended.add(name)
            mended -= (await _wrong(store, catalog, *_names(wrong))).keys()
    return [
        fault(f"{kind} {name}", message, repaired=(kind, name) in mended)
        for (kind, name), (message, _) in sorted(wrong.items())
    ]


def _names(wrong: _Wrong) -> tuple[list[str], list[str]]:
    pools = [name for kind, name in wrong if kind == "pool"]
    return pools, [name for kind, name in wrong if kind == "stock"]


async def _wrong(
    store: Store, catalog: Catalog, pools: Collection[str], stocks: Collection[str]
) -> _Wrong:
    revision, known = await catalog.entities()
    quotas = {account.id: account.quota for account in known.accounts}
    wrong: _Wrong = {}
    for pool in known.pools:
        if pool.id not in pools:
            continue
        areas = known.areas.get(pool.id, "") if pool.match is not None else ""
        of_stock = known.kinds.get(pool.id, NOTHING) if pool.kind is not None else ""
        given = rules(pool, areas, quotas.get(pool.account), of_stock)
        wanted = RulesEdit(pool.id, given, revision)
        stored = await claims.stored_rules(store, pool.id)
        if stored is None:
            message = "the configuration names it, but the store has no such pool"
            wrong["pool", pool.id] = (message, wanted)
        elif stored and not _same(stored, wanted):
            later = isinstance(stored[0], int) and stored[0] > revision
            message = "its rules aren't the configuration's"
            wrong["pool", pool.id] = (message, None if later else wanted)
    for stock in known.stocks:
        if stock.id not in stocks:
            continue
        quarantine, _ = await claims.stock_claims(store, stock.id, ())
        if quarantine != stock.quarantine:
            message = "its quarantine isn't the configuration's"
            wanted_of_stock = StockEdit(stock.id, int(stock.quarantine), quiet=int(stock.quiet))
            wrong["stock", stock.id] = (message, wanted_of_stock)
    return wrong


def _same(stored: list[Any], wanted: RulesEdit) -> bool:
    """Whether these are the rules; those of an earlier version end earlier."""
    expected = msgspec.to_builtins(StoredRules.of(wanted.pool, wanted.rules, wanted.revision))
    return bool(stored[1:] == expected[1 : len(stored)])
