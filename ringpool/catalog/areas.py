"""The telephone areas that pools with ``match: area`` have numbers of, worked out at a change.

They follow from the lists of pools and stocks, so that every worker sees the same ones, whichever
numbers are lent just now. They are kept beside the pools' documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import UNSET, Struct

from allocator.answers import area_list
from ringpool.config.difference import Change
from ringpool.model import Configuration, Match, Pool, Stock
from ringpool.numbers import phone

SECTION = "areas"
"""What the names of their documents begin with: ``areas/<pool id>``."""

ListOf = Callable[[str], Awaitable[Iterable[str]]]
"""The numbers that an owner (``pool/…``, ``stock/…``) has in the store."""


class StoredConfiguration(Configuration, frozen=True, kw_only=True, omit_defaults=True):
    """What the store has. ``areas``: by pool id, as ``answers.area_list`` writes them.

    ``rests``: until when (Unix ms) which pool gives nothing new (``ringpool.catalog.rests``).
    """

    areas: dict[str, str] = msgspec.field(default_factory=dict)
    rests: dict[str, int] = msgspec.field(default_factory=dict)


class AreaChange(Struct, frozen=True):
    """What a change makes of areas, as ``answers.area_list`` writes them.

    ``pools``: by id, of those with ``match: area`` that the change touches; ``untouched``: those of
    them that don't change themselves; ``stocks``: of the stocks that these pools grow from.
    """

    pools: Mapping[str, str] = {}
    untouched: Sequence[Pool] = ()
    stocks: Mapping[str, str] = {}


async def area_change(
    known: Configuration, wanted: Configuration, changes: Sequence[Change], list_of: ListOf
) -> AreaChange:
    """Work out the areas of the pools that a change touches, itself or through their stock."""
    changed = {(change.kind, change.id) for change in changes}
    pools = {pool.id: pool for pool in (*known.pools, *wanted.pools)}
    matching = [
        pool
        for pool in pools.values()
        if pool.match is Match.AREA
        and (("pool", pool.id) in changed or ("stock", pool.stock or "") in changed)
    ]
    if not matching:
        return AreaChange()
    given = {f"pool/{pool.id}": pool for pool in wanted.pools} | {
        f"stock/{stock.id}": stock for stock in wanted.stocks
    }
    found: dict[str, frozenset[str]] = {}

    async def areas_of(owner: str) -> frozenset[str]:
        if owner not in found:
            entity: Pool | Stock | None = given.get(owner)
            if entity is not None and entity.numbers is not UNSET:
                numbers: Iterable[str] = entity.numbers
            else:
                numbers = await list_of(owner)
            found[owner] = frozenset(filter(None, map(phone.area, numbers)))
        return found[owner]

    texts: dict[str, str] = {}
    stocks: dict[str, str] = {}
    for pool in matching:
        areas = await areas_of(f"pool/{pool.id}")
        if pool.stock is not None:
            of_stock = await areas_of(f"stock/{pool.stock}")
            stocks[pool.stock] = area_list(of_stock)
            areas |= of_stock
        texts[pool.id] = area_list(areas)
    untouched = [pool for pool in matching if ("pool", pool.id) not in changed]
    return AreaChange(texts, untouched, stocks)
