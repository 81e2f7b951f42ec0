"""A change of the catalog as steps, each of one hash slot, each safe to repeat.

The order keeps every promise at every moment: a number has its owner before it is anywhere, rules
are in force before a page can hear of their pool, and a number is known to be leaving before it
can have left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from allocator.allocator import Allocator, Busy
from allocator.answers import Departure, Rules
from allocator.gather import gather_limited
from allocator.stocks import Stocks
from allocator.transfers import NO_HISTORY, Arrival, Transfers
from ringpool.catalog import number_lists
from ringpool.catalog.store import CatalogStore, Claimed, LockKeeper


class Claim(Struct, frozen=True, tag=True):
    """These numbers are the owner's, or (``leaving``) are about to drain from it."""

    owner: str
    numbers: Sequence[str]
    leaving: bool = False


class StockEdit(Struct, frozen=True, tag=True):
    """The stock has this quarantine (ms), and these numbers too.

    ``quiet`` (ms): absent in a plan of before there were quiet periods.
    """

    stock: str
    quarantine: int
    numbers: Sequence[str] = ()
    quiet: int | None = None


class StockAreas(Struct, frozen=True, tag=True):
    """The stock's numbers are found by these starts (``answers.area_list``).

    ``general``: those of them that are no areas.
    """

    stock: str
    areas: str
    general: str = ""


class RulesEdit(Struct, frozen=True, tag=True):
    """The pool has these rules."""

    pool: str
    rules: Rules
    revision: int


class Addition(Struct, frozen=True, tag=True):
    """The pool has these numbers too."""

    pool: str
    numbers: Sequence[str]


class ListEdit(Struct, frozen=True, tag=True):
    """The owner's list has these chunks."""

    owner: str
    texts: dict[int, str]


class Publication(Struct, frozen=True, tag=True):
    """From this revision on, these documents are in force; "" is one that goes.

    The rest goes into the audit log (``audit.Written``).
    """

    revision: int
    documents: dict[str, str]
    entry: str = ""
    details: str = ""
    account: str = ""


class PoolDrain(Struct, frozen=True, tag=True):
    """These numbers leave the pool when their guarantee is over."""

    pool: str
    numbers: Sequence[str]


class StockDrain(Struct, frozen=True, tag=True):
    """These numbers leave the stock, and first the pool that they are lent to."""

    stock: str
    numbers: Sequence[str]


Step = (
    Claim
    | StockEdit
    | StockAreas
    | RulesEdit
    | Addition
    | ListEdit
    | Publication
    | PoolDrain
    | StockDrain
)

_HAND_ON_TRIES = 50

_AT_ONCE = 20
"""Pools and stocks whose steps are carried out side by side."""

encode = msgspec.json.Encoder().encode  # text: what Lua packs as strings comes back as such
decode = msgspec.json.Decoder(Step).decode


class Runner:
    """Carries out steps, for the writer that has the lock."""

    def __init__(
        self, catalog: CatalogStore, allocator: Allocator, stocks: Stocks, transfers: Transfers
    ) -> None:
        self._catalog = catalog
        self._allocator = allocator
        self._stocks = stocks
        self._transfers = transfers

    async def run(self, token: str, steps: Sequence[Step]) -> None:
        """Carry out steps that may be carried out side by side (``side_by_side``).

        Raises StoreUnavailable and LockLost, and can then be repeated.
        """
        match steps[0]:
            case Claim(leaving=False):
                claims = [step for step in steps if isinstance(step, Claim)]
                claimed = [Claimed(each.owner, each.numbers) for each in claims]
                await self._catalog.claim_all(token, claimed)
                return
            case ListEdit():
                edits = [(step.owner, step.texts) for step in steps if isinstance(step, ListEdit)]
                await self._catalog.write_lists(token, edits)
                return
        added = [
            number
            for step in steps
            if isinstance(step, Addition | StockEdit)
            for number in step.numbers
        ]
        pasts = await self._catalog.pasts(added)
        by_owner: dict[str, list[Step]] = {}
        for step in steps:
            by_owner.setdefault(_owner(step), []).append(step)
        lock = LockKeeper(self._catalog, token)

        async def in_order(of_one: Sequence[Step]) -> None:
            for step in of_one:
                await lock.keep()  # who was halted for long mustn't go on beside another writer
                await self._run(token, step, pasts)

        await gather_limited(in_order, by_owner.values(), _AT_ONCE)
        await self._catalog.forget(token, list(pasts))

    async def _run(self, token: str, step: Step, pasts: Mapping[str, Departure]) -> None:
        match step:
            case Claim(owner, numbers, leaving):
                await self._catalog.claim(token, owner, numbers, leaving=leaving)
            case StockEdit(stock, quarantine, numbers, quiet):
                await self._stocks.edit(stock, quarantine, numbers, pasts, quiet_ms=quiet)
            case StockAreas(stock, areas, general):
                await self._stocks.shelve(stock, areas, general)
            case RulesEdit(pool, rules, revision):
                await self._edit(token, pool, rules, revision)
            case Addition(pool, numbers):
                arrivals = [
                    Arrival(
                        number, history=pasts[number].history if number in pasts else NO_HISTORY
                    )
                    for number in numbers
                ]
                await self._add(token, pool, arrivals)
            case Publication(revision, documents, entry, details, account):
                await self._catalog.publish(token, revision, documents, entry, details, account)
            case PoolDrain(pool, numbers):
                await self._transfers.drain(pool, numbers)
            case StockDrain(stock, numbers):
                await self._drain_stock(stock, numbers)

    async def _add(self, token: str, pool: str, arrivals: Sequence[Arrival]) -> None:
        """Add numbers to a pool; one that a stock had lent it comes when its leaving was noted."""

        async def end_ownership(stock: str, left: Sequence[Departure]) -> None:
            await self._catalog.departed(f"stock/{stock}" if stock else f"pool/{pool}", left)

        for _ in range(_HAND_ON_TRIES):
            if len(await self._transfers.arrive(pool, arrivals)) == len(arrivals):
                break
            await self._catalog.renew(token)
            departures = (await self._allocator.sweep(pool)).departures
            await self._transfers.hand_on(pool, departures, end_ownership)

    async def _edit(self, token: str, pool: str, rules: Rules, revision: int) -> None:
        while True:
            try:
                return await self._allocator.edit(pool, rules, revision)
            except Busy:  # the order before the last is still being sorted into the last
                await self._allocator.sweep(pool)
                await self._catalog.renew(token)

    async def _drain_stock(self, stock: str, numbers: Sequence[str]) -> None:
        # Before they are gone: should this be repeated, the stock knows them no more.
        await self._catalog.note_pasts(f"stock/{stock}", await self._stocks.pasts(stock, numbers))
        lent, gone = await self._stocks.drain(stock, numbers)
        await self._catalog.departed(f"stock/{stock}", gone)
        await self._transfers.recall(lent)


def side_by_side(steps: Sequence[Step]) -> Sequence[Step]:
    """Return the first of the steps, up to one that has to wait until they are done.

    Steps of one stage wait for none but those before them of the same pool or stock.
    """
    stage = _stage(steps[0])
    for place, step in enumerate(steps):
        if _stage(step) != stage:
            return steps[:place]
    return steps


def _stage(step: Step) -> object:
    match step:
        case RulesEdit() | Addition():
            return "arrivals"
        case Claim(leaving=True) | PoolDrain() | StockDrain():
            return "departures"
    return type(step)


def _owner(step: Step) -> str:
    """Return whose step it is: ``pool/ad-placement``, ``stock/us-toll-free``, "" the catalog's."""
    match step:
        case Claim(owner) | ListEdit(owner):
            return owner
        case RulesEdit(pool) | Addition(pool) | PoolDrain(pool):
            return f"pool/{pool}"
        case StockEdit(stock) | StockAreas(stock) | StockDrain(stock):
            return f"stock/{stock}"
    return ""


def claims(owner: str, numbers: Sequence[str], *, leaving: bool = False) -> Iterator[Claim]:
    """Yield the steps that note an owner, 1,000 numbers each."""
    for piece in number_lists.pieces(numbers):
        yield Claim(owner, piece, leaving)


def list_edits(owner: str, texts: dict[int, str]) -> Iterator[ListEdit]:
    """Yield the steps that write a list, ten chunks each."""
    items = list(texts.items())
    for start in range(0, len(items), 10):
        yield ListEdit(owner, dict(items[start : start + 10]))
