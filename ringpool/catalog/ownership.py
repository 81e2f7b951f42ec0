"""A number has one owner: finds what would give a number to a second one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from allocator.allocator import Allocator
from allocator.gather import gather_limited
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from ringpool.catalog.number_place import number_place
from ringpool.catalog.store import CatalogStore, Owner
from ringpool.config.draft import MAX_FAULTS
from ringpool.faults import Fault
from ringpool.model import Configuration, Pool, Stock, roles
from ringpool.times import format_rfc3339

Placed = Mapping[str, Pool | Stock]
"""Pools and stocks by where they stand in a document: ``pools[0]``."""

_AT_ONCE = 50
"""Numbers whose owners are looked at side by side."""


async def owner_faults(
    store: CatalogStore,
    allocator: Allocator,
    stocks: Stocks,
    known: Configuration,
    placed: Placed,
    added: Collection[str] | None = None,
    *,
    viewer: str | None = None,
) -> list[Fault]:
    """Return a fault for each number that another owner has, and each role of one handed out.

    ``known``: what is configured; ``placed``: what is wanted; ``added``: the numbers that are new
    where they are, which alone are looked up (None: all are). ``viewer``: the account that is told
    only of its own; None: all.
    """
    given = {entity.id: path for path, entity in placed.items() if isinstance(entity, Pool)}
    pools = {entity.id: entity for entity in placed.values() if isinstance(entity, Pool)}
    in_roles = roles(pools.values())
    listed = [
        (f"{path}.numbers[{place}]", kind, entity.id, number)
        for path, entity in placed.items()
        for kind in (_kind(entity),)
        for place, number in enumerate(entity.numbers or ())
        if number and (added is None or number in added)
    ]
    owners = await store.owners([*{number for *_, number in listed}, *in_roles.values()])
    if not owners:
        return []
    accounts = {("pool", pool.id): pool.account for pool in known.pools}
    accounts |= {("stock", stock.id): stock.account for stock in known.stocks}
    taken = [
        (path, number, owner)
        for path, kind, name, number in listed
        if (owner := owners.get(number)) and (owner.kind, owner.id) != (kind, name)
    ]

    async def fault(found: tuple[str, str, Owner]) -> Fault:
        path, number, owner = found
        if viewer in (None, accounts.get((owner.kind, owner.id))):
            return Fault(path, await _why_taken(allocator, stocks, number, owner))
        return Fault(path, f"{number} isn't free")

    faults = await gather_limited(fault, taken[: MAX_FAULTS + 1], _AT_ONCE)
    for (pool_id, role), number in in_roles.items():
        owner = owners.get(number)
        if owner and accounts.get((owner.kind, owner.id)) == pools[pool_id].account:
            message = f"{number} is handed out: it is in {owner.kind} {owner.id}"
            faults.append(Fault(f"{given[pool_id]}.{role}", message))
    return faults


def placed(wanted: Configuration) -> Placed:
    """Return the pools and stocks of a configuration by their paths in it."""
    return {
        f"{section}[{index}]": entity
        for section in ("pools", "stocks")
        for index, entity in enumerate(getattr(wanted, section))
    }


def _kind(entity: Pool | Stock) -> str:
    return "pool" if isinstance(entity, Pool) else "stock"


async def _why_taken(allocator: Allocator, stocks: Stocks, number: str, owner: Owner) -> str:
    name = f"{owner.kind} {owner.id}"
    if not owner.leaving:
        return f"{number} belongs to {name}: remove it there first, then apply again"
    place = await number_place(owner, stocks, number)
    try:
        held = await allocator.holder(place.pool, number) if place.pool else None
    except UnknownPool:
        held = None
    until = f" until {format_rfc3339(held.guaranteed_until)}" if held else ""
    return f"{number} is still draining in {name}{until}; apply again then"
