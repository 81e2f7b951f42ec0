"""The configuration in the store, changed by one writer at a time and as a whole.

A change is checked under a lock, committed as a plan, and carried out step by step.

A number has one owner. One that is removed from a pool belongs to it until it has drained; numbers
that left are recorded by ``hand_on``, and only then can another pool or stock have them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from copy import copy
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from allocator.allocator import Allocator
from allocator.answers import Departure, Holding
from allocator.gather import gather_limited
from allocator.ledger import Ledgers
from allocator.port import Store, StoreUnavailable
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from ringpool.aside import aside
from ringpool.catalog import layout, number_lists, rests
from ringpool.catalog.areas import OF_STOCK, SECTION, StoredConfiguration, area_change
from ringpool.catalog.audit import SERVICE, Actor, EntityChange, hashing
from ringpool.catalog.audit_log import AuditLog
from ringpool.catalog.change import (
    CatalogChange,
    by_name,
    encode_document,
    kept,
    numbered,
    size,
    with_keys,
    with_lists,
    with_moved_numbers,
    without,
    without_ended_keys,
)
from ringpool.catalog.condition import ANY, UNVERSIONED, Condition
from ringpool.catalog.number_place import NumberPlace, number_place
from ringpool.catalog.ownership import owner_faults, placed
from ringpool.catalog.plan import Publication, Runner
from ringpool.catalog.quotas import quota_faults, requoted
from ringpool.catalog.removal import Removals, Removed
from ringpool.catalog.selection import entities_of, find, only, present_in, seen_by
from ringpool.catalog.store import CatalogStore, Owner
from ringpool.catalog.undo import CannotUndo, Undone, inverse
from ringpool.catalog.writer import CatalogWriter, Progress
from ringpool.config import validation
from ringpool.config.codec import decode_hook
from ringpool.config.difference import Change, difference, removal
from ringpool.config.draft import MAX_FAULTS, Draft
from ringpool.faults import Fault, Faults, OverQuota
from ringpool.model import KINDS, Account, Configuration, Entity, Kind, Pool, Stock
from ringpool.numbers import phone
from ringpool.times import now

T = TypeVar("T", Account, Pool, Stock)

_SWEEPS_AFTER_A_CHANGE = 20
_READ_AT_ONCE, _WRITTEN_AT_ONCE = 50, 20

_PLAIN_KEYS = re.compile(r'"api_keys":\["')
"""In an account's document, whose keys are all plain texts or all objects."""
_PLACE = re.compile(r"(accounts|pools|stocks)\[(\d+)\]")
"""What the field of a document's fault begins with."""

_decoders = {
    str(kind): msgspec.json.Decoder(entity_type, dec_hook=decode_hook)
    for kind, entity_type in KINDS.items()
}


class Saved(NamedTuple):
    """An entity as it is kept, and its version. ``made``: there was none before."""

    entity: Entity
    version: str
    made: bool


class Catalog:
    """Reads and changes the configuration. Every method raises StoreUnavailable too.

    Methods that change something raise Faults (or Fault) before anything is changed, CatalogBusy
    when another writer keeps the lock, and LockLost when another one took over and finishes the
    change. Those that take a ``condition`` check it while they hold the lock, so that no other
    change comes between, and raise ConditionUnmet.
    """

    def __init__(
        self,
        store: Store,
        allocator: Allocator,
        stocks: Stocks,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._port = store
        self._store = CatalogStore(store)
        self._clock = clock
        self._allocator = allocator
        self.stocks = stocks
        self._transfers = Transfers(store)
        runner = Runner(self._store, allocator, stocks, self._transfers)
        self._writer = CatalogWriter(self._store, runner)
        self._removals = Removals(self._store, allocator, stocks, Ledgers(store), self.hand_on)
        self._actor = SERVICE
        self.log = AuditLog(self._store)

    def by(self, actor: Actor) -> Catalog:
        """Return the same catalog for somebody: the log says that they make its changes."""
        bound = copy(self)
        bound._actor = actor
        return bound

    async def revision(self) -> int:
        """Return a number that grows with every change; 0: nothing was ever configured."""
        return (await self._store.state()).revision

    def locked(self) -> AbstractAsyncContextManager[str]:
        """Keep every other writer waiting, with no change under way; yields the lock's token."""
        return self._writer.locked()

    async def settle_layout(self) -> None:
        """Bring the store's keys to the layout of this version; raises NewerLayout.

        Called when a service starts: older versions don't start from then on.
        """
        found = (await self._store.state()).layout
        if not found:
            await self._store.write_layout(1)
        if max(1, found) == layout.LAYOUT:
            return
        async with self._writer.locked() as token:
            found = (await self._store.state()).layout
            for step in range(found, layout.LAYOUT):
                await layout.MIGRATIONS[step](self._port)
                await self._store.write_layout(step + 1, token)

    async def settled_at(self) -> int | None:
        """Return the revision; None while a change is being carried out."""
        state = await self._store.state()
        return None if state.planned else state.revision

    async def pending(self) -> int:
        """Return how many steps of a change are still to be carried out."""
        state = await self._store.state()
        return state.planned - state.done

    async def entities(self) -> tuple[int, StoredConfiguration]:
        """Return the revision and its entities, without the numbers of pools and stocks."""
        revision, documents = await self._store.documents()
        entities: list[Account | Pool | Stock] = []
        areas: dict[str, str] = {}
        kinds: dict[str, str] = {}
        resting: dict[str, int] = {}
        for name in sorted(documents):
            section, _, entity_id = name.partition("/")
            if section == SECTION:
                areas[entity_id] = documents[name]
            elif section == OF_STOCK:
                kinds[entity_id] = documents[name]
            elif section == rests.SECTION:
                resting[entity_id] = int(documents[name])
            else:
                entities.append(_decoders[section].decode(documents[name]))
        return revision, StoredConfiguration(
            areas=areas,
            kinds=kinds,
            rests=resting,
            accounts=tuple(entity for entity in entities if isinstance(entity, Account)),
            pools=tuple(entity for entity in entities if isinstance(entity, Pool)),
            stocks=tuple(entity for entity in entities if isinstance(entity, Stock)),
        )

    async def read(self) -> Configuration:
        """Return the whole configuration: entities by id, numbers in the order of their lists."""
        while True:
            revision, known = await self.entities()
            pools = [await self._with_numbers("pool", pool) for pool in known.pools]
            stocks = [await self._with_numbers("stock", stock) for stock in known.stocks]
            if await self.revision() == revision:
                return Configuration(
                    accounts=known.accounts, pools=tuple(pools), stocks=tuple(stocks)
                )

    async def read_pool(self, pool_id: str) -> Pool:
        """Return one pool with its numbers; a Fault when there is none."""
        _, known = await self.entities()
        return await self._with_numbers("pool", find(known.pools, pool_id, "pool"))

    async def store_clock(self) -> int:
        """Return the clock (Unix ms) of the server that keeps the catalog."""
        return await self._store.clock()

    async def owner(self, number: str) -> Owner | None:
        """Return the owner of a number (E.164); None when it has none."""
        return (await self._store.owners([number])).get(number)

    async def owned(self, numbers: Sequence[str]) -> list[str]:
        """Return those of the numbers (E.164) that have an owner."""
        return list(await self._store.owners(numbers))

    async def locate(self, number: str, at_ms: int | None = None) -> NumberPlace:
        """Return whose a number (E.164) is and the pool that it is in.

        ``at_ms``: the time (Unix ms) for which its stock names the holder.
        """
        return await number_place(await self.owner(number), self.stocks, number, at_ms)

    async def former_holder(self, number: str, at_ms: int) -> Holding | None:
        """Return who held a number at a time, if it has left the pool it was in then."""
        return await self._store.holder(number, at_ms)

    async def faults(self, draft: Draft, revision: int | None = None) -> list[Fault]:
        """Return everything wrong with a draft, in document order: with its numbers' owners too.

        Quotas aren't looked at: how much there would be isn't known of a draft with faults.
        ``revision``: as of ``apply``.
        """
        at, known = await self.entities()
        entities = {
            f"{section}[{index}]": entity
            for section in ("pools", "stocks")
            for index, entity in draft.readable(section).items()
            if not isinstance(entity, Account)
        }
        owned = await owner_faults(self._store, self._allocator, self.stocks, known, entities)
        told = {fault.field for fault in draft.faults}
        draft.faults += [fault for fault in owned if fault.field not in told]
        changed = [] if revision in (None, at) else [_another_revision(at, revision)]
        return [*changed, *draft.faults_in_order()]

    async def apply(
        self,
        wanted: Configuration,
        *,
        dry_run: bool = False,
        canonical: bool = False,
        revision: int | None = None,
        progress: Progress = lambda _done, _of: None,
    ) -> list[Change]:
        """Make or update the entities of ``wanted``, and return what that changed.

        An entity's ``numbers``, when given, are all its numbers: others drain. A pool without a
        key keeps its key, or gets one. ``dry_run`` checks and returns the same, and changes
        nothing. ``canonical``: ``wanted`` comes from ``config_file.read``, its numbers are parsed.
        ``revision``: the one that is to be changed; a Fault when it is another by now. ``progress``
        is told how far the change is carried out.
        """
        if not canonical:  # before the lock, since a million numbers take a while
            known = (await self.entities())[1]
            wanted = await aside(size(wanted), validation.check, wanted, known)

        async def unchanged(_: Configuration) -> Configuration:
            return wanted

        if dry_run:
            return (await self._prepare(unchanged, revision)).changes
        return await self._change(unchanged, revision, progress=progress)

    async def change(
        self,
        kind: Kind,
        entity_id: str,
        make: Callable[[Entity | None], Awaitable[Entity]],
        condition: Condition = ANY,
    ) -> Saved:
        """Make or change one entity; returns it as it is then, without its numbers.

        ``make``: returns the entity wanted, given the one that is there, which may be another one
        when it is asked again under the lock. What it raises is passed on, and nothing is changed.
        """

        async def wanted_of(known: Configuration, present: Entity | None) -> Configuration:
            made, seen = only(await make(present)), seen_by(condition.account, known)
            return await aside(size(made), validation.check, made, seen)

        _, early = await self.entities()
        before = present_in(early, kind, entity_id)
        condition.check(kind, entity_id, before, await self._version(kind, entity_id))
        # Before the lock, since a million numbers take a while.
        ahead = await wanted_of(early, before)
        present: Entity | None = None

        async def wanted(known: Configuration) -> Configuration:
            nonlocal present
            present = present_in(known, kind, entity_id)
            condition.check(kind, entity_id, present, await self._version(kind, entity_id))
            return ahead if present == before else await wanted_of(known, present)

        async with self._writer.locked() as token:
            prepared = await self._prepare(wanted, viewer=condition.account)
            if not prepared.changes and present is not None:
                return Saved(present, await self._version(kind, entity_id), made=False)
            condition.check_named(kind, entity_id, present)
            await self._carry_out(token, prepared)
            (entity,) = entities_of(prepared.wanted)
            entity = kept(entity, prepared.lists.get(f"{kind}/{entity_id}"))
            return Saved(entity, await self._version(kind, entity_id), made=present is None)

    async def versions(self, kind: Kind, ids: Sequence[str]) -> tuple[int, list[str]]:
        """Return the revision, and the versions that entities of one kind have in it.

        A version is a text that every change of the entity changes, its numbers' too.
        """
        revision, found = await self._store.versions([f"{kind}/{entity_id}" for entity_id in ids])
        return revision, [version or UNVERSIONED for version in found]

    async def _version(self, kind: Kind, entity_id: str) -> str:
        _, (version,) = await self.versions(kind, [entity_id])
        return version

    async def add_numbers(
        self, pool_id: str, added: Sequence[str], condition: Condition = ANY
    ) -> list[Change]:
        """Add numbers to a pool; Faults name ``numbers[i]``."""
        canonical = await aside(len(added), _canonical, added)

        async def more(known: Configuration) -> Configuration:
            await self._check(condition, known, "pool", pool_id)
            pool = find(known.pools, pool_id, "pool")
            present = await self._numbers("pool", pool_id)
            return _with_pool(pool, dict.fromkeys((*canonical, *present)))

        with _of_one_pool():
            return await self._change(more, viewer=condition.account)

    async def remove_numbers(
        self, pool_id: str, removed: Sequence[str], condition: Condition = ANY
    ) -> list[Change]:
        """Drain numbers from a pool; those that aren't the pool's are ignored."""
        gone = frozenset(await aside(len(removed), _canonical, removed))

        async def fewer(known: Configuration) -> Configuration:
            await self._check(condition, known, "pool", pool_id)
            pool = find(known.pools, pool_id, "pool")
            present = await self._numbers("pool", pool_id)
            return _with_pool(pool, (number for number in present if number not in gone))

        with _of_one_pool():
            return await self._change(fewer)

    async def delete_account(self, account_id: str, condition: Condition = ANY) -> None:
        """Remove an account; a Fault while it has pools or stocks."""
        await self._delete("account", account_id, condition)

    async def delete_pool(self, pool_id: str, condition: Condition = ANY) -> None:
        """Remove a pool; a Fault while numbers are in it."""
        await self._delete("pool", pool_id, condition)

    async def delete_stock(self, stock_id: str, condition: Condition = ANY) -> None:
        """Remove a stock; a Fault while numbers are in it or a pool grows from it."""
        await self._delete("stock", stock_id, condition)

    async def undo(
        self,
        revision: int,
        *,
        account: str | None = None,
        permit: Callable[[Entity, Entity | None], None] = lambda _wanted, _present: None,
        dry_run: bool = False,
    ) -> Undone:
        """Make the change that undoes the one of a revision, checked as any other.

        ``account``: whose change it is, undone by its own key. ``permit``: raises where an entity
        may not be put in the place of what is there. Raises CannotUndo, and what ``apply`` does,
        with entities named as in ``pool/ad-placement.max_size``.
        """
        recorded = await self.log.one(revision, account)
        if recorded is None:
            raise CannotUndo("unknown", Fault("revision", f"the log has no change {revision}"))
        if account is not None and recorded.entry.by.account != account:
            raise CannotUndo("forbidden", Fault("revision", "this change is the operator's"))
        entities = await self.log.whole(recorded)
        if dry_run:
            prepared, left = await self._prepare_undo(entities, account, permit)
            return Undone(0, prepared.changes, prepared.shown(), left)
        async with self._writer.locked() as token:
            prepared, left = await self._prepare_undo(entities, account, permit)
            try:
                await self._carry_out(token, prepared, undoes=revision)
            except OverQuota:
                raise
            except Fault as fault:  # a pool that is to go got a number from its stock meanwhile
                raise CannotUndo("in_use", fault) from None
            return Undone(prepared.revision, prepared.changes, prepared.shown(), left)

    async def hash_keys(self) -> int:
        """Hash the API keys that are kept as plain texts, as they once were.

        Returns in how many accounts there were some.
        """
        if not _with_plain_keys((await self._store.documents())[1]):
            return 0
        async with self._writer.locked() as token:
            revision, documents = await self._store.documents()
            if hashed := _with_plain_keys(documents):
                written = hashing(self._actor, map(_decoders["account"].decode, hashed.values()))
                await self._writer.commit(token, [Publication(revision + 1, hashed, *written)])
            return len(hashed)

    async def finish_pending(self) -> bool:
        """Carry out what a dead writer left; True when there was something and it is done."""
        return await self._writer.finish_pending()

    async def hand_on(self, pool_id: str, departures: Sequence[Departure] | None = None) -> int:
        """Record what left a pool: its own numbers are free now, lent ones return to their stock.

        ``departures``: what a sweep of the pool found; without them, the pool is swept here.
        Returns how many numbers left; call again while there are any.
        """
        if departures is None:
            departures = (await self._allocator.sweep(pool_id)).departures

        async def end_ownership(stock_id: str, left: Sequence[Departure]) -> None:
            owner = f"stock/{stock_id}" if stock_id else f"pool/{pool_id}"
            await self._store.departed(owner, left)

        await self._transfers.hand_on(pool_id, departures, end_ownership)
        return len(departures)

    async def _change(
        self,
        make: Callable[[Configuration], Awaitable[Configuration]],
        expected_revision: int | None = None,
        viewer: str | None = None,
        progress: Progress = lambda _done, _of: None,
    ) -> list[Change]:
        async with self._writer.locked() as token:
            prepared = await self._prepare(make, expected_revision, viewer)
            if prepared.changes:
                await self._carry_out(token, prepared, progress=progress)
            return prepared.changes

    async def _carry_out(
        self,
        token: str,
        prepared: CatalogChange,
        undoes: int = 0,
        progress: Progress = lambda _done, _of: None,
    ) -> None:
        many = prepared.size()
        written = await aside(many, prepared.written, self._actor, undoes)
        written = await self.log.affordable(written)
        steps = await aside(many, lambda: list(prepared.steps(written)))
        await self._removals.forget(prepared.removed_pools(), prepared.rules_edit)
        await self._writer.commit(token, steps, progress)
        with suppress(StoreUnavailable):  # the change is made; the sweeper does it too
            await self._collect(prepared.drained())

    async def _prepare_undo(
        self,
        entities: Sequence[EntityChange],
        account: str | None,
        permit: Callable[[Entity, Entity | None], None],
    ) -> tuple[CatalogChange, list[str]]:
        revision, known = await self.entities()
        present = by_name(known)
        undoing = await inverse(entities, present, self._numbers, account)
        wanted = by_name(undoing.wanted)
        for name, entity in wanted.items():
            permit(entity, present.get(name))
        try:
            prepared = await self._checked(
                revision, known, undoing.wanted, undoing.removed, viewer=account
            )
        except OverQuota:
            raise
        except Fault as fault:
            raise CannotUndo("in_use", fault) from None
        except Faults as faults:
            raise Faults(_named(fault, undoing.wanted) for fault in faults.faults) from None
        return prepared, undoing.left

    async def _check(
        self, condition: Condition, known: Configuration, kind: Kind, name: str
    ) -> None:
        if condition != ANY:
            present = present_in(known, kind, name)
            condition.check(kind, name, present, await self._version(kind, name))

    async def _delete(self, kind: Kind, name: str, condition: Condition) -> None:
        async with self._writer.locked() as token:
            revision, known = await self.entities()
            await self._check(condition, known, kind, name)
            if present_in(known, kind, name) is None:
                raise Fault(kind, f"there is no {kind} {name}")
            prepared = await self._checked(revision, known, Configuration(), [(kind, name)])
            await self._carry_out(token, prepared)

    async def _collect(self, pool_ids: Sequence[str]) -> None:
        """Free at once what could leave at once. The sweeper finds later what drains."""

        async def collect(pool_id: str) -> None:
            for _ in range(_SWEEPS_AFTER_A_CHANGE):
                if not await self.hand_on(pool_id):
                    break

        await gather_limited(collect, pool_ids, _WRITTEN_AT_ONCE)

    async def _prepare(
        self,
        make: Callable[[Configuration], Awaitable[Configuration]],
        expected_revision: int | None = None,
        viewer: str | None = None,
    ) -> CatalogChange:
        """Check what is wanted, in canonical form, against what is configured; raises Faults.

        ``viewer``: the account whose change it is, and that is told nothing of others; None: the
        operator's.
        """
        revision, known = await self.entities()
        if expected_revision not in (None, revision):
            raise _another_revision(revision, expected_revision)
        return await self._checked(revision, known, await make(known), viewer=viewer)

    async def _checked(
        self,
        revision: int,
        known: StoredConfiguration,
        wanted: Configuration,
        removed: Sequence[Removed] = (),
        *,
        viewer: str | None = None,
    ) -> CatalogChange:
        """Check what is wanted and what is to go; raises Faults, and a Fault for what is needed."""
        remaining = without(known, removed)
        owners = [f"{kind}/{entity.id}" for kind, entity in numbered(wanted)]
        texts = await gather_limited(self._store.list_of, owners, _READ_AT_ONCE)
        lists = dict(zip(owners, map(number_lists.unpack, texts), strict=True))
        current = with_lists(remaining, lists)
        wanted = with_moved_numbers(wanted, current)
        many, seen = size(wanted), seen_by(viewer, current)
        wanted = await aside(many, validation.check, wanted, seen, canonical=True)
        at = self._clock()
        wanted = with_keys(wanted, remaining, at)
        changes = await aside(many, difference, current, wanted)
        rests.check(known.rests, wanted, changes)
        wanted = without_ended_keys(wanted, at)
        added = {number for change in changes for number in change.added}
        faults = await owner_faults(
            *(self._store, self._allocator, self.stocks, known, placed(wanted), added),
            viewer=viewer,
        )
        faults += await quota_faults(self._store, self._allocator, remaining, wanted, changes)
        if faults:
            if len(faults) == 1 and isinstance(faults[0], OverQuota):
                raise faults[0]
            raise Faults(faults)
        areas = await area_change(remaining, wanted, changes, self._list_of)
        reruled = requoted(remaining, wanted, changes)
        present, after = by_name(known), {**by_name(remaining), **by_name(wanted)}
        for kind, name in removed:
            await self._removals.check(kind, name, after)
            changes.append(removal(kind, present[kind, name]))
        accounts = (*known.accounts, *wanted.accounts)
        return CatalogChange(
            revision + 1,
            known,
            wanted,
            lists,
            changes,
            areas,
            {account.id: account.quota for account in accounts},
            reruled,
        )

    async def _list_of(self, owner: str) -> Iterable[str]:
        return number_lists.numbers(number_lists.unpack(await self._store.list_of(owner)))

    async def _with_numbers(self, kind: str, entity: T) -> T:
        return msgspec.structs.replace(entity, numbers=await self._numbers(kind, entity.id))

    async def _numbers(self, kind: str, name: str) -> tuple[str, ...]:
        return tuple(await self._list_of(f"{kind}/{name}"))


def _with_plain_keys(documents: Mapping[str, str]) -> dict[str, str]:
    """The documents of accounts that have keys as plain texts, with hashes in their places."""
    return {
        name: encode_document(_decoders["account"].decode(text))
        for name, text in documents.items()
        if name.startswith("account/") and _PLAIN_KEYS.search(text)
    }


def _canonical(texts: Sequence[str]) -> list[str]:
    """Return numbers in E.164; raises Faults that name ``numbers[i]``."""
    found: list[str] = []
    faults: list[Fault] = []
    for index, text in enumerate(texts):
        try:
            found.append(phone.parse(text))
        except ValueError as error:
            faults.append(Fault(f"numbers[{index}]", str(error)))
            if len(faults) >= MAX_FAULTS:
                break
    if faults:
        raise Faults(faults)
    return found


def _another_revision(present: int, expected: int | None) -> Fault:
    message = f"it is {present} by now, not {expected}: another change was faster"
    return Fault("revision", message)


@contextmanager
def _of_one_pool() -> Iterator[None]:
    """Have faults name fields of the one pool that is changed: ``numbers[3]``."""
    try:
        yield
    except Faults as faults:
        raise Faults(_without_place(fault) for fault in faults.faults) from None
    except OverQuota:
        raise
    except Fault as fault:
        raise _without_place(fault) from None


def _without_place(fault: Fault) -> Fault:
    return Fault(fault.field.removeprefix("pools[0]."), fault.message)


def _named(fault: Fault, wanted: Configuration) -> Fault:
    """A fault of a document, its entity named by its id in the place of its index."""
    match = _PLACE.match(fault.field)
    if match is None:
        return fault
    section, index = match[1], int(match[2])
    entity = getattr(wanted, section)[index]
    rest = fault.field[match.end() :]
    return Fault(f"{section[:-1]}/{entity.id}{rest}", fault.message)


def _with_pool(pool: Pool, numbers: Iterable[str]) -> Configuration:
    return Configuration(pools=(msgspec.structs.replace(pool, numbers=tuple(numbers)),))
