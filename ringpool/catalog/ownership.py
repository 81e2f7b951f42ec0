"""A number has one owner: refuses changes that would give a number to a second one."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.allocator import Allocator
from allocator.replies import UnknownPool
from allocator.stocks import Stocks
from ringpool.catalog.number_place import number_place
from ringpool.catalog.store import CatalogStore, Owner
from ringpool.config.difference import Change
from ringpool.faults import Fault, Faults
from ringpool.model import Configuration, roles
from ringpool.times import format_rfc3339


async def check_owners(
    store: CatalogStore,
    allocator: Allocator,
    stocks: Stocks,
    known: Configuration,
    wanted: Configuration,
    changes: Sequence[Change],
    *,
    viewer: str | None = None,
) -> None:
    """Raise Faults for numbers that another owner has, and roles of numbers that are handed out.

    ``known``: what is configured; ``changes``: what ``wanted`` changes, of which only numbers that
    are added are looked up. ``viewer``: the account that is told only of its own; None: all.
    """
    given = {pool.id: pool for pool in wanted.pools}
    in_roles = roles(wanted.pools)
    added = {number for change in changes for number in change.added}
    owners = await store.owners([*added, *in_roles.values()])
    if not owners:
        return
    accounts = {("pool", pool.id): pool.account for pool in known.pools}
    accounts |= {("stock", stock.id): stock.account for stock in known.stocks}
    faults: list[Fault] = []
    for section, kind in (("pools", "pool"), ("stocks", "stock")):
        for index, entity in enumerate(getattr(wanted, section)):
            for place, number in enumerate(entity.numbers or ()):
                owner = owners.get(number) if number in added else None
                if owner and (owner.kind, owner.id) != (kind, entity.id):
                    path = f"{section}[{index}].numbers[{place}]"
                    if viewer in (None, accounts.get((owner.kind, owner.id))):
                        message = await _why_taken(allocator, stocks, number, owner)
                    else:
                        message = f"{number} isn't free"
                    faults.append(Fault(path, message))
    indices = {pool.id: index for index, pool in enumerate(wanted.pools)}
    for (pool_id, role), number in in_roles.items():
        owner = owners.get(number)
        if owner and accounts.get((owner.kind, owner.id)) == given[pool_id].account:
            message = f"{number} is handed out: it is in {owner.kind} {owner.id}"
            faults.append(Fault(f"pools[{indices[pool_id]}].{role}", message))
    if faults:
        raise Faults(faults)


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
