"""Looks through a whole store for keys that belong to nothing that is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext

from allocator import claims
from allocator.keys import (
    CATALOG,
    EVERY_KEY,
    FORMER_POOL_KEYS,
    INSTALLATION,
    NOTIFICATIONS,
    UNREAD_LEDGERS,
    pool_keys,
    stock_keys,
)
from allocator.ledger import Ledgers
from allocator.orphans import Place, examine, place_of
from allocator.port import NotPermitted, ScannedStore
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import CatalogStore, is_catalog_key, list_owner
from ringpool.findings import Finding, fault
from ringpool.times import format_rfc3339

_MOST = 1000
"""Places that are looked at closely in one audit, so that memory is bounded."""

_MOST_NAMED = 10
_PAUSE_SECONDS = 0.2
_READINGS = 10
_OTHER_KEYS = (INSTALLATION, NOTIFICATIONS, UNREAD_LEDGERS)
_OTHERS = (f"{CATALOG}lease:", f"{CATALOG}key-used:")


async def check_orphans(
    store: ScannedStore, catalog: Catalog, seen: Callable[[int], None], *, repair: bool
) -> list[Finding]:
    """Report keys of pools, stocks and lists that aren't configured, and keys that nobody knows.

    ``repair`` removes the former unless a guarantee runs in them. Raises StoreUnavailable; where it
    repairs CatalogBusy and LockLost too.
    """
    names = await _configured(catalog)
    suspects: set[Place] = set()
    strange: set[str] = set()
    more = 0
    try:
        async for page in store.scan(EVERY_KEY):
            seen(len(page))
            for key in page:
                place = _place(key)
                if place in names:
                    continue
                if not place.kind:
                    if len(strange) <= _MOST_NAMED:
                        strange.add(key)
                elif len(suspects) < _MOST or place in suspects:
                    suspects.add(place)
                else:
                    more += 1
    except NotPermitted:
        message = "not looked for any that belong to nothing: the store's user may not SCAN"
        return [Finding("warn", "keys", message)]
    kept = CatalogStore(store)
    findings: list[Finding] = []
    unread: set[Place] = set()
    async with catalog.locked() if repair else nullcontext("") as token:
        if suspects:
            suspects = await _still(catalog, kept, suspects, patient=not repair)
            unread = {Place(each.kind, each.name) for each in await Ledgers(store).unread()}
        for place in sorted(suspects):
            if repair:
                await kept.renew(token)
            finding = await _look(store, place, names, repair=repair, waits=place in unread)
            if finding:
                findings.append(finding)
    if more:
        findings.append(fault("keys", f"{more} further ones belong to nothing: look again"))
    findings += [
        Finding("warn", "keys", f"{key}: this version doesn't know what it is")
        for key in sorted(strange)[:_MOST_NAMED]
    ]
    if len(strange) > _MOST_NAMED:
        findings.append(Finding("warn", "keys", "there are further ones that it doesn't know"))
    return findings


def _place(key: str) -> Place:
    """What a key belongs to; of the catalog only lists of numbers belong to something else."""
    place = place_of(key)
    if place.kind != "catalog":
        return place
    owner = list_owner(key)
    if owner is not None:
        return Place("list", owner)
    known = is_catalog_key(key) or key in _OTHER_KEYS or key.startswith(_OTHERS)
    return place if known else Place("")


async def _configured(catalog: Catalog) -> set[Place]:
    _, known = await catalog.entities()
    pools = [pool.id for pool in known.pools]
    stocks = [stock.id for stock in known.stocks]
    places = {Place("catalog"), Place("rate")}
    places |= {Place("pool", name) for name in pools} | {Place("stock", name) for name in stocks}
    places |= {Place("list", f"pool/{name}") for name in pools}
    places |= {Place("list", f"stock/{name}") for name in stocks}
    return places


async def _still(
    catalog: Catalog, kept: CatalogStore, suspects: set[Place], *, patient: bool
) -> set[Place]:
    """Those that still belong to nothing while nobody changes the configuration."""
    for _ in range(_READINGS):
        state = await kept.state()
        suspects = suspects - await _configured(catalog)
        if not suspects or not patient or not (state.planned or state.locked):
            return suspects
        await asyncio.sleep(_PAUSE_SECONDS)
    return set()


async def _look(
    store: ScannedStore, place: Place, names: set[Place], *, repair: bool, waits: bool
) -> Finding | None:
    """``waits``: the archive is to read its ledger, which isn't looked at."""
    kind, name = place
    in_use = ""
    if kind == "pool":
        keys = (*pool_keys(name), *(f"rp:{{{name}}}:{former}" for former in FORMER_POOL_KEYS))
        subject = f"keys of pool {name}"
        if await _promises(store, name):
            in_use = "a guarantee runs in them"
    elif kind == "stock":
        # A stock that was removed leaves the name of its last loan, so that none is given twice.
        keys, subject = stock_keys(name)[1:], f"keys of stock {name}"
        if await _lends(store, name, names):
            in_use = "pools have numbers of it"
    else:
        keys, subject = (f"{CATALOG}catalog-list:{name}",), f"list of numbers of {name}"
    if waits:
        keys = tuple(key for key in keys if not key.endswith(":ledger"))
    remains = await examine(store, keys, remove=repair and not in_use)
    if not remains.keys:
        return None
    message = f"{remains.keys}, and no such {kind if kind != 'list' else 'owner'} is configured"
    if remains.last:
        in_use = f"a guarantee runs in them until {format_rfc3339(remains.last)}"
    if in_use:
        message += f"; {in_use}: left"
    return fault(subject, message, repaired=remains.removed == 1)


async def _promises(store: ScannedStore, pool: str) -> bool:
    """Whether a record of a pool says that somebody is promised its number now."""
    async for numbers in claims.pool_numbers(store, pool):
        found = await claims.pool_claims(store, pool, numbers)
        if any(claim is not None and claim.promised for claim, _ in found):
            return True
    return False


async def _lends(store: ScannedStore, stock: str, names: set[Place]) -> bool:
    """Whether a pool that is configured has a number that the stock has lent it."""
    async for numbers in claims.stock_numbers(store, stock):
        _, found = await claims.stock_claims(store, stock, numbers)
        lent: dict[str, list[tuple[str, str]]] = {}
        for number, claim in zip(numbers, found, strict=True):
            if claim is not None and Place("pool", claim.pool) in names:
                lent.setdefault(claim.pool, []).append((number, f"{stock}@{claim.loan}"))
        for pool, loans in lent.items():
            of_pool = await claims.pool_claims(store, pool, [number for number, _ in loans])
            for (_, loan), (here, _) in zip(loans, of_pool, strict=True):
                if here is not None and here.loan == loan:
                    return True
    return False
