"""By which starts numbers are found, worked out at a change of the configuration.

The telephone areas that pools with ``match: area`` have numbers of, and where in a stock the kind
is that a pool asks for. They follow from the lists of pools and stocks, so that every worker sees
the same ones, whichever numbers are lent just now. They are kept beside the pools' documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct

from allocator.answers import area_list
from ringpool.config.difference import Change
from ringpool.model import Configuration, Match, Pool, Stock, StockKind
from ringpool.numbers import kinds, phone

SECTION = "areas"
"""What the names of areas' documents begin with: ``areas/<pool id>``."""

OF_STOCK = "kinds"
"""The same of where pools' kinds are in their stocks, for those that ask for one."""

NOTHING = " - "
"""Where a kind is that a stock has nothing of: no number begins so."""

ListOf = Callable[[str], Awaitable[Iterable[str]]]
"""The numbers that an owner (``pool/…``, ``stock/…``) has in the store."""


class StoredConfiguration(Configuration, frozen=True, kw_only=True, omit_defaults=True):
    """What the store has. ``areas``, ``kinds``: by pool id, as ``answers.area_list`` writes them.

    ``rests``: until when (Unix ms) which pool gives nothing new (``ringpool.catalog.rests``).
    """

    areas: dict[str, str] = msgspec.field(default_factory=dict)
    kinds: dict[str, str] = msgspec.field(default_factory=dict)
    rests: dict[str, int] = msgspec.field(default_factory=dict)


class StockStarts(NamedTuple):
    """By which starts a stock's numbers are found; ``general``: those of them that are no areas."""

    starts: str
    general: str = ""


class AreaChange(Struct, frozen=True):
    """What a change makes of areas and kinds, as ``answers.area_list`` writes them.

    ``pools``, ``kinds``: by id, of those with ``match: area``, and those that ask for a kind;
    ``untouched``: those of them that don't change themselves; ``stocks``: of the stocks that these
    pools grow from.
    """

    pools: Mapping[str, str] = {}
    kinds: Mapping[str, str] = {}
    untouched: Sequence[Pool] = ()
    stocks: Mapping[str, StockStarts] = {}


async def area_change(
    known: Configuration, wanted: Configuration, changes: Sequence[Change], list_of: ListOf
) -> AreaChange:
    """Work out the areas and kinds of the pools that a change touches, itself or by their stock."""
    changed = {(change.kind, change.id) for change in changes}
    pools = {pool.id: pool for pool in (*known.pools, *wanted.pools)}
    finding = [pool for pool in pools.values() if pool.match is Match.AREA or pool.kind]
    touched = _touched(finding, changed)
    if not touched:
        return AreaChange()
    given: dict[str, Pool | Stock] = {f"pool/{pool.id}": pool for pool in wanted.pools}
    given |= {f"stock/{stock.id}": stock for stock in wanted.stocks}

    async def blocks_of(owner: str) -> frozenset[str]:
        entity = given.get(owner)
        if entity is not None and entity.numbers is not UNSET:
            numbers: Iterable[str] = entity.numbers
        else:
            numbers = await list_of(owner)
        return frozenset(map(kinds.block_of, numbers))

    of_stocks: dict[str, _OfStock] = {}
    for stock_id in {pool.stock_id for pool in touched if pool.stock_id is not None}:
        growing = [pool for pool in finding if pool.stock_id == stock_id]
        of_stocks[stock_id] = _OfStock(await blocks_of(f"stock/{stock_id}"), growing)
    areas: dict[str, str] = {}
    kinds_of: dict[str, str] = {}
    for pool in touched:
        of_stock = of_stocks.get(pool.stock_id or "")
        if pool.kind is not None and of_stock is not None:
            kinds_of[pool.id] = of_stock.where(pool.kind)
        if pool.match is Match.AREA:
            own = _areas(await blocks_of(f"pool/{pool.id}"))
            areas[pool.id] = area_list(own | (of_stock.areas(pool.kind) if of_stock else set()))
    return AreaChange(
        areas,
        kinds_of,
        [pool for pool in touched if ("pool", pool.id) not in changed],
        {stock_id: of_stock.all() for stock_id, of_stock in of_stocks.items()},
    )


def _touched(finding: Sequence[Pool], changed: Collection[tuple[str, str]]) -> list[Pool]:
    """Those whose starts may change: also since another finds numbers of their stock otherwise."""
    found = {
        pool.id
        for pool in finding
        if ("pool", pool.id) in changed or ("stock", pool.stock_id or "") in changed
    }
    shared = {pool.stock_id for pool in finding if pool.id in found}
    shared &= {pool.stock_id for pool in finding if pool.kind}
    return [pool for pool in finding if pool.id in found or pool.stock_id in shared]


def _areas(blocks: Iterable[str]) -> set[str]:
    return {area for area in map(phone.area_of_block, blocks) if area}


class _OfStock:
    """The starts by which the numbers of a stock are told apart, for the pools that find any so.

    Where a pool goes by areas every area is one of them. All other numbers have the shortest that
    tell apart what is of the kinds asked for and what isn't; without kinds they have none.
    """

    def __init__(self, blocks: frozenset[str], pools: Sequence[Pool]) -> None:
        asked = list(dict.fromkeys(pool.kind for pool in pools if pool.kind))
        by_area = any(pool.match is Match.AREA for pool in pools)
        self._areas: dict[str, frozenset[StockKind]] = {}
        general: dict[str, frozenset[StockKind]] = {}
        for block in blocks:
            fitting = frozenset(kind for kind in asked if kinds.fits(kind, block))
            area = phone.area_of_block(block) if by_area else ""
            if area:  # which fits where all of it does
                self._areas[area] = self._areas.get(area, fitting) & fitting
            else:
                general[block] = fitting
        self._general = kinds.starts(general) if asked else {}

    def all(self) -> StockStarts:
        """All starts, as the stock finds numbers by them."""
        general = area_list(self._general) if self._areas else ""
        return StockStarts(area_list([*self._areas, *self._general]), general)

    def areas(self, kind: StockKind | None) -> set[str]:
        """The areas of a kind of its numbers."""
        return {area for area, fits in self._areas.items() if kind is None or kind in fits}

    def where(self, kind: StockKind) -> str:
        """Where a kind is, general numbers first."""
        found = sorted(start for start, fits in self._general.items() if kind in fits)
        found += sorted(self.areas(kind))
        return f" {' '.join(found)} " if found else NOTHING
