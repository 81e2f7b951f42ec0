"""Entities of a configuration: one, all, or those that an account sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ringpool.faults import Fault
from ringpool.model import KINDS, Account, Configuration, Entity, Kind, Pool, Stock

T = TypeVar("T", Account, Pool, Stock)


def entities_of(configuration: Configuration) -> tuple[Entity, ...]:
    """Return every entity of a configuration."""
    return (*configuration.accounts, *configuration.pools, *configuration.stocks)


def only(entity: Entity) -> Configuration:
    """Return a configuration of this entity alone."""
    match entity:
        case Account():
            return Configuration(accounts=(entity,))
        case Pool():
            return Configuration(pools=(entity,))
        case Stock():
            return Configuration(stocks=(entity,))


def seen_by(account: str | None, known: Configuration) -> Configuration:
    """Return what an account sees of a configuration: its own; None: everything."""
    if account is None:
        return known
    return Configuration(
        accounts=tuple(each for each in known.accounts if each.id == account),
        pools=tuple(pool for pool in known.pools if pool.account == account),
        stocks=tuple(stock for stock in known.stocks if stock.account == account),
    )


def present_in(known: Configuration, kind: Kind, entity_id: str) -> Entity | None:
    """Return one entity; None where there is none."""
    for entity in entities_of(known):
        if entity.id == entity_id and isinstance(entity, KINDS[kind]):
            return entity
    return None


def find(entities: Sequence[T], name: str, kind: str) -> T:
    """Return one entity of a kind; raises a Fault where there is none."""
    for entity in entities:
        if entity.id == name:
            return entity
    raise Fault(kind, f"there is no {kind} {name}")
