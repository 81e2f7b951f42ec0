"""The configuration as a worker has it: an immutable snapshot, replaced when it changes.

Requests are answered from it without asking the store, also while the store is away.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct, structs

from allocator.answers import Answer, Rules, State
from allocator.port import StoreUnavailable
from ringpool.catalog import rests
from ringpool.catalog.areas import NOTHING, StoredConfiguration
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.layout import NewerLayout
from ringpool.model import (
    MAX_FALLBACKS,
    Account,
    ApiKey,
    Configuration,
    Pool,
    PoolType,
    Stock,
    rules,
)
from ringpool.security.api_keys import hash_of
from ringpool.visits.areas import NO_AREAS, PoolAreas, pool_areas
from ringpool.visits.source_rules import FROM_HEADERS, SourceRule, prepare

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_MIN_LOOK_SECONDS = 0.05
"""Shortest time between two reads of the store for what isn't in the snapshot."""


class PreparedPool(Struct, frozen=True):
    """A pool with what every answer needs of it. ``pool.numbers`` is UNSET but in a static pool.

    ``rule``: which visits it is for; None: every visit. ``fixed``: a static pool's answer to all.
    ``areas``: those that it has numbers of, with ``match: area``; NO_AREAS: it doesn't go by them.
    ``fallbacks``: the pools to ask, in order, when it has nothing to give (``catalog.fallback``).
    ``key``: its key; ``former_key``: the one before, which works until ``former_until`` (Unix
    seconds), ``b""`` without one.
    """

    pool: Pool
    account: Account
    rules: Rules
    key: bytes = b""
    former_key: bytes = b""
    former_until: float = 0.0
    rule: SourceRule | None = None
    fixed: Answer | None = None
    areas: PoolAreas = NO_AREAS
    fallbacks: tuple[PreparedPool, ...] = ()

    @property
    def by_area(self) -> bool:
        """Whether its answer depends on where the visitor is."""
        if self.areas is not NO_AREAS:
            return True
        return any(other.areas is not NO_AREAS for other in self.fallbacks)


class PreparedKey(NamedTuple):
    """An API key, as one of its texts: the present one, or the one that it took the place of.

    ``expires``: Unix seconds before which it works.
    """

    account: Account
    key: ApiKey
    hash: str
    expires: float


class AccountRules(Struct, frozen=True):
    """What the rules of one account read.

    ``headers``: fields that come from a request's headers (``source_rules.FROM_HEADERS``).
    ``compared``: names of parameters whose values decide.
    """

    headers: frozenset[str] = frozenset()
    compared: frozenset[str] = frozenset()


_NO_RULES = AccountRules()
_NONE: frozenset[str] = frozenset()


class Snapshot:
    """One revision of the configuration, without the numbers that pools and stocks hand out.

    ``by_headers``: the accounts whose rules or pools read a request's headers, and which of them
    (``source_rules.ALL_HEADERS``).
    """

    def __init__(self, revision: int, configuration: Configuration | StoredConfiguration) -> None:
        self.revision = revision
        self.accounts: Mapping[str, Account] = {
            account.id: account for account in configuration.accounts
        }
        self.stocks: Mapping[str, Stock] = {stock.id: stock for stock in configuration.stocks}
        stored = configuration if isinstance(configuration, StoredConfiguration) else None
        areas = stored.areas if stored else {}
        kinds = stored.kinds if stored else {}
        self._rests = stored.rests if stored else {}
        alone = {
            pool.id: _prepared(
                pool,
                self.accounts[pool.account],
                areas.get(pool.id, "") if pool.match else "",
                kinds.get(pool.id, NOTHING) if pool.kind else "",
            )
            for pool in configuration.pools
        }
        self.pools: Mapping[str, PreparedPool] = {
            name: structs.replace(each, fallbacks=_fallbacks(each, alone))
            if each.pool.fallback
            else each
            for name, each in alone.items()
        }
        self._targets: dict[str, dict[str, list[PreparedPool]]] = {}
        self._overflow: dict[str, list[PreparedPool]] = {}
        self._landing: dict[str, list[PreparedPool]] = {}
        for prepared in sorted(self.pools.values(), key=_place):
            pool = prepared.pool
            for target in pool.swap_targets:
                of_account = self._targets.setdefault(prepared.account.id, {})
                of_account.setdefault(target, []).append(prepared)
            if pool.landing_url is not None and not pool.swap_targets:
                self._landing.setdefault(pool.account, []).append(prepared)
            if prepared.rules.overflow_number:
                self._overflow.setdefault(prepared.rules.overflow_number, []).append(prepared)
        self._rules = {
            account: _account_rules(targets) for account, targets in self._targets.items()
        }
        by_headers = {
            account: read.headers for account, read in self._rules.items() if read.headers
        }
        for prepared in self.pools.values():
            if prepared.areas is not NO_AREAS:
                account_id = prepared.account.id
                by_headers[account_id] = by_headers.get(account_id, _NONE) | {"area"}
        self.by_headers: Mapping[str, frozenset[str]] = by_headers

    def rests_until(self, pool_id: str) -> int:
        """When the rest of a pool of a restored store is over, Unix ms; 0: it doesn't rest now."""
        return rests.until(self._rests, pool_id) if self._rests else 0

    def api_key(self, text: str) -> PreparedKey | None:
        """Return the API key that this is the text of, expired ones too.

        Looked up by its hash, so that the time it takes tells nothing of the keys that there are.
        """
        return self._api_keys.get(hash_of(text))

    def is_pool_key(self, key: str) -> bool:
        """Whether this is the key of any pool, or the one before it, whose time may be over."""
        return sha256(key.encode()).digest() in self._pool_keys

    @cached_property
    def _pool_keys(self) -> frozenset[bytes]:
        pools = self.pools.values()
        keys = {key for prepared in pools for key in (prepared.key, prepared.former_key)}
        return frozenset(sha256(key).digest() for key in keys if key)

    @cached_property
    def _api_keys(self) -> Mapping[str, PreparedKey]:
        found: dict[str, PreparedKey] = {}
        for account in self.accounts.values():
            for key in account.keys:
                ends = math.inf if key.expires is None else key.expires.timestamp()
                found[key.hash] = PreparedKey(account, key, key.hash, ends)
                if key.former:
                    until = min(ends, key.former.until.timestamp())
                    found[key.former.hash] = PreparedKey(account, key, key.former.hash, until)
        return found

    def targets(self, account_id: str) -> Mapping[str, Sequence[PreparedPool]]:
        """Return an account's target numbers (E.164) and the pools that may replace each.

        The first whose rule a visit matches does: they are in the order of ``priority``, then id.
        """
        return self._targets.get(account_id, {})

    def rules_of(self, account_id: str) -> AccountRules:
        """Return what the rules of an account's targets read."""
        return self._rules.get(account_id, _NO_RULES)

    def replaced_by_link(self, prepared: PreparedPool) -> Sequence[str]:
        """Return the targets that the number of a pool's tracking link replaces on its page.

        All of the account's, for a pool that names none.
        """
        return prepared.pool.swap_targets or tuple(self.targets(prepared.pool.account))

    def landing_pools(self, account_id: str) -> Sequence[PreparedPool]:
        """Return an account's pools with a tracking link and no targets of their own."""
        return self._landing.get(account_id, ())

    def overflow_pools(self, number: str) -> Sequence[PreparedPool]:
        """Return the pools that give this number (E.164) when they are exhausted."""
        return self._overflow.get(number, ())


def _prepared(pool: Pool, account: Account, areas: str, of_stock: str) -> PreparedPool:
    rule = None if pool.when is None else prepare(pool.when)
    fixed = None
    if pool.type is PoolType.STATIC and pool.numbers:
        fixed = Answer(State.HELD, pool.numbers[0])
    known = pool_areas(areas.split()) if areas else NO_AREAS
    former = pool.former_key
    return PreparedPool(
        pool,
        account,
        rules(pool, areas, account.quota, of_stock),
        rule=rule,
        fixed=fixed,
        areas=known,
        key=(pool.key or "").encode(),
        former_key=former.key.encode() if former else b"",
        former_until=former.until.timestamp() if former else 0.0,
    )


def _fallbacks(
    prepared: PreparedPool, pools: Mapping[str, PreparedPool]
) -> tuple[PreparedPool, ...]:
    found: list[PreparedPool] = []
    following = pools.get(prepared.pool.fallback or "")
    while following is not None and len(found) < MAX_FALLBACKS:
        found.append(following)
        following = pools.get(following.pool.fallback or "")
    return tuple(found)


def _place(prepared: PreparedPool) -> tuple[int, str]:
    return prepared.pool.priority, prepared.pool.id


def _account_rules(targets: Mapping[str, Sequence[PreparedPool]]) -> AccountRules:
    found = {
        prepared.pool.id: prepared.rule
        for pools in targets.values()
        for prepared in pools
        if prepared.rule is not None
    }
    if not found:
        return _NO_RULES
    return AccountRules(
        frozenset().union(*(rule.fields for rule in found.values())) & FROM_HEADERS,
        frozenset().union(*(rule.names_compared() for rule in found.values())),
    )


class SnapshotKeeper:
    """Keeps a worker's snapshot up to date. ``current`` is empty until the first refresh.

    ``outdated``: why this version can't use the store any more: a newer one has changed its keys,
    or it was closed; "": it can.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._refreshing = asyncio.Lock()
        self._next_look: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self.current = Snapshot(0, Configuration())
        self.outdated = ""

    async def refresh(self) -> None:
        """Read a newer revision if there is one; raises StoreUnavailable."""
        async with self._refreshing:
            await self._refresh()

    async def run(self) -> None:
        """Refresh every 0.5 s until cancelled. With the store away, the last snapshot stays."""
        away = False
        while True:
            try:
                await self.refresh()
                away = False
            except StoreUnavailable as error:
                if not away:
                    _log.warning("the configuration isn't refreshed: %s", error)
                away = True
            except Exception:  # an error in one refresh must not end all later ones
                _log.exception("the configuration isn't refreshed")
            await asyncio.sleep(_POLL_SECONDS)

    async def look(self) -> None:
        """Read what is in the store once more, for something that the snapshot doesn't have.

        Another worker may just have made it. Concurrent callers share one read, which begins after
        they called. With the store away, the snapshot stays.
        """
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look())
        await asyncio.shield(self._next_look)

    async def _look(self) -> None:
        await asyncio.sleep(max(0.0, self._looked + _MIN_LOOK_SECONDS - time.monotonic()))
        async with self._refreshing:
            self._looked = time.monotonic()
            self._next_look = None  # a caller from now on may need a later revision
            with suppress(StoreUnavailable):
                await self._refresh()

    def renew(self) -> None:
        """Put an equal snapshot in the place of this one, whose answers aren't repeated then."""
        self.current = copy(self.current)

    async def _refresh(self) -> None:
        try:
            revision = await self._catalog.revision()
            self.outdated = ""
        except NewerLayout as error:
            self.outdated = str(error)
            raise
        if revision != self.current.revision:
            self.current = Snapshot(*await self._catalog.entities())
