"""Audits what the catalog keeps beside its documents: references, versions, histories, the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from allocator.port import Store
from ringpool.catalog.areas import StoredConfiguration
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.change import numbered
from ringpool.catalog.store import CatalogStore, IndexPage
from ringpool.findings import Finding, fault

_A_PAGE = 200
_PARTS = ("versions", "documents", "histories", "departed", "changes", "details")
_READINGS = 10


async def check_indexes(
    store: Store, catalog: Catalog, known: StoredConfiguration, *, repair: bool
) -> list[Finding]:
    """Audit the catalog, and mend it where ``repair`` is given.

    Raises StoreUnavailable; where it repairs CatalogBusy and LockLost too.
    """
    kept = CatalogStore(store)
    findings = list(_references(known))
    async with catalog.locked() if repair else nullcontext("") as token:
        for part in _PARTS:
            for field, what in await _audit(kept, part, token):
                findings.append(fault("configuration", f"{field}: {what}", repaired=repair))
        wrong = await _miscounted(kept, token)
        if wrong and repair:
            await kept.count_log(token, wrong)
        for name in wrong:
            message = f"{name} of the log of changes is counted wrong"
            findings.append(fault("configuration", message, repaired=repair))
    return findings


def _references(known: StoredConfiguration) -> Iterator[Finding]:
    """What names something that isn't there, or what another has: nobody else can mend it."""
    accounts = {account.id for account in known.accounts}
    stocks = {stock.id for stock in known.stocks}
    for kind, entity in numbered(known):
        if entity.account not in accounts:
            yield fault(f"{kind} {entity.id}", f"its account {entity.account} isn't there")
    for pool in known.pools:
        if pool.stock_id and pool.stock_id not in stocks:
            yield fault(f"pool {pool.id}", f"its stock {pool.stock_id} isn't there")
    keys: dict[str, str] = {}
    for account in known.accounts:
        for key in account.keys:
            for hashed in (key.hash, *([key.former.hash] if key.former else [])):
                if keys.setdefault(hashed, account.id) != account.id:
                    message = f"its API key {key.name} is account {keys[hashed]}'s too"
                    yield fault(f"account {account.id}", message)


async def _audit(kept: CatalogStore, part: str, token: str) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], None] = {}
    page = await kept.audit_page(part, "0", _A_PAGE, token)
    found.update(dict.fromkeys(map(tuple, page.found)))  # type: ignore[arg-type]
    while page.cursor != "0":
        page = await kept.audit_page(part, page.cursor, _A_PAGE, token)
        found.update(dict.fromkeys(map(tuple, page.found)))  # type: ignore[arg-type]
    return list(found)


async def _miscounted(kept: CatalogStore, token: str) -> dict[str, int]:
    """Return the log's counters that are wrong, as they should be."""
    for _ in range(_READINGS):
        wrong, changed = await _count(kept, token)
        if not wrong or not changed:
            return wrong
    return {}


async def _count(kept: CatalogStore, token: str) -> tuple[dict[str, int], bool]:
    """The counters that are wrong, and whether the log was changed meanwhile."""
    wrong: dict[str, int] = {}
    revisions: set[int] = set()
    for place, part in ((0, "changes"), (2, "details")):
        sizes: dict[int, int] = {}
        page = IndexPage("", [], [], [], 0)
        while page.cursor != "0":
            page = await kept.audit_page(part, page.cursor or "0", _A_PAGE, token)
            sizes |= {int(revision): size for revision, size in page.sizes}
            revisions.add(page.revision)
        first = page.counters[place]
        # Details are few: the first that is kept may be a later one.
        if sizes and (first > min(sizes) or (part == "changes" and first != min(sizes))):
            wrong[f"{part}_first"] = min(sizes)
        if page.counters[place + 1] != sum(sizes.values()):
            wrong[f"{part}_bytes"] = sum(sizes.values())
    return wrong, len(revisions) > 1
