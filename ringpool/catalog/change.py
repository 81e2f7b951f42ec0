"""A checked change of the configuration, and the plan that carries it out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET

from ringpool.catalog import audit, number_lists, plan
from ringpool.catalog.areas import NOTHING, OF_STOCK, SECTION, AreaChange, StoredConfiguration
from ringpool.catalog.key_changes import new_pool_key
from ringpool.catalog.plan import (
    Addition,
    PoolDrain,
    Publication,
    RulesEdit,
    Step,
    StockAreas,
    StockDrain,
    StockEdit,
)
from ringpool.config.codec import encode_hook
from ringpool.config.difference import Change
from ringpool.model import (
    Account,
    Carriers,
    Configuration,
    Entity,
    Kind,
    Notify,
    Numbers,
    Pool,
    PoolType,
    Quota,
    Stock,
    rules,
)

N = TypeVar("N", Pool, Stock)

_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode


class CatalogChange(msgspec.Struct, frozen=True):
    """A change that was checked.

    ``known``: what is configured now; ``lists``: the numbers that owners have now; ``changes``:
    what ``wanted`` changes, and what is removed; ``quotas``: by account, as they are after it;
    ``requoted``: pools whose rules follow from one that it changes.
    """

    revision: int
    known: StoredConfiguration
    wanted: Configuration
    lists: dict[str, number_lists.Chunks]
    changes: list[Change]
    areas: AreaChange
    quotas: Mapping[str, Quota | None]
    requoted: Sequence[Pool]

    def drained(self) -> list[str]:
        """Return the pools that lose numbers."""
        return [change.id for change in self.changes if change.kind == "pool" and change.drained]

    def shown(self) -> tuple[audit.EntityChange, ...]:
        """Return what the audit log shows of it."""
        return audit.shown(self.changes, by_name(self.known), by_name(self.wanted))

    def removed_pools(self) -> list[Pool]:
        """Return the pools that go."""
        gone = {(change.kind, change.id) for change in self.changes if change.action == "remove"}
        return [pool for pool in self.known.pools if ("pool", pool.id) in gone]

    def size(self) -> int:
        """Return about how many values it is about: how long it takes to plan it."""
        moved = sum(len(change.added) + len(change.drained) for change in self.changes)
        return size(self.wanted) + moved + 10 * len(self.changes)

    def written(self, by: audit.Actor, undoes: int) -> audit.Written:
        """Return the audit log's entry on it.

        ``undoes``: the revision of the change that it undoes, or 0.
        """
        return audit.write(by, self.changes, by_name(self.known), by_name(self.wanted), undoes)

    def steps(self, written: audit.Written) -> Iterator[Step]:
        """Yield the plan, in the order that ``plan`` explains."""
        changed = {(str(change.kind), change.id): change for change in self.changes}
        named = [
            (f"{kind}/{entity.id}", entity, changed[kind, entity.id])
            for kind, entity in numbered(self.wanted)
            if (kind, entity.id) in changed
        ]
        for owner, _, change in named:
            yield from plan.claims(owner, change.added)
        untouched = {pool.id: pool for pool in (*self.requoted, *self.areas.untouched)}
        for pool in untouched.values():
            yield self.rules_edit(pool)
        for _, entity, change in named:
            yield from self._arrivals(entity, change)
        for stock, found in self.areas.stocks.items():
            yield StockAreas(stock, found.starts, found.general)
        for owner, _, change in named:
            texts = number_lists.edited(self.lists[owner], change.added, change.drained)
            yield from plan.list_edits(owner, texts)
        everything = (
            *(("account", account) for account in self.wanted.accounts),
            *numbered(self.wanted),
        )
        documents = {
            f"{kind}/{entity.id}": encode_document(
                kept(entity, self.lists.get(f"{kind}/{entity.id}"))
            )
            for kind, entity in everything
            if (kind, entity.id) in changed
        }
        for _, entity, _ in named:
            if isinstance(entity, Pool):
                documents |= self._found_by(entity)
        for pool in self.areas.untouched:
            documents |= self._found_by(pool)
        for change in self.changes:
            if change.action == "remove":
                documents[f"{change.kind}/{change.id}"] = ""
                if change.kind == "pool":
                    documents[f"{SECTION}/{change.id}"] = ""
                    if change.id in self.known.kinds:
                        documents[f"{OF_STOCK}/{change.id}"] = ""
        yield Publication(self.revision, documents, *written)
        for owner, entity, change in named:
            yield from plan.claims(owner, change.drained, leaving=True)
            drain = StockDrain if isinstance(entity, Stock) else PoolDrain
            for piece in number_lists.pieces(change.drained):
                yield drain(entity.id, piece)

    def _arrivals(self, entity: Pool | Stock, change: Change) -> Iterator[Step]:
        """Yield the steps that make or edit an entity and add its numbers."""
        if isinstance(entity, Stock):
            quarantine, quiet = int(entity.quarantine), int(entity.quiet)
            yield StockEdit(entity.id, quarantine, quiet=quiet)
            for piece in number_lists.pieces(change.added):
                yield StockEdit(entity.id, quarantine, piece, quiet)
        else:
            yield self.rules_edit(entity)
            for piece in number_lists.pieces(change.added):
                yield Addition(entity.id, piece)

    def rules_edit(self, pool: Pool) -> RulesEdit:
        """Return the step that gives a pool its rules."""
        areas = of_stock = ""
        if pool.match is not None:
            areas = self.areas.pools.get(pool.id, self.known.areas.get(pool.id, ""))
        if pool.kind is not None:
            of_stock = self.areas.kinds.get(pool.id, self.known.kinds.get(pool.id, NOTHING))
        given = rules(pool, areas, self.quotas[pool.account], of_stock)
        return RulesEdit(pool.id, given, self.revision)

    def _found_by(self, pool: Pool) -> dict[str, str]:
        """Return the documents on a pool's areas and kind."""
        found = {f"{SECTION}/{pool.id}": self.areas.pools.get(pool.id, "")}
        if pool.kind is not None or pool.id in self.known.kinds:
            found[f"{OF_STOCK}/{pool.id}"] = self.areas.kinds.get(pool.id, "")
        return found


def by_name(configuration: Configuration) -> audit.Entities:
    """Return every entity of a configuration, by kind and id."""
    entities: dict[tuple[Kind, str], Entity] = {}
    for account in configuration.accounts:
        entities["account", account.id] = account
    for kind, entity in numbered(configuration):
        entities[kind, entity.id] = entity
    return entities


def numbered(wanted: Configuration) -> Iterator[tuple[Kind, Pool | Stock]]:
    """Yield every entity that has numbers, with its kind; stocks before the pools they fill."""
    for stock in wanted.stocks:
        yield "stock", stock
    for pool in wanted.pools:
        yield "pool", pool


def size(wanted: Configuration) -> int:
    """Return how many numbers a configuration lists: how long it takes to go through it."""
    return sum(len(entity.numbers or ()) for _, entity in numbered(wanted))


def without(known: Configuration, removed: Collection[tuple[Kind, str]]) -> Configuration:
    """Return ``known`` without the entities of these kinds and ids."""
    if not removed:
        return known
    gone = frozenset(removed)
    return Configuration(
        accounts=tuple(each for each in known.accounts if ("account", each.id) not in gone),
        pools=tuple(pool for pool in known.pools if ("pool", pool.id) not in gone),
        stocks=tuple(stock for stock in known.stocks if ("stock", stock.id) not in gone),
    )


def with_lists(known: Configuration, lists: dict[str, number_lists.Chunks]) -> Configuration:
    """Return ``known`` with the numbers of the entities whose lists were read."""

    def filled(kind: str, entity: N) -> N:
        chunks = lists.get(f"{kind}/{entity.id}")
        if chunks is None:
            return entity
        return msgspec.structs.replace(entity, numbers=tuple(number_lists.numbers(chunks)))

    return Configuration(
        accounts=known.accounts,
        pools=tuple(filled("pool", pool) for pool in known.pools),
        stocks=tuple(filled("stock", stock) for stock in known.stocks),
    )


def with_moved_numbers(wanted: Configuration, current: Configuration) -> Configuration:
    """Return ``wanted`` with the numbers of what goes to another account.

    They are new to that account, whose rules for numbers are checked on them.
    """
    before = {(kind, entity.id): entity for kind, entity in numbered(current)}

    def listed(kind: Kind, entity: N) -> N:
        former = before.get((kind, entity.id))
        if entity.numbers is not UNSET or former is None or former.account == entity.account:
            return entity
        return msgspec.structs.replace(entity, numbers=former.numbers)

    return msgspec.structs.replace(
        wanted,
        pools=tuple(listed("pool", pool) for pool in wanted.pools),
        stocks=tuple(listed("stock", stock) for stock in wanted.stocks),
    )


def with_keys(wanted: Configuration, known: Configuration, now: datetime) -> Configuration:
    """Return ``wanted`` with every key that it leaves to what is there.

    A pool gets the key it has, or a new one, and an account the keys it has. A key says since when
    it is there, and one that was replaced long ago isn't brought back.
    """
    pools = {pool.id: pool for pool in known.pools}
    accounts = {account.id: account for account in known.accounts}
    return msgspec.structs.replace(
        wanted,
        pools=tuple(_pool_with_keys(pool, pools.get(pool.id), now) for pool in wanted.pools),
        accounts=tuple(
            _account_with_keys(account, accounts.get(account.id), now)
            for account in wanted.accounts
        ),
    )


def _pool_with_keys(pool: Pool, present: Pool | None, now: datetime) -> Pool:
    had = present.former_key if present else UNSET
    former = pool.former_key
    if former is UNSET:  # as it is, unless it is taken back
        former = UNSET if had is UNSET or had.key == pool.key else had
    elif former.until <= now and former != had:
        former = UNSET
    key = pool.key or (present.key if present else UNSET) or new_pool_key()
    notify = _with_secrets(pool.notify, present.notify if present else ())
    return msgspec.structs.replace(pool, key=key, former_key=former, notify=notify)


def _with_secrets(wanted: Sequence[Notify], present: Sequence[Notify]) -> tuple[Notify, ...]:
    """Return who is to be told, with the secrets that their webhooks have already."""
    had = {each.webhook: each for each in present}
    return tuple(
        msgspec.structs.replace(
            each, secret=had[each.webhook].secret, former_secret=had[each.webhook].former_secret
        )
        if each.secret is UNSET and each.webhook in had
        else each
        for each in wanted
    )


def _with_carrier_secrets(wanted: Carriers, present: Carriers) -> Carriers:
    """Return what carriers prove themselves by, with the secrets that they have already."""
    twilio, freeswitch, generic = wanted.twilio, wanted.freeswitch, wanted.generic
    if twilio and present.twilio:
        had = {key.id: key for key in present.twilio.shared_keys}
        keys = tuple(
            had.get(key.id, key) if key.secret is UNSET else key for key in twilio.shared_keys
        )
        tokens = present.twilio if twilio.auth_token is UNSET else twilio
        twilio = msgspec.structs.replace(tokens, shared_keys=keys)
    if freeswitch and present.freeswitch and freeswitch.password is UNSET:
        password = present.freeswitch.password
        freeswitch = msgspec.structs.replace(freeswitch, password=password)
    if generic and present.generic and generic.secret is UNSET:
        generic = present.generic
    return msgspec.structs.replace(wanted, twilio=twilio, freeswitch=freeswitch, generic=generic)


def _account_with_keys(account: Account, present: Account | None, now: datetime) -> Account:
    if account.notify:
        notify = _with_secrets(account.notify, present.notify if present else ())
        account = msgspec.structs.replace(account, notify=notify)
    if account.carriers and present and present.carriers:
        carriers = _with_carrier_secrets(account.carriers, present.carriers)
        account = msgspec.structs.replace(account, carriers=carriers)
    if account.api_keys is UNSET:
        return msgspec.structs.replace(account, api_keys=present.api_keys if present else UNSET)
    had = {key.hash: key for key in present.keys} if present else {}
    keys = []
    for key in account.keys:
        former = had.get(key.hash)
        if key.created is None:
            created = now if former is None else former.created
            key = msgspec.structs.replace(key, created=created)
        if key.former and key.former.until <= now and (not former or key.former != former.former):
            key = msgspec.structs.replace(key, former=None)
        keys.append(key)
    return msgspec.structs.replace(account, api_keys=tuple(keys) or UNSET)


def without_ended_keys(wanted: Configuration, now: datetime) -> Configuration:
    """Return ``wanted`` without the keys that were replaced and have stopped working."""
    return msgspec.structs.replace(
        wanted,
        pools=tuple(
            msgspec.structs.replace(pool, former_key=UNSET)
            if pool.former_key and pool.former_key.until <= now
            else pool
            for pool in wanted.pools
        ),
        accounts=tuple(_account_without_ended(account, now) for account in wanted.accounts),
    )


def _account_without_ended(account: Account, now: datetime) -> Account:
    if not any(key.former and key.former.until <= now for key in account.keys):
        return account
    keys = tuple(
        msgspec.structs.replace(key, former=None) if key.former and key.former.until <= now else key
        for key in account.keys
    )
    return msgspec.structs.replace(account, api_keys=keys)


def kept(entity: Entity, present: number_lists.Chunks | None) -> Entity:
    """Return the entity as it is kept, without its numbers: those are in its list.

    A static pool's one number is kept with it too, so that answers need no store. ``present``: the
    list as it is before the change.
    """
    if isinstance(entity, Account):
        return entity
    numbers: Numbers = UNSET
    if isinstance(entity, Pool) and entity.type is PoolType.STATIC:
        numbers = entity.numbers
        if numbers is UNSET:
            numbers = tuple(number_lists.numbers(present or {}))
    return msgspec.structs.replace(entity, numbers=numbers)


def encode_document(entity: Entity) -> str:
    """Return what is kept of an entity, as text."""
    return _encode(entity).decode()
