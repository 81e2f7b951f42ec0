"""Audits that every number is in exactly one place, over the catalog, all stocks and all pools.

They are screened in pages, each against what the others say at that time. What looks wrong is then
read again, everywhere: what is wrong twice, and the same, while nobody changed the configuration,
is wrong. A number on its way from a stock to a pool or back never is: each loan has another name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from allocator import claims
from allocator.answers import Departure
from allocator.gather import gather_limited
from allocator.port import Store
from allocator.replies import UnknownPool
from allocator.transfers import NO_HISTORY, Arrival, Transfers
from ringpool.catalog import number_lists
from ringpool.catalog.areas import StoredConfiguration
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import CatalogStore, Owner
from ringpool.findings import Finding, fault
from ringpool.model import PoolType
from ringpool.store_check.number_verdict import (
    Disown,
    Drop,
    Expel,
    Facts,
    Here,
    Leave,
    Lend,
    Own,
    Put,
    Relist,
    Stay,
    Step,
    Wrong,
    judge,
)

_SUSPECTS_AT_ONCE = 500
_AT_ONCE = 8
_PAUSE_SECONDS = 0.2
_READINGS = 10
_ROUNDS = 4
"""Some things show only when another is mended."""


class NumberCheck:
    """One audit. ``known``: the configuration; ``seen``: called with how many numbers were seen.

    Methods raise StoreUnavailable; those that mend CatalogBusy and LockLost too.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        known: StoredConfiguration,
        seen: Callable[[int], None],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._kept = CatalogStore(store)
        self._transfers = Transfers(store)
        self._seen = seen
        self._know(known)

    async def run(
        self, pools: Collection[str], stocks: Collection[str], *, repair: bool
    ) -> list[Finding]:
        """Audit the numbers of these pools and stocks; of all, the index of owners as well."""
        suspects = await self._screen(pools, stocks)
        findings: list[Finding] = []
        # Those of one list together, so that it is read once.
        waiting = iter(sorted(suspects, key=lambda number: (sorted(suspects[number]), number)))
        while some := list(islice(waiting, _SUSPECTS_AT_ONCE)):
            hints = {owner for number in some for owner in suspects[number]}
            if repair:
                async with self._catalog.locked() as token:
                    findings += await self._mend(token, some, hints)
            else:
                for facts, wrong in await self._certain(some, hints):
                    findings += _told(facts, wrong)
        return findings

    def _know(self, known: StoredConfiguration) -> None:
        self._pools = {pool.id: pool for pool in known.pools}
        self._stocks = {stock.id: stock for stock in known.stocks}
        # Guarantees that a stock's number may be under, whichever pool it was in.
        spans = (max(pool.min_duration, pool.hold) for pool in known.pools)
        self._longest = int(max(spans, default=0))

    # Screening

    async def _screen(
        self, pools: Collection[str], stocks: Collection[str]
    ) -> Mapping[str, set[str]]:
        """Return the numbers that look wrong, with the owners whose lists may name them."""
        suspects: dict[str, set[str]] = {}
        listed: dict[str, str] = {}

        def suspect(number: str, *owners: str) -> None:
            hints = suspects.setdefault(number, set())
            hints.update(owners)
            if number in listed:
                hints.add(listed[number])

        for kind, name in _of_kinds(pools, stocks):
            await self._screen_list(kind, name, listed, suspect)
        for name in pools:
            await self._screen_pool(name, suspect)
        for name in stocks:
            await self._screen_stock(name, suspect)
        if len(pools) == len(self._pools) and len(stocks) == len(self._stocks):
            await self._screen_owners(listed, suspect)
        return suspects

    async def _screen_list(
        self, kind: str, name: str, listed: dict[str, str], suspect: Callable[..., None]
    ) -> None:
        """What a list names is its owner's, and there."""
        own = Owner(kind, name)
        for piece in number_lists.pieces(await self._listed(str(own))):
            owners = await self._kept.owners(piece)
            present = await self._has(kind, name, piece, leaving=False)
            for number in piece:
                if number in listed:
                    suspect(number, str(own))
                listed[number] = str(own)
                if owners.get(number) != own or number not in present:
                    suspect(number)
            self._seen(len(piece))

    async def _screen_pool(self, pool: str, suspect: Callable[..., None]) -> None:
        """What is in a pool is its own, or lent to it."""
        async for numbers in claims.pool_numbers(self._store, pool):
            found = await claims.pool_claims(self._store, pool, numbers)
            owners = await self._kept.owners(numbers)
            lent: dict[str, dict[str, str]] = {}
            for number, (claim, _) in zip(numbers, found, strict=True):
                if claim is None:
                    suspect(number)  # it has left, or its record can't be read
                elif claim.loan:
                    lent.setdefault(claim.loan.rpartition("@")[0], {})[number] = claim.loan
                elif owners.get(number) != Owner("pool", pool, claim.leaving == 1):
                    suspect(number)
            for stock, loans in lent.items():
                _, of_stock = await claims.stock_claims(self._store, stock, list(loans))
                for (number, loan), known in zip(loans.items(), of_stock, strict=True):
                    owner = owners.get(number)
                    right = known and known.pool == pool and loan == f"{stock}@{known.loan}"
                    if not right or owner is None or str(owner) != f"stock/{stock}":
                        suspect(number)
            self._seen(len(numbers))

    async def _screen_stock(self, stock: str, suspect: Callable[..., None]) -> None:
        """What a stock has is its own, and where it says."""
        async for numbers in claims.stock_numbers(self._store, stock):
            _, found = await claims.stock_claims(self._store, stock, numbers)
            owners = await self._kept.owners(numbers)
            lent: dict[str, dict[str, str]] = {}
            for number, claim in zip(numbers, found, strict=True):
                if claim is None or owners.get(number) != Owner("stock", stock, claim.leaving == 1):
                    suspect(number)
                elif claim.pool and not claim.moving:
                    lent.setdefault(claim.pool, {})[number] = f"{stock}@{claim.loan}"
            for pool, loans in lent.items():
                of_pool = await claims.pool_claims(self._store, pool, list(loans))
                for (number, loan), (here, left) in zip(loans.items(), of_pool, strict=True):
                    at = here or left
                    if pool not in self._pools or at is None or at.loan != loan:
                        suspect(number)
            self._seen(len(numbers))

    async def _screen_owners(self, listed: Mapping[str, str], suspect: Callable[..., None]) -> None:
        """Who owns something lists it, or it is leaving and still there."""
        async for owners in self._kept.owner_pages():
            leaving: dict[tuple[str, str], list[str]] = {}
            for number, owner in owners.items():
                if owner.leaving:
                    leaving.setdefault((owner.kind, owner.id), []).append(number)
                elif listed.get(number) != str(owner):
                    suspect(number, str(owner))
            for (kind, name), numbers in leaving.items():
                present = await self._has(kind, name, numbers, leaving=True)
                for number in numbers:
                    if number not in present:
                        suspect(number)
            self._seen(len(owners))

    async def _has(
        self, kind: str, name: str, numbers: Sequence[str], *, leaving: bool
    ) -> set[str]:
        """Which of the numbers a pool or a stock has; ``leaving``: or had until lately."""
        if kind == "pool":
            of_pool = await claims.pool_claims(self._store, name, numbers)
            found = [bool(here or (leaving and left)) for here, left in of_pool]
        else:
            _, of_stock = await claims.stock_claims(self._store, name, numbers)
            found = [claim is not None for claim in of_stock]
        return {number for number, has in zip(numbers, found, strict=True) if has}

    async def _listed(self, owner: str) -> list[str]:
        return list(number_lists.numbers(number_lists.unpack(await self._kept.list_of(owner))))

    # A closer look

    async def _certain(
        self, numbers: Sequence[str], hints: Iterable[str]
    ) -> list[tuple[Facts, list[Wrong]]]:
        """Return what is wrong with numbers: twice the same, while nothing else was changed."""
        certain: list[tuple[Facts, list[Wrong]]] = []
        state = await self._kept.state()
        before = {facts.number: facts for facts in await self._read(numbers, hints)}
        for _ in range(_READINGS):
            before = {number: facts for number, facts in before.items() if self._judge(facts)}
            if not before:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
            now = await self._read(list(before), hints)
            earlier, state = state, await self._kept.state()
            quiet = not earlier.planned and not state.planned
            if quiet and earlier.revision == state.revision:
                same = [facts for facts in now if facts == before[facts.number]]
                certain += [(facts, self._judge(facts)) for facts in same]
                for facts in same:
                    del before[facts.number]
            before = {facts.number: facts for facts in now if facts.number in before}
        certain += [
            (facts, [Wrong("it was changed all the time: look again", None)])
            for facts in before.values()
            if self._judge(facts)
        ]
        return certain

    def _judge(self, facts: Facts) -> list[Wrong]:
        return judge(facts, self._pools, self._stocks)

    async def _read(self, numbers: Sequence[str], hints: Iterable[str]) -> list[Facts]:
        """Read all that is said of numbers; by stocks first, as a loan's name never comes back."""
        self._know((await self._catalog.entities())[1])
        by_stock: dict[str, dict[str, claims.StockClaim]] = {number: {} for number in numbers}
        by_pool: dict[str, dict[str, claims.PoolClaim]] = {number: {} for number in numbers}
        left: dict[str, dict[str, str]] = {number: {} for number in numbers}

        async def read_stock(stock: str) -> None:
            _, found = await claims.stock_claims(self._store, stock, numbers)
            for number, claim in zip(numbers, found, strict=True):
                if claim is not None:
                    by_stock[number][stock] = claim

        async def read_pool(pool: str) -> None:
            found = await claims.pool_claims(self._store, pool, numbers)
            for number, (here, gone) in zip(numbers, found, strict=True):
                if here is not None:
                    by_pool[number][pool] = here
                if gone is not None:
                    left[number][pool] = gone.loan

        await gather_limited(read_stock, self._stocks, _AT_ONCE)
        await gather_limited(read_pool, self._pools, _AT_ONCE)
        owners = await self._kept.owners(numbers)
        lists = set(hints) | {str(owner) for owner in owners.values()}
        lists |= {f"stock/{stock}" for found in by_stock.values() for stock in found}
        lists |= {f"pool/{pool}" for found in by_pool.values() for pool in found}
        listed: dict[str, list[str]] = {number: [] for number in numbers}
        for owner in sorted(lists):
            kind, _, name = owner.partition("/")
            if name not in (self._pools if kind == "pool" else self._stocks):
                continue
            for number in await self._listed(owner):
                if number in listed:
                    listed[number].append(owner)
        return [
            Facts(
                number=number,
                owner=owners.get(number),
                listed=tuple(listed[number]),
                stocks=by_stock[number],
                pools=by_pool[number],
                left=left[number],
            )
            for number in numbers
        ]

    # Mending

    async def _mend(
        self, token: str, numbers: Sequence[str], hints: Collection[str]
    ) -> list[Finding]:
        """Mend what is wrong with numbers; the writer with the token has the lock."""
        told: dict[str, dict[str, bool]] = {}
        looked_at = numbers
        for _ in range(_ROUNDS):
            found = await self._certain(looked_at, hints)
            steps: list[tuple[str, Step]] = []
            for facts, wrong in found:
                of_number = told.setdefault(facts.number, {})
                for message, step in wrong:
                    can = step is not None and self._can(step)
                    of_number[message] = can
                    if step is not None and can:
                        steps.append((facts.number, step))
            await self._carry_out_all(token, steps)
            looked_at = [facts.number for facts, _ in found]
            if not looked_at:
                break
        for facts, wrong in await self._certain(looked_at, hints) if looked_at else ():
            told[facts.number].update(dict.fromkeys((each.message for each in wrong), False))
        return [
            fault("numbers", f"{number}: {message}", repaired=mended)
            for number, messages in told.items()
            for message, mended in messages.items()
        ]

    async def _carry_out_all(self, token: str, steps: Sequence[tuple[str, Step]]) -> None:
        """What takes numbers away comes first, then whose they are, then where they are put."""
        owned: dict[tuple[str, bool], list[str]] = {}
        lists: dict[str, dict[str, bool]] = {}
        later: list[tuple[str, Step]] = []
        for number, step in steps:
            match step:
                case Own(owner, leaving):
                    owned.setdefault((owner, leaving), []).append(number)
                case Relist(owner, is_named):
                    lists.setdefault(owner, {})[number] = is_named
                case Expel() | Drop():
                    await self._kept.renew(token)
                    await self._carry_out(token, number, step)
                case _:
                    later.append((number, step))
        for (owner, leaving), numbers in owned.items():
            await self._kept.claim(token, owner, numbers)
            if leaving:
                await self._kept.claim(token, owner, numbers, leaving=True)
        for owner, named in lists.items():
            chunks = number_lists.unpack(await self._kept.list_of(owner))
            added = [number for number, stays in named.items() if stays]
            await self._kept.write_list(token, owner, number_lists.edited(chunks, added, named))
        for number, step in later:
            await self._kept.renew(token)
            await self._carry_out(token, number, step)

    def _can(self, step: Step) -> bool:
        """A static pool's number is in its document too: its list isn't changed beside that."""
        if not isinstance(step, Relist):
            return True
        pool = self._pools.get(step.owner.removeprefix("pool/"))
        return pool is None or pool.type is not PoolType.STATIC

    async def _carry_out(self, token: str, number: str, step: Step) -> None:
        store = self._store
        match step:
            case Expel(pool):
                await self._transfers.drain(pool, [number])
                await self._hand_on(pool)
            case Drop(stock):
                await claims.settle_gone(store, stock, number)
            case Disown(owner):
                await self._disown(token, owner, Departure(number, "", 0, NO_HISTORY))
            case Lend(stock, pool, loan, leaving):
                lent = await claims.settle_lent(store, stock, number, pool, loan, leaving=leaving)
                await claims.settle_in_pool(store, pool, number, f"{stock}@{lent}")
            case Here(stock):
                await claims.settle_here(store, stock, number, self._longest)
            case Put(pool, loan_text):
                await claims.settle_in_pool(store, pool, number, loan_text)
            case Leave(owner):
                await self._leave(token, owner, number)
            case Stay(owner):
                kind, _, name = owner.partition("/")
                if kind == "pool":
                    await self._transfers.arrive(name, [Arrival(number)])
                else:
                    quarantine = int(self._stocks[name].quarantine)
                    await self._catalog.stocks.edit(name, quarantine, [number])

    async def _leave(self, token: str, owner: str, number: str) -> None:
        kind, _, name = owner.partition("/")
        if kind == "pool":
            await self._transfers.drain(name, [number])
            await self._hand_on(name)
            return
        lent, gone = await self._catalog.stocks.drain(name, [number])
        if lent.keys() and self._pools.keys() >= set(lent.values()):
            await self._transfers.recall(lent)
        for departure in gone:
            await self._disown(token, owner, departure)

    async def _disown(self, token: str, owner: str, departure: Departure) -> None:
        await self._kept.claim(token, owner, [departure.number], leaving=True)
        await self._kept.departed(owner, [departure])

    async def _hand_on(self, pool: str) -> None:
        """Have what left a pool go where it goes next."""
        try:
            await self._catalog.hand_on(pool)
        except UnknownPool:
            return


def _of_kinds(pools: Iterable[str], stocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield from (("stock", name) for name in stocks)
    yield from (("pool", name) for name in pools)


def _told(facts: Facts, wrong: Iterable[Wrong]) -> list[Finding]:
    return [fault("numbers", f"{facts.number}: {message}") for message, _ in wrong]
