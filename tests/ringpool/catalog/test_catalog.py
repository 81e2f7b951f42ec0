"""The catalog: changed as a whole or not at all, whatever dies when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest
from msgspec import UNSET

from allocator.allocator import Allocator
from allocator.answers import Ask, State
from allocator.port import Argument, Store, StoreUnavailable
from allocator.scripts import Script
from allocator.stocks import Stocks
from ringpool.catalog import writer
from ringpool.catalog.areas import NOTHING
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.store import Owner
from ringpool.faults import Fault, Faults
from ringpool.model import (
    Account,
    Configuration,
    Match,
    NumberType,
    Pool,
    Quota,
    Recycle,
    Stock,
    StockKind,
)
from ringpool.times import Duration
from tests.ringpool.conftest import Bench

Phone = Callable[[int], str]

ACCOUNT = Account(id="acme")
EMPTY_STOCK = Configuration(stocks=(Stock(id="s", account="acme", numbers=()),))


def a_pool(name: str, numbers: Sequence[str] = (), /, **fields: object) -> Pool:
    """Return a pool of ACCOUNT that is good as it is."""
    pool = Pool(
        id=name, account="acme", parameters=("m1",), allow_overflow=False, numbers=tuple(numbers)
    )
    return msgspec.structs.replace(pool, **fields)


def a_file(*entities: Pool | Stock) -> Configuration:
    """Return a configuration of ACCOUNT with these."""
    return Configuration(
        accounts=(ACCOUNT,),
        pools=tuple(entity for entity in entities if isinstance(entity, Pool)),
        stocks=tuple(entity for entity in entities if isinstance(entity, Stock)),
    )


async def numbers_in(allocator: Allocator, pool_id: str) -> set[str]:
    """Return every number that is in a pool, draining ones too."""
    cursor, found = "0", set()
    while True:
        cursor, rows = await allocator.numbers(pool_id, cursor)
        found |= {row.number for row in rows}
        if cursor == "0":
            return found


async def refused(catalog: Catalog, wanted: Configuration) -> list[str]:
    """Return the faults of a change, having seen that it changed nothing."""
    before = await catalog.revision()
    with pytest.raises(Faults) as raised:
        await catalog.apply(wanted)
    assert await catalog.revision() == before
    return str(raised.value).splitlines()


async def test_what_is_applied_is_what_is_read(bench: Bench, phone: Phone) -> None:
    """Entities, numbers in their order and keys come back as they were given."""
    wanted = a_file(
        a_pool("p", [phone(3), phone(1), phone(2)], key="k" * 16, stock="s", max_size=9),
        Stock(id="s", account="acme", quarantine=Duration.parse("1d"), numbers=(phone(4),)),
    )
    await bench.catalog.apply(wanted)
    assert await bench.catalog.read() == wanted
    assert await numbers_in(bench.allocator, "p") == {phone(1), phone(2), phone(3)}
    assert (await bench.stocks.status("s")).available == 1
    assert await bench.catalog.owner(phone(4)) == Owner("stock", "s")


async def test_on_a_cluster_too(store: Store, unique: str) -> None:
    """On every kind of store a change goes through its many slots."""
    catalog = Catalog(store, Allocator(store), Stocks(store))
    number = f"+4930{int(unique[2:], 16) % 10**8:08d}"
    pool = Pool(
        id=unique, account=unique, parameters=("m1",), allow_overflow=False, numbers=(number,)
    )
    await catalog.apply(Configuration(accounts=(Account(id=unique),), pools=(pool,)))
    assert (await catalog.read_pool(unique)).numbers == (number,)
    (answer,) = await Allocator(store).allocate(unique, [Ask("m1=x")])
    assert answer.number == number


async def test_applying_again_changes_nothing(bench: Bench, phone: Phone) -> None:
    """The second time there is no difference and no new revision; a made key stays."""
    wanted = a_file(a_pool("p", [phone(1)]))
    assert len(await bench.catalog.apply(wanted)) == 2
    key = (await bench.catalog.read_pool("p")).key
    assert await bench.catalog.apply(wanted) == []
    assert await bench.catalog.revision() == 1
    assert (await bench.catalog.read_pool("p")).key == key
    assert isinstance(key, str)
    assert len(key) >= 32


async def test_a_dry_run_tells_and_does_nothing(bench: Bench, phone: Phone) -> None:
    """The same differences as the real thing, and an untouched store."""
    wanted = a_file(a_pool("p", [phone(1)], key="k" * 16))
    changes = await bench.catalog.apply(wanted, dry_run=True)
    assert await bench.catalog.read() == Configuration()
    assert await bench.catalog.apply(wanted) == changes


async def test_what_a_file_does_not_name_stays(bench: Bench, phone: Phone) -> None:
    """Two files can each have their own pools."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1)])))
    await bench.catalog.apply(Configuration(pools=(a_pool("q", [phone(2)]),)))
    assert [pool.id for pool in (await bench.catalog.read()).pools] == ["p", "q"]


async def test_numbers_that_are_not_named_stay(bench: Bench, phone: Phone) -> None:
    """Without a list a pool and a stock keep theirs; an empty list drains them all."""
    wanted = a_file(
        a_pool("p", [phone(2), phone(1)]), Stock(id="s", account="acme", numbers=(phone(3),))
    )
    await bench.catalog.apply(wanted)
    silent = a_file(
        a_pool("p", name="New", numbers=UNSET),
        Stock(id="s", account="acme", quarantine=Duration.parse("1d")),
    )
    changes = await bench.catalog.apply(silent)
    assert [change.fields[0].field for change in changes] == ["quarantine", "name"]
    assert all(change.added == change.drained == () for change in changes)
    assert (await bench.catalog.read_pool("p")).numbers == (phone(2), phone(1))
    assert (await bench.stocks.status("s")).available == 1
    assert await bench.catalog.apply(silent) == []
    (change,) = await bench.catalog.apply(a_file(a_pool("p", name="New")))
    assert change.drained == (phone(2), phone(1))
    assert (await bench.catalog.read()).pools[0].numbers == ()


async def test_an_addition_during_a_change_is_kept(bench: Bench, phone: Phone) -> None:
    """A change that names no numbers, checked before an addition, doesn't undo it."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1)])))
    edits = [
        bench.catalog.apply(a_file(a_pool("p", name=f"{index}", numbers=UNSET)))
        for index in range(10)
    ]
    additions = [bench.catalog.add_numbers("p", [phone(index)]) for index in range(2, 12)]
    both = [change for pair in zip(edits, additions, strict=True) for change in pair]
    await asyncio.gather(*both)
    assert {*(await bench.catalog.read_pool("p")).numbers} == {phone(n) for n in range(1, 12)}
    assert (await bench.allocator.status("p")).size == 11


async def test_numbers_that_are_not_named_count(bench: Bench, phone: Phone) -> None:
    """A pool can't be made smaller than what it keeps, and no other pool gets what it keeps."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1), phone(2)])))
    lines = await refused(bench.catalog, a_file(a_pool("p", numbers=UNSET, max_size=1)))
    assert lines == ["pools[0].max_size: 1, and the pool has 2 numbers"]
    await bench.catalog.apply(a_file(a_pool("p", numbers=UNSET, max_size=2)))
    with pytest.raises(Faults, match=r"^numbers: 3 numbers, and max_size is 2$"):
        await bench.catalog.add_numbers("p", [phone(3)])
    lines = await refused(
        bench.catalog,
        a_file(
            a_pool("p", numbers=UNSET, destination=phone(1)),
            a_pool("q", [phone(2)]),
        ),
    )
    assert [line.partition(":")[0] for line in lines] == [
        "pools[1].numbers[0]",
        "pools[0].destination",
    ]


async def test_an_edit_is_in_force_in_the_allocator(bench: Bench, phone: Phone) -> None:
    """New rules count from the next answer on."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1), phone(2)])))
    edited = a_pool("p", [phone(1), phone(2)], min_duration=Duration.parse("1h"))
    await bench.catalog.apply(Configuration(pools=(edited,)))
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    assert answer.hold_ms == 3_600_000


async def test_a_removed_number_keeps_its_promise(bench: Bench, phone: Phone) -> None:
    """An unassigned one is gone at once; a guaranteed one drains, and its tuple keeps it."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1), phone(2)])))
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    held = answer.number
    spare = phone(1) if held == phone(2) else phone(2)
    (change,) = await bench.catalog.apply(a_file(a_pool("p")))
    assert {*change.drained} == {phone(1), phone(2)}
    assert await bench.catalog.owner(spare) is None
    assert await bench.catalog.owner(held) == Owner("pool", "p", leaving=True)
    (again,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    assert (again.state, again.number) == (State.HELD, held)


async def test_a_removed_number_can_come_back(bench: Bench, phone: Phone) -> None:
    """Named again while it drains, it stays its tuple's and leaves no more."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1)])))
    await bench.allocator.allocate("p", [Ask("m1=x")])
    await bench.catalog.remove_numbers("p", [phone(1)])
    await bench.catalog.add_numbers("p", [phone(1)])
    assert await bench.catalog.owner(phone(1)) == Owner("pool", "p")
    assert (await bench.allocator.status("p")).draining == 0
    assert (await bench.catalog.read_pool("p")).numbers == (phone(1),)


async def test_a_number_moves_in_two_steps(bench: Bench, phone: Phone) -> None:
    """Another pool gets it when it has left the first; until then it is refused with a reason."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p", [phone(1), phone(2)]), a_pool("q")))
    await bench.allocator.allocate("p", [Ask("m1=x"), Ask("m1=y")])
    (line,) = await refused(catalog, a_file(a_pool("p", [phone(2)]), a_pool("q", [phone(1)])))
    assert line == (
        f"pools[1].numbers[0]: {phone(1)} belongs to pool p: "
        "remove it there first, then apply again"
    )
    await catalog.remove_numbers("p", [phone(1)])
    (line,) = await refused(catalog, a_file(a_pool("q", [phone(1)])))
    assert line.startswith(f"pools[0].numbers[0]: {phone(1)} is still draining in pool p until 2")
    assert line.endswith("Z; apply again then")


async def test_an_accounts_quota_of_history_is_its_pools(bench: Bench, phone: Phone) -> None:
    """Set, changed and lifted, it is in force in every pool that was there, and in new ones."""
    clock = 2_000_000_000_000

    async def kept(pool_id: str) -> int:
        """How many former holders of a pool's number are there after three more."""
        nonlocal clock
        for turn in range(4):
            clock += 3_600_000
            await bench.allocator.allocate(pool_id, [Ask(f"{clock}-{turn}")], now_ms=clock)
        stored = bench.server.command("HGET", f"rp:{{{pool_id}}}:history", phone(int(pool_id[1])))
        return int.from_bytes(stored[:2], "big") if stored else 0

    async def with_quota(history: int | None) -> None:
        account = msgspec.structs.replace(ACCOUNT, quota=Quota(history=history, pools=2))
        await bench.catalog.apply(Configuration(accounts=(account,)))

    await bench.catalog.apply(a_file(a_pool("p1", [phone(1)])))
    await bench.catalog.apply(
        Configuration(
            accounts=(Account(id="other"),),
            pools=(a_pool("p3", [phone(3)], account="other"),),
        )
    )
    assert await kept("p1") == 3
    await with_quota(0)
    assert await kept("p1") == 0
    await bench.catalog.apply(Configuration(pools=(a_pool("p2", [phone(2)]),)))
    assert (await kept("p2"), await kept("p3")) == (0, 3)
    await with_quota(150)
    assert await kept("p2") == 2
    await with_quota(None)
    assert (await kept("p1"), await kept("p2")) == (4, 6)


async def test_a_stocks_new_area_is_its_pools_that_the_file_names_unchanged(
    bench: Bench, phone: Phone
) -> None:
    """A file that names every pool tells no less than one with the stock alone."""
    stock = Stock(id="s", account="acme", numbers=("+12125550101",))
    pool = a_pool("p", match=Match.AREA, stock="s")
    await bench.catalog.apply(a_file(pool, stock))
    more = msgspec.structs.replace(stock, numbers=("+12125550101", "+13105550101"))
    await bench.catalog.apply(a_file(pool, more))
    assert (await bench.catalog.entities())[1].areas["p"] == " +1212 +1310 "


async def test_a_number_keeps_its_history(bench: Bench, phone: Phone) -> None:
    """Who held a number before it moved is known in its new pool, and in between."""
    catalog = bench.catalog
    second = a_pool("p", [phone(1)], min_duration=Duration.parse("1h"))
    await catalog.apply(a_file(second, a_pool("q")))
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    then = answer.guaranteed_until - 1
    await bench.allocator.sweep("p", now_ms=then + 2)
    await catalog.remove_numbers("p", [phone(1)])
    assert await catalog.owner(phone(1)) is None
    between = await catalog.former_holder(phone(1), then)
    assert between is not None
    assert (between.pool, between.tuple) == ("p", "m1=x")
    await catalog.add_numbers("q", [phone(1)])
    assert await catalog.former_holder(phone(1), then) is None
    moved = await bench.allocator.holder("q", phone(1), then)
    assert moved is not None
    assert (moved.pool, moved.tuple) == ("p", "m1=x")


async def test_a_number_has_one_owner(bench: Bench, phone: Phone) -> None:
    """No second pool or stock gets a number, and no pool prints one that is handed out."""
    await bench.catalog.apply(
        a_file(a_pool("p", [phone(1)]), Stock(id="s", account="acme", numbers=(phone(2),)))
    )
    lines = await refused(
        bench.catalog,
        a_file(
            a_pool("q", [phone(3), phone(1)], destination=phone(2), swap_targets=(phone(1),)),
            Stock(id="t", account="acme", numbers=(phone(2),)),
        ),
    )
    # Faults within the file come first, then those against the store.
    assert [line.partition(":")[0] for line in lines] == [
        "pools[0].destination",
        "pools[0].swap_targets[0]",
    ]
    lines = await refused(
        bench.catalog,
        a_file(
            a_pool("q", [phone(3), phone(1)]), Stock(id="t", account="acme", numbers=(phone(2),))
        ),
    )
    assert [line.partition(":")[0] for line in lines] == [
        "pools[0].numbers[1]",
        "stocks[0].numbers[0]",
    ]


async def test_faults_of_numbers_to_add_name_their_place(bench: Bench, phone: Phone) -> None:
    """Callers gave a list, so that is what a fault points into."""
    await bench.catalog.apply(a_file(a_pool("p", [phone(1)]), a_pool("q", [phone(2)])))
    with pytest.raises(Faults, match=r"^numbers\[1\]: .*belongs to pool q"):
        await bench.catalog.add_numbers("p", [phone(3), phone(2)])
    with pytest.raises(Faults, match=r"^numbers\[1\]: .*belongs to pool q"):
        await bench.catalog.add_numbers("p", [phone(1), phone(2)])  # the first is there already
    with pytest.raises(Faults, match=r"^numbers\[0\]: '12'"):
        await bench.catalog.add_numbers("p", ["12"])
    with pytest.raises(Fault, match="there is no pool r"):
        await bench.catalog.add_numbers("r", [phone(3)])


async def test_a_stocks_number_stays_its_own_while_lent(bench: Bench, phone: Phone) -> None:
    """Applying again doesn't call a lent number back; removing it from the stock does."""
    wanted = a_file(
        a_pool("p", stock="s", max_size=5), Stock(id="s", account="acme", numbers=(phone(1),))
    )
    await bench.catalog.apply(wanted)
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    assert (answer.state, answer.number) == (State.NEW, phone(1))
    assert await bench.catalog.apply(wanted) == []
    assert (await bench.catalog.read()).stocks[0].numbers == (phone(1),)
    await bench.catalog.apply(EMPTY_STOCK)
    assert (await bench.allocator.status("p")).draining == 1
    (line,) = await refused(bench.catalog, a_file(a_pool("q", [phone(1)])))
    assert "is still draining in stock s until 2" in line


async def test_a_lent_number_goes_home_and_out(bench: Bench, phone: Phone) -> None:
    """Once drained, a number that was removed from its stock has no owner."""
    hour = Duration.parse("1h")
    await bench.catalog.apply(
        a_file(
            a_pool("p", stock="s", max_size=5, min_duration=hour),
            Stock(id="s", account="acme", numbers=(phone(1),)),
        )
    )
    (answer,) = await bench.allocator.allocate("p", [Ask("m1=x")])
    await bench.catalog.apply(EMPTY_STOCK)
    swept = await bench.allocator.sweep("p", now_ms=answer.guaranteed_until + 1)
    assert await bench.catalog.hand_on("p", swept.departures) == 1
    assert await bench.catalog.owner(phone(1)) is None
    assert (await bench.stocks.status("s")).size == 0


async def test_deleting_waits_for_what_depends(bench: Bench, phone: Phone) -> None:
    """Accounts with pools, pools with numbers and stocks in use stay; then they go."""
    catalog = bench.catalog
    await catalog.apply(a_file(a_pool("p", [phone(1)], stock="s"), Stock(id="s", account="acme")))
    with pytest.raises(Fault, match="acme still has"):
        await catalog.delete_account("acme")
    with pytest.raises(Fault, match="p still has numbers"):
        await catalog.delete_pool("p")
    with pytest.raises(Fault, match="pool p grows from s"):
        await catalog.delete_stock("s")
    await catalog.remove_numbers("p", [phone(1)])
    await catalog.delete_pool("p")
    await catalog.delete_stock("s")
    await catalog.delete_account("acme")
    assert await catalog.read() == Configuration()
    with pytest.raises(Fault, match="there is no pool p"):
        await catalog.delete_pool("p")


async def test_writers_take_turns(bench: Bench, phone: Phone) -> None:
    """Changes that come at once are all made, none overwrites another."""
    await bench.catalog.apply(a_file(a_pool("p")))
    await asyncio.gather(*(bench.catalog.add_numbers("p", [phone(index)]) for index in range(20)))
    read = await bench.catalog.read_pool("p")
    assert {*read.numbers} == {phone(index) for index in range(20)}
    assert await bench.catalog.revision() == 21


async def test_a_locked_catalog_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that can't become the writer in time gets an error."""
    monkeypatch.setattr(writer, "_LOCK_SECONDS", 0.05)
    bench.server.command("SET", "rp:{ringpool}:catalog-lock", "another-writer")
    with pytest.raises(writer.CatalogBusy):
        await bench.catalog.apply(a_file(a_pool("p")))


class Dying:
    """A store that is lost for good after some calls: what a killed writer sees of it.

    ``last_runs``: the call that it dies in is carried out, but its answer is lost.
    """

    def __init__(self, store: Store, calls: int, *, last_runs: bool) -> None:
        self._store = store
        self._left = calls
        self._last_runs = last_runs

    async def run(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> bytes:
        self._left -= 1
        if self._left >= 0:
            return await self._store.run(script, keys, args)
        if self._left == -1 and self._last_runs:
            await self._store.run(script, keys, args)
        raise StoreUnavailable("killed")

    def comes_back(self) -> None:
        """It wasn't lost for good."""
        self._left = 1_000_000

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


@pytest.mark.parametrize("last_runs", [False, True])
async def test_a_writer_may_die_at_any_point(bench: Bench, phone: Phone, last_runs: bool) -> None:
    """After every possible death the configuration is the old or the new one, in every slot."""
    before = a_file(
        a_pool("p", [phone(1), phone(2)], key="k" * 16, stock="s"),
        Stock(id="s", account="acme", numbers=(phone(5), phone(6))),
    )
    after = a_file(
        a_pool("p", [phone(2), phone(3)], key="k" * 16, recycle=Recycle.ROUND_ROBIN),
        a_pool("q", [phone(4)], key="q" * 16),
        Stock(id="s", account="acme", numbers=(phone(6), phone(7))),
    )
    outcomes = set()
    for calls in range(200):
        bench.server.command("FLUSHALL")
        await bench.catalog.apply(before)
        dying = Dying(bench.store, calls, last_runs=last_runs)
        died = False
        try:
            await bench.catalog_on(dying).apply(after)
        except StoreUnavailable:
            died = True
        bench.break_lock()
        await bench.catalog.finish_pending()
        assert await bench.catalog.pending() == 0
        for name in ("p", "q"):
            if name in {pool.id for pool in (await bench.catalog.read()).pools}:
                while await bench.catalog.hand_on(name):
                    pass
        read = await bench.catalog.read()
        assert read in (before, after)
        outcomes.add(read == after)
        for pool in read.pools:
            assert await numbers_in(bench.allocator, pool.id) == {*pool.numbers}
        assert (await bench.stocks.status("s")).size == 2
        for index, owner in enumerate(
            [Owner("pool", "p"), None, None, None, Owner("stock", "s"), None]
            if read == before
            else [None, Owner("pool", "p"), Owner("pool", "q"), None, None, Owner("stock", "s")],
        ):
            number = phone([1, 3, 4, 8, 5, 7][index])
            assert await bench.catalog.owner(number) == owner
        if not died:
            break
    assert outcomes == {True, False}
    assert not died


async def test_the_next_writer_finishes_first(bench: Bench, phone: Phone) -> None:
    """A committed change whose writer died is made before another is looked at."""
    first = a_file(a_pool("p", [phone(1)]))
    for calls in range(100):
        bench.server.command("FLUSHALL")
        with pytest.raises(StoreUnavailable):
            await bench.catalog_on(Dying(bench.store, calls, last_runs=True)).apply(first)
        bench.break_lock()
        if await bench.catalog.pending():
            break
    assert await bench.catalog.revision() == 0
    await bench.catalog.add_numbers("p", [phone(2)])
    assert (await bench.catalog.read_pool("p")).numbers == (phone(1), phone(2))


async def test_a_lock_is_given_back_when_the_store_is_there_again(
    bench: Bench, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that lost the store at any call doesn't keep others waiting afterwards."""
    await bench.catalog.apply(a_file(a_pool("p")))
    monkeypatch.setattr(writer, "_LOCK_SECONDS", 5.0)
    for calls in range(100):
        lost = Dying(bench.store, calls, last_runs=True)
        number = phone(calls)
        try:
            await bench.catalog_on(lost).add_numbers("p", [number])
        except StoreUnavailable:
            lost.comes_back()
            await bench.catalog.remove_numbers("p", [number])
        else:
            break
    assert calls > 3


async def test_a_living_writer_is_left_alone(bench: Bench, phone: Phone) -> None:
    """Who only comes to tidy up doesn't touch a change whose writer has the lock."""
    await bench.catalog.apply(a_file(a_pool("p")))
    for calls in range(100):
        dying = Dying(bench.store, calls, last_runs=True)
        with pytest.raises(StoreUnavailable):
            await bench.catalog_on(dying).add_numbers("p", [phone(1)])
        if await bench.catalog.pending():
            break
        bench.break_lock()
    assert not await bench.catalog.finish_pending()
    bench.break_lock()
    assert await bench.catalog.finish_pending()
    assert (await bench.catalog.read_pool("p")).numbers == (phone(1),)


async def test_long_lists_go_in_pieces(bench: Bench, phone: Phone) -> None:
    """Thousands of numbers are added, kept in order, and removed."""
    many = [phone(index) for index in range(3500)]
    await bench.catalog.apply(a_file(a_pool("p", many)))
    assert (await bench.catalog.read_pool("p")).numbers == tuple(many)
    assert (await bench.allocator.status("p")).size == 3500
    await bench.catalog.remove_numbers("p", many[:2000])
    assert (await bench.catalog.read_pool("p")).numbers == tuple(many[2000:])
    assert (await bench.allocator.status("p")).size == 1500


async def test_pools_of_one_stock_find_its_numbers_by_area_and_by_kind(bench: Bench) -> None:
    """Where each kind is follows from the stock's list and from what all of its pools ask for."""
    numbers = ("+12125550101", "+13105550101", "+18885550123", "+18005550123", "+442079460123")
    stock = Stock(id="s", account="acme", numbers=numbers)
    free = a_pool("free", stock=StockKind(id="s", type=NumberType.TOLL_FREE))
    await bench.catalog.apply(a_file(free, stock))
    known = (await bench.catalog.entities())[1]
    assert known.kinds == {"free": " +18 "}
    local = a_pool("local", match=Match.AREA, stock=StockKind(id="s", country="US"))
    await bench.catalog.apply(Configuration(pools=(local,)))
    known = (await bench.catalog.entities())[1]
    assert known.kinds == {"free": " +18 ", "local": " +18 +1212 +1310 "}
    assert known.areas["local"] == " +1212 +1310 "
    assert bench.server.command("HGET", "rp:{stock:s}:meta", "general") == b" +18 "
    asks = [Ask("m1=x", areas="+1310"), Ask("m1=y")]
    answers = await bench.allocator.allocate("local", asks)
    assert [answer.number[:5] for answer in answers] == ["+1310", "+1800"]
    answers = await bench.allocator.allocate("free", [Ask("m1=x"), Ask("m1=y")])
    assert [answer.state for answer in answers] == [State.NEW, State.NONE]
    moved = msgspec.structs.replace(stock, numbers=(*numbers, "+18445550123"))
    await bench.catalog.apply(Configuration(stocks=(moved,)))
    assert (await bench.allocator.allocate("free", [Ask("m1=y")]))[0].number == "+18445550123"
    await bench.catalog.apply(Configuration(stocks=(msgspec.structs.replace(stock, numbers=()),)))
    assert (await bench.catalog.entities())[1].kinds["free"] == NOTHING
