"""Audits a whole store in use, part by part, and mends it: what ``ringpool check`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from allocator.pool_audit import Flaw, audit_pool, audit_stock
from allocator.port import ScannedStore
from allocator.replies import UnknownPool
from ringpool.catalog.catalog import Catalog
from ringpool.findings import Finding, fault
from ringpool.model import Configuration
from ringpool.store_check.index_check import check_indexes
from ringpool.store_check.number_check import NumberCheck
from ringpool.store_check.orphan_check import check_orphans
from ringpool.store_check.rules_check import check_rules


class StoreParts(NamedTuple):
    """Ids of pools and stocks."""

    pools: Sequence[str]
    stocks: Sequence[str]

    @classmethod
    def all_of(cls, known: Configuration) -> StoreParts:
        """All that are configured."""
        return cls([pool.id for pool in known.pools], [stock.id for stock in known.stocks])


def _unheard(_: object) -> None:
    """Called with how far an audit is."""


class StoreCheck:
    """Audits a store. ``at`` is called with what is looked at, ``seen`` with how many entries were.

    The order is one in which each part can rely on those before: pools and stocks by themselves,
    their rules, numbers over all of them, the catalog, and what belongs to none of it.
    """

    def __init__(
        self,
        store: ScannedStore,
        catalog: Catalog,
        at: Callable[[str], None] = _unheard,
        seen: Callable[[int], None] = _unheard,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._at = at
        self._seen = seen

    async def run(self, parts: StoreParts | None = None, *, repair: bool) -> list[Finding]:
        """Audit some parts, or (None) all of it; what is wrong fails, what was repaired warns.

        Raises StoreUnavailable; where it repairs CatalogBusy and LockLost too.
        """
        store, catalog = self._store, self._catalog
        findings: list[Finding] = []
        if repair:
            await catalog.finish_pending()
        if pending := await catalog.pending():
            message = f"a change has {pending} steps left: a running service finishes it"
            findings.append(Finding("warn", "configuration", message))
        _, known = await catalog.entities()
        pools, stocks = parts or StoreParts.all_of(known)
        for done, pool in enumerate(pools, 1):
            self._at(f"pool {pool}, {done} of {len(pools)}")
            findings += await self._pool(pool, repair)
        self._at("rules")
        wrong = await check_rules(store, catalog, pools, stocks, repair=repair)
        findings += wrong
        again = {finding.subject for finding in wrong if finding.level == "warn"}
        for pool in pools:
            if f"pool {pool}" in again:  # it may have had none, and wasn't looked at
                findings += await self._pool(pool, repair)
        for done, stock in enumerate(stocks, 1):
            self._at(f"stock {stock}, {done} of {len(stocks)}")
            flaws = await audit_stock(store, stock, repair=repair, seen=self._seen)
            findings += [_finding(f"stock {stock}", flaw) for flaw in flaws]
        self._at("numbers")
        numbers = NumberCheck(store, catalog, known, self._seen)
        findings += await numbers.run(pools, stocks, repair=repair)
        if parts is None:
            findings += await check_indexes(store, catalog, known, repair=repair)
            self._at("keys")
            findings += await check_orphans(store, catalog, self._seen, repair=repair)
        return findings

    async def _pool(self, pool: str, repair: bool) -> list[Finding]:
        try:
            flaws = await audit_pool(self._store, pool, repair=repair, seen=self._seen)
        except UnknownPool:
            return []  # that its rules are missing is told of them
        return [_finding(f"pool {pool}", flaw) for flaw in flaws]


def _finding(subject: str, flaw: Flaw) -> Finding:
    message = f"{flaw.number}: {flaw.message}" if flaw.number else flaw.message
    return fault(subject, message, repaired=flaw.mended == 1)
