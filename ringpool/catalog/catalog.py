"""The configuration in the store, changed by one writer at a time and as a whole.

A change is checked under a lock, written as a plan (its commit is the moment it happens), and
carried out step by step. Whoever comes next, ``finish_pending`` included, first carries out a plan
whose writer died: steps are safe to repeat. A writer that lost its lock stops.

A number has one owner. One that is taken from a pool stays its own until it has drained; what left
is noted by ``hand_on``, and only then can another pool or stock have it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from allocator.allocator import Allocator, UnknownPool
from allocator.answers import Departure, Holding
from allocator.port import Store, StoreUnavailable
from allocator.stocks import Stocks
from ringpool.catalog import number_lists, plan
from ringpool.catalog.change import CatalogChange, numbered, with_keys, with_lists
from ringpool.catalog.number_place import NumberPlace, number_place
from ringpool.catalog.plan import Publication, Runner, Step
from ringpool.catalog.store import CatalogStore, Owner
from ringpool.config import config_file
from ringpool.config.codec import decode_hook
from ringpool.config.difference import Change, difference
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.numbers import phone

T = TypeVar("T", Account, Pool, Stock)

_LOCK_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.02
_STEPS_A_CALL = 20
_SWEEPS_AFTER_A_CHANGE = 20

_kinds: tuple[tuple[str, type[Account] | type[Pool] | type[Stock]], ...] = (
    ("account", Account),
    ("pool", Pool),
    ("stock", Stock),
)
_decoders = {kind: msgspec.json.Decoder(cls, dec_hook=decode_hook) for kind, cls in _kinds}


class CatalogBusy(Exception):
    """Another writer has been changing the configuration for 10 s: try again."""


class Catalog:
    """Reads and changes the configuration. Every method raises StoreUnavailable too.

    Methods that change something raise Faults (or Fault) before anything is changed, CatalogBusy,
    and LockLost when another writer took over and finishes the change in this one's place.
    """

    def __init__(self, store: Store, allocator: Allocator, stocks: Stocks) -> None:
        self._store = CatalogStore(store)
        self._allocator = allocator
        self.stocks = stocks
        self._runner = Runner(self._store, allocator, stocks)

    async def revision(self) -> int:
        """Return a number that grows with every change; 0: nothing was ever configured."""
        return (await self._store.state()).revision

    async def pending(self) -> int:
        """Return how many steps of a change are still to be carried out."""
        state = await self._store.state()
        return state.planned - state.done

    async def entities(self) -> tuple[int, Configuration]:
        """Return the revision and everything of it but the numbers of pools and stocks."""
        revision, documents = await self._store.documents()
        entities = [
            _decoders[name.partition("/")[0]].decode(documents[name]) for name in sorted(documents)
        ]
        return revision, Configuration(
            accounts=tuple(entity for entity in entities if isinstance(entity, Account)),
            pools=tuple(entity for entity in entities if isinstance(entity, Pool)),
            stocks=tuple(entity for entity in entities if isinstance(entity, Stock)),
        )

    async def read(self) -> Configuration:
        """Return the whole configuration: entities by id, numbers in the order they were named."""
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
        return await self._with_numbers("pool", _find(known.pools, pool_id, "pool"))

    async def server(self) -> tuple[int, dict[str, str]]:
        """Return the clock (Unix ms) and the INFO of the server that keeps the catalog."""
        return await self._store.server()

    async def owner(self, number: str) -> Owner | None:
        """Return whose a number (E.164) is; None: nobody's."""
        return (await self._store.owners([number])).get(number)

    async def locate(self, number: str, at_ms: int | None = None) -> NumberPlace:
        """Return whose a number (E.164) is and the pool that it is in.

        ``at_ms``: the time (Unix ms) for which its stock names the holder.
        """
        return await number_place(await self.owner(number), self.stocks, number, at_ms)

    async def former_holder(self, number: str, at_ms: int) -> Holding | None:
        """Return who held a number at a time, if it has left the pool it was in then."""
        return (await self._store.holder(number, at_ms))[1]

    async def apply(
        self, wanted: Configuration, *, dry_run: bool = False, canonical: bool = False
    ) -> list[Change]:
        """Make or update the entities named, and return the differences that made.

        An entity's ``numbers``, when given, are all its numbers: others drain. A pool without a
        key keeps its own, or gets one. ``dry_run`` checks and returns the same, and changes
        nothing.
        ``canonical``: ``wanted`` comes from ``configuration.read``, its numbers are parsed.
        """

        if not canonical:  # here, before the lock: a million numbers take their time
            wanted = config_file.check(wanted, (await self.entities())[1])

        async def named(_: Configuration) -> Configuration:
            return wanted

        if dry_run:
            return (await self._prepare(named)).changes
        return await self._change(named)

    async def add_numbers(self, pool_id: str, added: Sequence[str]) -> list[Change]:
        """Add numbers to a pool; Faults name ``numbers[i]``."""
        canonical = _canonical(added)

        async def more(known: Configuration) -> Configuration:
            pool = _find(known.pools, pool_id, "pool")
            present = await self._numbers("pool", pool_id)
            return _one(pool, dict.fromkeys((*canonical, *present)))

        try:
            return await self._change(more)
        except Faults as faults:
            raise Faults(
                Fault(fault.field.removeprefix("pools[0]."), fault.message)
                for fault in faults.faults
            ) from None

    async def remove_numbers(self, pool_id: str, removed: Sequence[str]) -> list[Change]:
        """Drain numbers from a pool; those that aren't its own are no fault."""
        gone = frozenset(_canonical(removed))

        async def fewer(known: Configuration) -> Configuration:
            pool = _find(known.pools, pool_id, "pool")
            present = await self._numbers("pool", pool_id)
            return _one(pool, (number for number in present if number not in gone))

        return await self._change(fewer)

    async def delete_account(self, account_id: str) -> None:
        """Remove an account; a Fault while it has pools or stocks."""

        async def check(known: Configuration) -> None:
            _find(known.accounts, account_id, "account")
            for kind, entity in numbered(known):
                if entity.account == account_id:
                    raise Fault("account", f"{account_id} still has {kind} {entity.id}")

        await self._delete("account", account_id, check)

    async def delete_pool(self, pool_id: str) -> None:
        """Remove a pool; a Fault while numbers are in it."""

        async def check(known: Configuration) -> None:
            _find(known.pools, pool_id, "pool")
            if await self._store.list_of(f"pool/{pool_id}") or not await self._emptied(pool_id):
                message = f"{pool_id} still has numbers: remove them, and wait"
                raise Fault("pool", f"{message} until they have drained")

        await self._delete("pool", pool_id, check)

    async def _emptied(self, pool_id: str) -> bool:
        """Delete what the allocator has of a pool without numbers; False while it has some.

        A death between this and the plan leaves a pool that answers as if it were unknown, until
        it is deleted again.
        """
        try:
            await self.hand_on(pool_id)
            return await self._allocator.forget(pool_id)
        except UnknownPool:
            return True

    async def delete_stock(self, stock_id: str) -> None:
        """Remove a stock; a Fault while numbers are in it or a pool grows from it."""

        async def check(known: Configuration) -> None:
            _find(known.stocks, stock_id, "stock")
            for pool in known.pools:
                if pool.stock == stock_id:
                    raise Fault("stock", f"pool {pool.id} grows from {stock_id}")
            status = await self.stocks.status(stock_id)
            if status.size or await self._store.list_of(f"stock/{stock_id}"):
                raise Fault("stock", f"{stock_id} still has {status.size} numbers")

        await self._delete("stock", stock_id, check)

    async def finish_pending(self) -> bool:
        """Carry out what a dead writer left; True when there was something and it is done."""
        state = await self._store.state()
        if not state.planned or state.locked:
            return False
        token = secrets.token_hex(16)
        if not await self._store.lock(token):
            return False
        try:
            await self._carry_out(token)
        finally:
            await self._unlock(token)
        return True

    async def hand_on(self, pool_id: str, departures: Sequence[Departure] | None = None) -> int:
        """Note what left a pool: its own numbers are free now, lent ones go back to their stock.

        ``departures``: what a sweep of the pool found; without it, the pool is swept here.
        Returns how many numbers were handed on; call again while there are any.
        """
        if departures is None:
            departures = (await self._allocator.sweep(pool_id)).departures
        by_stock: dict[str, list[Departure]] = {}
        for departure in departures:
            by_stock.setdefault(departure.loan.rpartition("@")[0], []).append(departure)
        for stock_id, left in by_stock.items():
            owner = f"stock/{stock_id}" if stock_id else f"pool/{pool_id}"
            if stock_id:
                gone = {*await self.stocks.receive(stock_id, pool_id, left)}
                left = [departure for departure in left if departure.number in gone]
            if left:
                await self._store.departed(owner, left)
        if departures:
            await self._allocator.sent(pool_id, departures)
        return len(departures)

    async def _change(
        self, make: Callable[[Configuration], Awaitable[Configuration]]
    ) -> list[Change]:
        async with self._writer() as token:
            prepared = await self._prepare(make)
            if prepared.changes:
                await self._commit(token, list(prepared.steps()))
                with suppress(StoreUnavailable):  # the change is made; the sweeper does it too
                    await self._collect(prepared.drained())
            return prepared.changes

    async def _delete(
        self, kind: str, name: str, check: Callable[[Configuration], Awaitable[None]]
    ) -> None:
        async with self._writer() as token:
            revision, known = await self.entities()
            await check(known)
            await self._commit(token, [Publication(revision + 1, {f"{kind}/{name}": ""})])

    @asynccontextmanager
    async def _writer(self) -> AsyncIterator[str]:
        """Be the one writer, with nothing pending."""
        token = secrets.token_hex(16)
        limit = time.monotonic() + _LOCK_SECONDS
        while not await self._store.lock(token):
            if time.monotonic() > limit:
                raise CatalogBusy("another change of the configuration is under way")
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        try:
            await self._carry_out(token)
            yield token
        finally:
            await self._unlock(token)

    async def _unlock(self, token: str) -> None:
        with suppress(StoreUnavailable):  # then it runs out by itself
            await self._store.unlock(token)

    async def _commit(self, token: str, steps: Sequence[Step]) -> None:
        packed = [plan.encode(step) for step in steps]
        for start in range(0, len(packed), _STEPS_A_CALL):
            await self._store.stage(token, start, packed[start : start + _STEPS_A_CALL])
        await self._store.commit(token, len(packed))
        await self._carry_out(token)

    async def _carry_out(self, token: str) -> None:
        following = await self._store.next_step(token)
        while following is not None:
            place, packed = following
            await self._runner.run(token, plan.decode(packed))
            following = await self._store.next_step(token, place + 1)

    async def _collect(self, pool_ids: Sequence[str]) -> None:
        """Free at once what could leave at once. What drains, the sweeper finds in its time."""
        for pool_id in pool_ids:
            for _ in range(_SWEEPS_AFTER_A_CHANGE):
                if not await self.hand_on(pool_id):
                    break

    async def _prepare(
        self, make: Callable[[Configuration], Awaitable[Configuration]]
    ) -> CatalogChange:
        """Check what is wanted (in canonical form) against all there is; raises Faults."""
        revision, known = await self.entities()
        wanted = await make(known)
        lists: dict[str, number_lists.Chunks] = {}
        for kind, entity in numbered(wanted):
            owner = f"{kind}/{entity.id}"
            lists[owner] = number_lists.unpack(await self._store.list_of(owner))
        current = with_lists(known, lists)
        wanted = with_keys(config_file.check(wanted, current, canonical=True), known)
        changes = difference(current, wanted)
        await self._check_owners(wanted, known, changes)
        return CatalogChange(revision + 1, wanted, lists, changes)

    async def _check_owners(
        self, wanted: Configuration, known: Configuration, changes: Sequence[Change]
    ) -> None:
        """Refuse numbers that somebody else has, and roles for numbers that are handed out."""
        roles = config_file.roles(wanted.pools)
        added = {number for change in changes for number in change.added}
        owners = await self._store.owners([*added, *roles.values()])
        faults: list[Fault] = []
        for section, kind in (("pools", "pool"), ("stocks", "stock")):
            for index, entity in enumerate(getattr(wanted, section)):
                for place, number in enumerate((entity.numbers or ()) if owners else ()):
                    owner = owners.get(number) if number in added else None
                    if owner and (owner.kind, owner.id) != (kind, entity.id):
                        where = f"{section}[{index}].numbers[{place}]"
                        faults.append(Fault(where, await self._why_taken(number, owner)))
        places = {pool.id: index for index, pool in enumerate(wanted.pools)}
        for (pool_id, role), number in roles.items():
            if owner := owners.get(number):
                where = f"pools[{places[pool_id]}].{role}"
                faults.append(Fault(where, f"{number} is handed out: it is in {_words(owner)}"))
        if faults:
            raise Faults(faults)

    async def _why_taken(self, number: str, owner: Owner) -> str:
        if not owner.leaving:
            return f"{number} belongs to {_words(owner)}: remove it there, and apply again then"
        place = await number_place(owner, self.stocks, number)
        try:
            held = await self._allocator.holder(place.pool, number) if place.pool else None
        except UnknownPool:
            held = None
        until = f" until {_time(held.guaranteed_until)}" if held else ""
        return f"{number} is still draining in {_words(owner)}{until}; apply again then"

    async def _with_numbers(self, kind: str, entity: T) -> T:
        return msgspec.structs.replace(entity, numbers=await self._numbers(kind, entity.id))

    async def _numbers(self, kind: str, name: str) -> tuple[str, ...]:
        chunks = number_lists.unpack(await self._store.list_of(f"{kind}/{name}"))
        return tuple(number_lists.numbers(chunks))


def _canonical(texts: Sequence[str]) -> list[str]:
    """Return numbers in E.164; raises Faults that name ``numbers[i]``."""
    found: list[str] = []
    faults: list[Fault] = []
    for index, text in enumerate(texts):
        try:
            found.append(phone.parse(text))
        except ValueError as error:
            faults.append(Fault(f"numbers[{index}]", str(error)))
    if faults:
        raise Faults(faults)
    return found


def _find(entities: Sequence[T], name: str, kind: str) -> T:
    for entity in entities:
        if entity.id == name:
            return entity
    raise Fault(kind, f"there is no {kind} {name}")


def _one(pool: Pool, its_numbers: Iterable[str]) -> Configuration:
    return Configuration(pools=(msgspec.structs.replace(pool, numbers=tuple(its_numbers)),))


def _words(owner: Owner) -> str:
    return f"{owner.kind} {owner.id}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
