"""The life of numbers: stock, pool, quarantine, stock again; and whoever does a step may be killed.

``LIFE_OPERATIONS=100000`` runs as many operations, ``LIFE_SEED`` others than the usual ones.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, Departure, Rules, State, area_list
from allocator.claims import Left, PoolClaim, StockClaim, pool_claims, stock_claims
from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from allocator.stocks import Stocks
from allocator.transfers import NO_HISTORY, Arrival, Transfers
from tests.allocator.pools import START

OPERATIONS = int(os.environ.get("LIFE_OPERATIONS", "1500"))
SEED = int(os.environ.get("LIFE_SEED", "12"))

KILLED = 0.04
"""Of all calls: half of them never reach the store, of the others the answer is lost."""

QUARANTINE_MS = 20_000
SPAN_MS = 8_000
STOCKED = [f"+1888000{n:02}" for n in range(9)] + [f"+1212000{n:02}" for n in range(9)]
OWN = [f"+1310000{n:02}" for n in range(4)]
NUMBERS = [*STOCKED, *OWN]
POOLS = {
    "any": Rules(min_duration=2_000, max_size=8, stock="s", allow_overflow=False),
    "toll-free": Rules(
        min_duration=500, max_size=6, stock="s", allow_overflow=False, of_stock=" +1888 "
    ),
    "local": Rules(
        min_duration=5_000,
        max_size=6,
        stock="s",
        allow_overflow=False,
        areas=area_list(["+1212"]),
        of_stock=" +1212 ",
    ),
}


class Killing:
    """A store on which whoever works may die, before or after a script has run."""

    def __init__(self, store: Store, chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self.ping, self.aclose = store.ping, store.aclose

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        fate = self._chance.random()
        if fate < KILLED / 2:
            raise StoreUnavailable("killed before")
        reply = await self._store.run(script, keys, args)
        if fate < KILLED:
            raise StoreUnavailable("killed after")
        return reply


class Life:
    """Three pools on one stock, and the catalog's part played by ``owners`` and ``pasts``.

    ``owners``: ``pool any``, ``stock s``, ``leaving pool any``, ``leaving stock s``; nobody's
    numbers have none.
    """

    def __init__(self, store: Store, prefix: str, seed: int) -> None:
        self._chance = random.Random(seed)
        self._plain = store
        killing = Killing(store, self._chance)
        self.allocator, self.stocks = Allocator(killing), Stocks(killing)
        self.transfers = Transfers(killing)
        self.now = START
        self._stock = f"{prefix}-s"
        self._pools = {name: f"{prefix}-{name}" for name in POOLS}
        self._owners = dict.fromkeys(STOCKED, "stock s")
        self._owners |= dict.fromkeys(OWN, "pool any")
        self._pasts: dict[str, Departure] = {}
        self._promises: dict[str, tuple[str, str, int]] = {}
        self._last_seen: dict[str, int] = {}
        self.seen: Counter[str] = Counter()

    async def begin(self) -> None:
        async def stocked() -> None:
            await self.stocks.edit(self._stock, QUARANTINE_MS, STOCKED, now_ms=self.now)

        await self._until_done(stocked)
        await self._until_done(self._shelve)
        for name, rules in POOLS.items():
            given = Rules(**{**_fields(rules), "stock": self._stock})

            async def edited(name: str = name, given: Rules = given) -> None:
                await self.allocator.edit(self._pools[name], given, 1, now_ms=self.now)

            await self._until_done(edited)
        await self._until_done(self._add_own)

    async def run(self, operations: int) -> None:
        choices: list[Callable[[], Awaitable[None]]] = [
            *[self._visit] * 6,
            *[self._pass_time] * 5,
            *[self._sweep] * 4,
            self._fill,
            self._fill,
            self._shrink,
            self._shrink,
            self._finish_moves,
            self._finish_moves,
            self._drain,
            self._change_owner,
        ]
        for operation in range(operations):
            do = self._chance.choice(choices)
            try:
                await do()
                self.seen[do.__name__] += 1
            except StoreUnavailable:
                self.seen["killed"] += 1
            if operation % 4 == 0:
                await self.check()

    async def settle(self) -> None:
        """Everything that was begun comes to its end, and every number is in one place."""
        for _ in range(20):
            self.now += 11_000
            await self._until_done(self._finish_moves)
            for pool in self._pools:
                await self._until_done(lambda pool=pool: self._hand_on(pool))  # type: ignore[misc]
        await self.check()
        status = await Stocks(self._plain).status(self._stock, now_ms=self.now)
        assert status.moving == 0

    # What happens

    async def _visit(self) -> None:
        pool = self._chance.choice(list(self._pools))
        tuples = [f"w={self._chance.randrange(14)}" for _ in range(self._chance.randrange(1, 4))]
        areas = self._chance.choice(["", "+1212", "+1888"])
        asks = [Ask(each, areas=areas) for each in tuples]
        answers = await self.allocator.allocate(self._pools[pool], asks, now_ms=self.now)
        for tuple_, answer in zip(tuples, answers, strict=True):
            if answer.number:
                self._note(pool, tuple_, answer)

    def _note(self, pool: str, tuple_: str, answer: Answer) -> None:
        number = answer.number
        if number not in OWN and POOLS[pool].of_stock:
            assert number.startswith(POOLS[pool].of_stock.strip()), "a number of another kind"
        if answer.state is State.HELD and answer.hold_ms == 0:
            return  # no promise
        where, whose, until = self._promises.get(number, (pool, tuple_, 0))
        assert (where, whose) == (pool, tuple_) or until <= self.now, "two tuples have one number"
        self._promises[number] = (pool, tuple_, answer.guaranteed_until)
        if answer.state is State.NEW and number in self._last_seen:
            # A number that somebody had is unassigned again only after it has left a pool.
            self.seen["came round"] += 1
            if "stock" in self._owners.get(number, ""):
                assert self._last_seen[number] + QUARANTINE_MS <= self.now, "it didn't rest"
        self._last_seen[number] = self.now

    async def _pass_time(self) -> None:
        self.now += self._chance.choice([1, 200, 1_000, 2_000, 5_000])

    async def _sweep(self) -> None:
        await self._hand_on(self._chance.choice(list(self._pools)))

    async def _hand_on(self, pool: str) -> None:
        async def end_ownership(stock_id: str, departures: Sequence[Departure]) -> None:
            owner = "stock s" if stock_id else f"pool {pool}"
            self._departed(owner, departures)

        pool_id = self._pools[pool]
        swept = await self.allocator.sweep(pool_id, now_ms=self.now)
        await self.transfers.hand_on(pool_id, swept.departures, end_ownership, now_ms=self.now)

    def _departed(self, owner: str, departures: Sequence[Departure]) -> None:
        for departure in departures:
            if self._owners.get(departure.number) == f"leaving {owner}":
                del self._owners[departure.number]
                if bytes(departure.history) != bytes(NO_HISTORY):
                    self._pasts[departure.number] = departure

    async def _fill(self) -> None:
        pool = self._chance.choice(list(self._pools))
        count = self._chance.randrange(1, 4)
        of_stock = POOLS[pool].of_stock
        brought = await self.transfers.fill(
            self._pools[pool], self._stock, count, of_stock, now_ms=self.now
        )
        self.seen["brought"] += brought

    async def _shrink(self) -> None:
        pool_id = self._pools[self._chance.choice(list(self._pools))]
        left, _ = await self.allocator.shrink(
            pool_id, 2, SPAN_MS, fewest=1, spare=1, now_ms=self.now
        )
        self.seen["given back"] += left

    async def _finish_moves(self) -> None:
        assert await self.transfers.finish_moves(self._stock, now_ms=self.now) == []

    async def _drain(self) -> None:
        pool_id = self._pools[self._chance.choice(list(self._pools))]
        lent = [number for number in STOCKED if "stock" in self._owners.get(number, "")]
        if lent:
            await self.allocator.drain(pool_id, [self._chance.choice(lent)], now_ms=self.now)

    async def _change_owner(self) -> None:
        """What a change of the configuration does to one number, repeated until it is done."""
        number = self._chance.choice(NUMBERS)
        owner = self._owners.get(number)
        if owner is None and self._chance.random() < 0.6:
            self._owners[number] = "stock s"
            await self._until_done(lambda: self._add_to_stock(number))
            self._pasts.pop(number, None)
        elif owner is None or (owner == "leaving pool any" and self._chance.random() < 0.3):
            self._owners[number] = "pool any"
            await self._until_done(self._add_own)
            self._pasts.pop(number, None)
        elif owner == "stock s":
            self._owners[number] = "leaving stock s"
            await self._until_done(lambda: self._take_out_of_stock(number))
        elif owner == "pool any":
            self._owners[number] = "leaving pool any"
            await self._until_done(lambda: self._take_out_of_pool(number))

    async def _add_to_stock(self, number: str) -> None:
        edited = await self.stocks.edit(
            self._stock, QUARANTINE_MS, [number], self._pasts, now_ms=self.now
        )
        assert edited in (0, 1)
        await self._shelve()

    async def _shelve(self) -> None:
        areas = area_list(["+1212", "+1888", "+1310"])
        await self.stocks.shelve(self._stock, areas, area_list(["+1888"]), now_ms=self.now)

    async def _add_own(self) -> None:
        arrivals = [
            Arrival(
                number, history=past.history if (past := self._pasts.get(number)) else NO_HISTORY
            )
            for number, owner in self._owners.items()
            if owner == "pool any"
        ]
        pool_id = self._pools["any"]
        while len(await self.transfers.arrive(pool_id, arrivals, now_ms=self.now)) < len(arrivals):
            await self._hand_on("any")  # that one left it by a loan wasn't noted yet

    async def _take_out_of_stock(self, number: str) -> None:
        for past in await self.stocks.pasts(self._stock, [number]):
            self._pasts[number] = past
        lent, gone = await self.stocks.drain(self._stock, [number], now_ms=self.now)
        self._departed("stock s", gone)
        await self.transfers.recall(lent, now_ms=self.now)

    async def _take_out_of_pool(self, number: str) -> None:
        await self.allocator.drain(self._pools["any"], [number], now_ms=self.now)

    async def _until_done(self, do: Callable[[], Awaitable[None]]) -> None:
        """What is journaled is repeated by whoever comes next."""
        while True:
            try:
                return await do()
            except StoreUnavailable:
                self.seen["killed"] += 1

    # What must be so

    async def check(self) -> None:
        """Every number that somebody owns is in exactly one place, and no other number anywhere."""
        self.seen["check"] += 1
        _, of_stock = await stock_claims(self._plain, self._stock, NUMBERS)
        of_pools = {
            name: await pool_claims(self._plain, pool_id, NUMBERS, now_ms=self.now)
            for name, pool_id in self._pools.items()
        }
        for index, number in enumerate(NUMBERS):
            here = {name: claims[index][0] for name, claims in of_pools.items()}
            left = {name: claims[index][1] for name, claims in of_pools.items()}
            self._check_one(number, of_stock[index], here, left)

    def _check_one(
        self,
        number: str,
        stock: StockClaim | None,
        here: dict[str, PoolClaim | None],
        left: dict[str, Left | None],
    ) -> None:
        owner = self._owners.get(number, "")
        found = [(name, claim.loan) for name, claim in here.items() if claim]
        places = ["in the stock"] if stock and not stock.pool else []
        places += [f"in pool {name} by {loan!r}" for name, loan in found]
        leaves = [(name, entry.loan) for name, entry in left.items() if entry]
        if stock and stock.pool:
            expected = (self._name(stock.pool), f"{self._stock}@{stock.loan}")
            assert found in ([], [expected]), (number, owner, stock, found)
            if not found:
                on_its_way = stock.moving or expected in leaves
                places += ["on its way"] if on_its_way else []
        elif not stock and owner == "leaving stock s":
            places += [f"left {name}" for name, loan in leaves if loan] if not found else []
        elif owner == "leaving pool any" and not found:
            places += [f"left {name}" for name, loan in leaves if not loan]
        assert len(places) == (1 if owner else 0), (number, owner, stock, places, leaves)

    def _name(self, pool_id: str) -> str:
        return next(name for name, found in self._pools.items() if found == pool_id)


def _fields(rules: Rules) -> dict[str, object]:
    return {name: getattr(rules, name) for name in rules.__struct_fields__}


@pytest.mark.timeout(3_600)  # as many operations as are asked for
async def test_every_number_is_in_one_place(
    valkey_store: Store, unique: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever happens in whatever order, and is cut off wherever: each number exactly once."""
    life = Life(valkey_store, unique, SEED)
    await life.begin()
    await life.run(OPERATIONS)
    await life.settle()
    with capsys.disabled():
        if "LIFE_OPERATIONS" in os.environ:
            print(f"\n{OPERATIONS} operations: {dict(life.seen)}")
    assert min(life.seen[name] for name in ("came round", "given back", "brought", "killed")) > 0
