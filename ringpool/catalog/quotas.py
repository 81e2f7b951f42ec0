"""How much an account may have: a change that would give it more than its quota is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from allocator.allocator import Allocator
from allocator.gather import gather_limited
from allocator.replies import UnknownPool
from ringpool.catalog.store import CatalogStore
from ringpool.config.difference import Change
from ringpool.faults import OverQuota
from ringpool.model import Configuration, Pool, Quota, Stock

_AT_ONCE = 50
"""Pools and stocks whose numbers are counted side by side."""

_Entities = Mapping[tuple[str, str], Pool | Stock]
"""By kind and id."""


async def quota_faults(
    store: CatalogStore,
    allocator: Allocator,
    known: Configuration,
    wanted: Configuration,
    changes: Sequence[Change],
) -> list[OverQuota]:
    """Return what accounts would have more of than they may, and than they have.

    ``known``: what is configured; ``changes``: what ``wanted`` changes in it.
    """
    quotas = {account.id: account.quota for account in (*known.accounts, *wanted.accounts)}
    before = _entities(known)
    after = {**before, **_entities(wanted)}
    given: dict[str, list[Change]] = {}
    for change in changes:
        entity = after.get((change.kind, change.id))
        if entity is not None:
            given.setdefault(entity.account, []).append(change)
    faults: list[OverQuota] = []
    for account, of_account in given.items():
        quota = quotas.get(account)
        if quota is None:
            continue
        faults += _counted(account, quota, before, after)
        if quota.numbers is not None and any(
            change.added or _moved(change, before, after) for change in of_account
        ):
            had, has = await _numbers(store, allocator, account, before, after, changes)
            if has > max(quota.numbers, had):
                faults.append(OverQuota(account, "numbers", quota.numbers, has))
    return faults


def requoted(
    known: Configuration, wanted: Configuration, changes: Sequence[Change]
) -> Sequence[Pool]:
    """Return the pools whose account's quota of history changes, but which don't change themselves.

    It is among the pools' rules, as it is where an assignment ends that history is written.
    """
    before = {account.id: _history(account.quota) for account in known.accounts}
    changed = {(change.kind, change.id) for change in changes}
    accounts = {
        account.id
        for account in wanted.accounts
        if ("account", account.id) in changed and _history(account.quota) != before.get(account.id)
    }
    if not accounts:
        return []
    return [
        pool
        for pool in known.pools
        if pool.account in accounts and ("pool", pool.id) not in changed
    ]


def _history(quota: Quota | None) -> int | None:
    return None if quota is None else quota.history


def _counted(
    account: str, quota: Quota, before: _Entities, after: _Entities
) -> Iterator[OverQuota]:
    for kind, most in (("pool", quota.pools), ("stock", quota.stocks)):
        had, has = (
            sum(of == kind and entity.account == account for (of, _), entity in entities.items())
            for entities in (before, after)
        )
        if most is not None and has > max(most, had):
            yield OverQuota(account, f"{kind}s", most, has)


async def _numbers(
    store: CatalogStore,
    allocator: Allocator,
    account: str,
    before: _Entities,
    after: _Entities,
    changes: Sequence[Change],
) -> tuple[int, int]:
    """How many numbers an account has, and would have.

    One that drains counts until it has left: else removing and adding would give any number of
    them. Those that this very change removes don't, so that a list may be replaced by another.
    """
    changed = {(str(change.kind), change.id): change for change in changes}

    async def count(place: tuple[str, str]) -> tuple[int, int]:
        kind, name = place
        former = before.get(place)
        of_it = former is not None and former.account == account
        will_be = after[place].account == account
        if not (of_it or will_be):
            return 0, 0
        listed = sum(len(text.split()) for text in (await store.list_of(f"{kind}/{name}")).values())
        draining = await _draining(allocator, name) if kind == "pool" and former else 0
        had = of_it * (listed + draining)
        if not will_be:
            return had, 0
        change = changed.get(place)
        added, drained = (change.added, change.drained) if change else ((), ())
        owners = await store.owners(added)
        back = sum((owner.kind, owner.id) == place for owner in owners.values())
        return had, listed - len(drained) + draining + len(added) - back

    counts = await gather_limited(count, after, _AT_ONCE)
    return sum(had for had, _ in counts), sum(has for _, has in counts)


async def _draining(allocator: Allocator, pool_id: str) -> int:
    try:
        return (await allocator.status(pool_id)).draining
    except UnknownPool:
        return 0


def _moved(change: Change, before: _Entities, after: _Entities) -> bool:
    name = (change.kind, change.id)
    return name in before and before[name].account != after[name].account


def _entities(configuration: Configuration) -> _Entities:
    found: dict[tuple[str, str], Pool | Stock] = {}
    for pool in configuration.pools:
        found["pool", pool.id] = pool
    for stock in configuration.stocks:
        found["stock", stock.id] = stock
    return found
