"""Numbers that move between a stock and its pools, whatever is killed, lost, late or repeated."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from allocator.answers import Answer, Ask, Departure, Rules, State
from allocator.port import Store
from allocator.stocks import StockStatus
from allocator.transfers import NO_HISTORY
from tests.allocator.machines import Runtime, StoreMachine, run_machine
from tests.allocator.pools import START, PoolUnderTest, make, numbers

RESUMED_AFTER = 10_000


async def stocked(store: Store, unique: str, *numbers: str, **rules: Any) -> PoolUnderTest:
    """A pool without numbers of its own, and the stock that it grows from."""
    stock = f"{unique}-s"
    pool = await make(store, unique, [], stock=stock, **rules)
    await pool.stocks.edit(stock, 60_000, numbers, now_ms=pool.now)
    return pool


async def preview(pool: PoolUnderTest, tuple_: str, areas: str = "") -> Answer:
    return await pool.allocator.preview(pool.id, tuple_, areas, now_ms=pool.now)


async def status(pool: PoolUnderTest) -> StockStatus:
    return await pool.stocks.status(f"{pool.id}-s", now_ms=pool.now)


class TestGrowth:
    async def test_the_same_request_gets_the_number(self, store: Store, unique: str) -> None:
        """A pool without a number takes from its stock and answers new, to as many as it can."""
        pool = await stocked(store, unique, "+21", "+22")
        answers = await pool.ask("a", "b", "a", "c")
        assert [answer.state for answer in answers] == [
            State.NEW,
            State.NEW,
            State.HELD,
            State.OVERFLOW,
        ]
        assert await status(pool) == StockStatus(2, 0, 0, 2, 0)

    async def test_max_size(self, store: Store, unique: str) -> None:
        """A pool takes no more from its stock than its size allows; then it recycles."""
        pool = await stocked(store, unique, "+21", "+22", "+23", max_size=2)
        answers = await pool.ask("a", "b", "c")
        assert [answer.state for answer in answers] == [State.NEW, State.NEW, State.OVERFLOW]
        pool.now += 10_000
        assert (await pool.one("c")).state is State.RECYCLED
        assert (await status(pool)).available == 1

    async def test_it_grows_before_it_recycles(self, store: Store, unique: str) -> None:
        """An association lives on while the stock has a number."""
        pool = await stocked(store, unique, "+21", "+22")
        await pool.one("a")
        pool.now += 60_000
        answers = await pool.ask("b", "a")
        assert [answer.state for answer in answers] == [State.NEW, State.HELD]

    async def test_a_dry_stock_is_left_alone_for_a_second(self, store: Store, unique: str) -> None:
        """Numbers added to a stock that was found empty are seen a second later."""
        pool = await stocked(store, unique)
        assert (await pool.one("a")).state is State.OVERFLOW
        await pool.stocks.edit(f"{unique}-s", 60_000, ["+21"], now_ms=pool.now)
        assert (await pool.one("a")).state is State.OVERFLOW
        pool.now += 1_000
        assert (await pool.one("a")).state is State.NEW

    async def test_quarantine(self, store: Store, unique: str) -> None:
        """A number that left a pool rests before it can be used again."""
        pool = await stocked(store, unique, "+21")
        await pool.one("a")
        pool.now += 10_000
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        await pool.sweep()
        assert await status(pool) == StockStatus(1, 0, 1, 0, 0)
        pool.now += 59_999
        assert (await pool.one("b")).state is State.OVERFLOW
        pool.now += 1_001
        assert (await pool.one("b")).number == "+21"

    async def test_a_shrink_sends_back_what_is_least_missed(
        self, store: Store, unique: str
    ) -> None:
        """Above max_size borrowed numbers go: unassigned, recyclable, then as guarantees end."""
        pool = await stocked(store, unique, "+21", "+22", "+23")
        stock = f"{unique}-s"
        await pool.one("a")
        pool.now += 9_000
        await pool.one("b")
        spare = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        await pool.transfers.note_arrival(
            stock, await pool.transfers.arrive(unique, spare, now_ms=pool.now), now_ms=pool.now
        )
        await pool.allocator.add(unique, ["+11"], now_ms=pool.now)
        pool.now += 1_000
        gone: list[list[str]] = []
        for size in (3, 2, 1):
            await pool.edit(stock=stock, max_size=size)
            gone.append([departure.number for departure in await pool.sweep()])
        assert gone == [["+23"], ["+21"], []]
        assert (await pool.allocator.status(unique, now_ms=pool.now)).draining == 1
        pool.now += 9_000
        assert [departure.number for departure in await pool.sweep()] == ["+22"]

    async def test_a_shrink_finds_the_borrowed_among_many(
        self, valkey_store: Store, unique: str
    ) -> None:
        """However many numbers of its own a pool has, what it borrowed goes back."""
        pool = await stocked(valkey_store, unique, "+21", "+22")
        await pool.ask("a", "b")
        pool.now += 10_000
        await pool.ask("b")
        await pool.allocator.add(unique, numbers(450), now_ms=pool.now)
        await pool.ask(*(f"t{n}" for n in range(450)))
        await pool.edit(stock=f"{unique}-s", max_size=450)
        pool.now += 10_000
        left: list[str] = []
        for _ in range(10):
            left += [departure.number for departure in await pool.sweep()]
            pool.now += 1_000
        assert sorted(left) == ["+21", "+22"]

    async def test_growing_at_once_keeps_max_size(self, store: Store, unique: str) -> None:
        """What two requests bring at once is taken in as far as it fits; the rest is usable."""
        pool = await stocked(store, unique, "+21", "+22", "+23", max_size=1)
        stock = f"{unique}-s"
        arrivals = await pool.transfers.take(stock, unique, 2, now_ms=pool.now)
        here = await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        assert [arrival.number for arrival in here] == ["+21"]
        await pool.transfers.note_arrival(stock, here, now_ms=pool.now)
        assert [departure.number for departure in await pool.sweep()] == ["+22"]
        assert await status(pool) == StockStatus(3, 2, 0, 1, 0)

    async def test_the_clock_steps_back(self, store: Store, unique: str) -> None:
        """A pool whose clock is held goes on growing."""
        pool = await stocked(store, unique, "+21", "+22")
        await pool.one("a")
        pool.now -= 3_600_000
        assert (await pool.one("b")).state is State.NEW
        assert (await status(pool)).moving == 0


class TestKinds:
    async def test_it_asks_for_its_kind_alone(self, store: Store, unique: str) -> None:
        """In the request and ahead of need; a preview says so before; others get what is left."""
        pool = await stocked(store, unique, "+1888", "+1877", "+1212", of_stock=" +18 ")
        stock = f"{unique}-s"
        await pool.stocks.shelve(stock, " +12 +18 ", now_ms=pool.now)
        assert await pool.transfers.fill(unique, stock, 1, " +18 ", now_ms=pool.now) == 1
        await pool.one("a")
        assert (await preview(pool, "b")).state is State.NEW
        answers = await pool.ask("b", "c")
        assert [answer.state for answer in answers] == [State.NEW, State.OVERFLOW]
        assert {row.number for row in (await pool.allocator.numbers(unique))[1]} == {
            "+1888",
            "+1877",
        }
        pool.now += 1_000
        assert (await preview(pool, "c")).state is State.OVERFLOW
        await pool.edit(stock=stock, of_stock="")
        assert (await pool.one("c")).number == "+1212"

    async def test_an_area_of_another_kind_is_not_asked_for(
        self, store: Store, unique: str
    ) -> None:
        """A pool that goes by areas asks for those of its kind, else for any of the kind."""
        areas = " +1212 +1310 "
        pool = await stocked(store, unique, "+13101", "+12121", of_stock=" +1212 ", areas=areas)
        await pool.stocks.shelve(f"{unique}-s", areas, now_ms=pool.now)
        ask = Ask("a", areas="+1310")
        assert (await preview(pool, "a", "+1310")).state is State.NEW
        [answer] = await pool.allocator.allocate(unique, [ask], now_ms=pool.now)
        assert answer.number == "+12121"
        [answer] = await pool.allocator.allocate(unique, [Ask("b", areas="+1310")], now_ms=pool.now)
        assert answer.state is State.OVERFLOW

    async def test_general_numbers_go_before_those_of_areas(
        self, store: Store, unique: str
    ) -> None:
        """Also where kinds are told apart by starts, which are no areas."""
        pool = await stocked(store, unique, "+12121", "+18881", areas=" +1212 ")
        await pool.stocks.shelve(f"{unique}-s", " +1212 +188 ", " +188 ", now_ms=pool.now)
        assert (await pool.one("a")).number == "+18881"

    async def test_where_numbers_are(self, store: Store, unique: str) -> None:
        """Each by its state, page by page."""
        pool = await stocked(store, unique, "+21", "+22", "+23")
        stock = f"{unique}-s"
        await pool.one("a")
        await pool.allocator.add(unique, ["+24"], now_ms=pool.now)
        past = Departure("+24", "", pool.now - 1_000, NO_HISTORY)
        await pool.stocks.edit(stock, 60_000, ["+24"], {"+24": past}, now_ms=pool.now)
        await pool.transfers.take(stock, "other", 1, now_ms=pool.now)
        cursor, rows = await pool.stocks.numbers(stock, now_ms=pool.now)
        assert cursor == "0"
        assert {row.number: (row.state.value, row.pool) for row in rows} == {
            "+21": ("lent", unique),
            "+22": ("moving", "other"),
            "+23": ("available", ""),
            "+24": ("resting", ""),
        }
        [resting] = [row for row in rows if row.number == "+24"]
        assert resting.available_from == pool.now + 59_000


class TestKilledMove:
    @pytest.mark.parametrize("steps", range(4))
    async def test_a_number_on_its_way_arrives(
        self, valkey_store: Store, unique: str, steps: int
    ) -> None:
        """Killed after any step of a move, the number is in one place and ends in its pool."""
        pool = await stocked(valkey_store, unique, "+21", max_size=5)
        other = await make(valkey_store, f"{unique}-2", [], stock=f"{unique}-s")
        stock = f"{unique}-s"
        if steps >= 1:
            arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        if steps >= 2:
            here = await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        if steps >= 3:
            await pool.transfers.note_arrival(stock, here, now_ms=pool.now)
        if steps:
            assert (await other.one("x")).state is State.OVERFLOW
        pool.now += RESUMED_AFTER
        for pool_id, arrival in await pool.transfers.resume(stock, now_ms=pool.now):
            here = await pool.transfers.arrive(pool_id, [arrival], now_ms=pool.now)
            await pool.transfers.note_arrival(stock, here, now_ms=pool.now)
        assert (await pool.one("a")).number == "+21"
        other.now = pool.now
        assert (await other.one("x")).state is State.OVERFLOW
        assert await status(pool) == StockStatus(1, 0, 0, 1, 0)

    async def test_a_move_is_not_taken_over_too_early(
        self, valkey_store: Store, unique: str
    ) -> None:
        """A move is its sender's for 10 s, and its message is good for 5 s."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        pool.now += 5_001
        assert await pool.transfers.arrive(unique, arrivals, now_ms=pool.now) == []
        pool.now = START + RESUMED_AFTER - 1
        assert await pool.transfers.resume(stock, now_ms=pool.now) == []
        pool.now += 1
        [(pool_id, again)] = await pool.transfers.resume(stock, now_ms=pool.now)
        assert pool_id == unique
        assert await pool.transfers.arrive(unique, [again], now_ms=pool.now) == [again]

    @pytest.mark.parametrize("steps", range(4))
    async def test_a_number_on_its_way_back_arrives(
        self, valkey_store: Store, unique: str, steps: int
    ) -> None:
        """Killed after any step of a return, the number gets back to its stock once."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        await pool.one("a")
        pool.now += 10_000
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        if steps >= 1:
            departures = (await pool.allocator.sweep(unique, now_ms=pool.now)).departures
        if steps >= 2:
            await pool.transfers.receive(stock, unique, departures, now_ms=pool.now)
        if steps >= 3:
            await pool.transfers.note_handed_on(unique, departures, now_ms=pool.now)
        await pool.sweep()
        assert await status(pool) == StockStatus(1, 0, 1, 0, 0)
        assert await pool.sweep() == []

    async def test_a_number_taken_out_while_under_way(
        self, valkey_store: Store, unique: str
    ) -> None:
        """It leaves the pool it arrives at too, even when who brought it dies before saying so."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        lent, gone = await pool.stocks.drain(stock, ["+21"], now_ms=pool.now)
        assert (lent, gone) == ({"+21": unique}, [])
        assert await pool.allocator.drain(unique, ["+21"], now_ms=pool.now) == {}
        here = await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        assert await pool.transfers.note_arrival(stock, here, now_ms=pool.now) == ["+21"]
        # Its bringer is gone; somebody else takes the move over.
        pool.now += 10_000
        [(pool_id, again)] = await pool.transfers.resume(stock, now_ms=pool.now)
        here = await pool.transfers.arrive(pool_id, [again], now_ms=pool.now)
        await pool.transfers.confirm(unique, stock, here, now_ms=pool.now)
        swept = await pool.allocator.sweep(unique, now_ms=pool.now)
        assert await pool.transfers.receive(stock, unique, swept.departures, now_ms=pool.now) == [
            "+21"
        ]
        assert (await status(pool)).size == 0

    async def test_a_late_message_after_the_return(self, valkey_store: Store, unique: str) -> None:
        """While a message about a move is good, its pool knows that the number has left since."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        await pool.transfers.note_arrival(stock, arrivals, now_ms=pool.now)
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        for _ in range(5):
            await pool.sweep()
            pool.now += 1_000
        assert await pool.transfers.arrive(unique, arrivals, now_ms=pool.now) == []

    async def test_used_though_never_confirmed(self, valkey_store: Store, unique: str) -> None:
        """A number that was given out rests afterwards, even if its arrival was never noted."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        assert (await pool.one("a")).number == "+21"
        pool.now += 10_000
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        await pool.sweep()
        assert await status(pool) == StockStatus(1, 0, 1, 0, 0)

    async def test_naming_a_number_on_its_way_back(self, valkey_store: Store, unique: str) -> None:
        """A lent number that left isn't the pool's to add before its stock has it."""
        pool = await stocked(valkey_store, unique, "+21")
        await pool.one("a")
        pool.now += 10_000
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        assert await pool.allocator.add(unique, ["+21"], now_ms=pool.now) == []
        await pool.sweep()
        assert await status(pool) == StockStatus(1, 0, 1, 0, 0)

    async def test_leaving_twice_in_a_millisecond(self, valkey_store: Store, unique: str) -> None:
        """While a pool's clock is held, a late message about one leaving doesn't end the next."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        await pool.stocks.edit(stock, 0, now_ms=pool.now)
        departures = []
        for _ in range(2):
            arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
            await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
            await pool.transfers.note_arrival(stock, arrivals, now_ms=pool.now)
            await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
            departures.append((await pool.allocator.sweep(unique, now_ms=pool.now)).departures)
            await pool.transfers.receive(stock, unique, departures[0], now_ms=pool.now)
        await pool.transfers.note_handed_on(unique, departures[0], now_ms=pool.now)
        assert await pool.sweep() == departures[1]
        assert (await status(pool)).available == 1

    @pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
    async def test_old_messages_in_any_order(
        self, valkey_store: Store, unique: str, order: tuple[int, ...]
    ) -> None:
        """Every message of a loan that is over, repeated in any order, changes nothing."""
        pool = await stocked(valkey_store, unique, "+21")
        stock = f"{unique}-s"
        await pool.stocks.edit(stock, 0, now_ms=pool.now)
        arrivals = await pool.transfers.take(stock, unique, 1, now_ms=pool.now)
        await pool.transfers.arrive(unique, arrivals, now_ms=pool.now)
        await pool.transfers.note_arrival(stock, arrivals, now_ms=pool.now)
        await pool.allocator.drain(unique, ["+21"], now_ms=pool.now)
        departures = await pool.sweep()
        second = await pool.transfers.take(stock, f"{unique}-2", 1, now_ms=pool.now)

        async def repeat(message: int) -> None:
            if message == 0:
                assert await pool.transfers.arrive(unique, arrivals, now_ms=pool.now) == []
            elif message == 1:
                assert await pool.transfers.note_arrival(stock, arrivals, now_ms=pool.now) == []
            elif message == 2:
                await pool.transfers.receive(stock, unique, departures, now_ms=pool.now)
            else:
                await pool.transfers.note_handed_on(unique, departures, now_ms=pool.now)

        for message in order:
            await repeat(message)
        assert await status(pool) == StockStatus(1, 0, 0, 0, 1)
        assert await pool.transfers.note_arrival(stock, second, now_ms=pool.now) == []


POOLS = ("p", "q")
NUMBERS = ("+21", "+22")


class Mail(StoreMachine):
    """Two pools, a stock, and every message between them delivered never, late or again."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, START)
        self.mail: list[tuple[str, str, Any]] = []
        self.promises: dict[str, tuple[str, str, int]] = {}

    @initialize(max_size=st.sampled_from([1, 2]))
    def begin(self, max_size: int) -> None:
        self.do(self.stocks.edit("s", 0, NUMBERS, now_ms=self.now))
        for pool in POOLS:  # growth is this machine's to do, so the pool knows of no stock
            rules = Rules(min_duration=2_000, max_size=max_size, allow_overflow=False)
            self.do(self.allocator.edit(pool, rules, 1, now_ms=self.now))

    @rule(pool=st.sampled_from(POOLS), count=st.integers(1, 2))
    def take(self, pool: str, count: int) -> None:
        arrivals = self.do(self.transfers.take("s", pool, count, now_ms=self.now))
        if arrivals:
            self.mail.append(("arrive", pool, arrivals))

    @rule()
    def resume(self) -> None:
        for pool, arrival in self.do(self.transfers.resume("s", now_ms=self.now)):
            self.mail.append(("arrive", pool, [arrival]))

    @rule(pool=st.sampled_from(POOLS))
    def sweep(self, pool: str) -> None:
        departures = self.do(self.allocator.sweep(pool, now_ms=self.now)).departures
        if departures:
            self.mail.append(("receive", pool, departures))

    @rule(pool=st.sampled_from(POOLS), number=st.sampled_from(NUMBERS))
    def go_and_return(self, pool: str, number: str) -> None:
        """A number goes to a pool and back, each message in time; all stay in the mail."""
        fresh = len(self.mail)
        self.take(pool, 1)
        fresh = self.deliver_from(fresh)
        self.drain(pool, number)
        self.sweep(pool)
        self.deliver_from(fresh)

    def deliver_from(self, place: int) -> int:
        """Deliver the mail from a place on, and what that brings about; how much there is."""
        while place < len(self.mail):
            self.hand_over(*self.mail[place])
            place += 1
        return place

    @precondition(lambda self: self.mail)
    @rule(latest=st.booleans(), data=st.data())
    def deliver(self, latest: bool, data: st.DataObject) -> None:
        """A message may be delivered again later: it stays in the mail."""
        place = len(self.mail) - 1 if latest else data.draw(st.integers(0, len(self.mail) - 1))
        self.hand_over(*self.mail[place])

    def hand_over(self, kind: str, pool: str, content: Any) -> None:
        if kind == "arrive":
            here = self.do(self.transfers.arrive(pool, content, now_ms=self.now))
            if here:
                self.mail.append(("sent", pool, here))
        elif kind == "sent":
            self.do(self.transfers.note_arrival("s", content, now_ms=self.now))
        elif kind == "receive":
            self.do(self.transfers.receive("s", pool, content, now_ms=self.now))
            self.mail.append(("handed on", pool, content))
        else:
            self.do(self.transfers.note_handed_on(pool, content, now_ms=self.now))

    @rule(pool=st.sampled_from(POOLS), tuple_=st.sampled_from(["a", "b"]))
    def allocate(self, pool: str, tuple_: str) -> None:
        [answer] = self.do(self.allocator.allocate(pool, [Ask(tuple_)], now_ms=self.now))
        if answer.number:
            where, whose, until = self.promises.get(answer.number, (pool, tuple_, 0))
            assert (where, whose) == (pool, tuple_) or until <= self.now
            self.promises[answer.number] = (pool, tuple_, answer.guaranteed_until)

    @rule(pool=st.sampled_from(POOLS), number=st.sampled_from(NUMBERS))
    def drain(self, pool: str, number: str) -> None:
        self.do(self.allocator.drain(pool, [number], now_ms=self.now))

    @rule(ms=st.sampled_from([1, 2_000, 4_000, 10_000, 61_000]))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    def rows(self) -> dict[str, list[tuple[str, str]]]:
        """Each number's (pool, loan), in every pool that has it."""
        found: dict[str, list[tuple[str, str]]] = {number: [] for number in NUMBERS}
        for pool in POOLS:
            for row in self.do(self.allocator.numbers(pool, now_ms=self.now))[1]:
                found[row.number].append((pool, row.loan))
        return found

    @invariant()
    def no_number_is_in_two_places(self) -> None:
        if not self.promises and not self.mail:
            return
        for number, places in self.rows().items():
            place = self.do(self.stocks.holder("s", number, now_ms=self.now))
            assert place is not None
            assert [pool for pool, _ in places] in ([], [place.pool])

    def teardown(self) -> None:
        """When everything is delivered at last, each number is in exactly one place."""
        self.now += 61_000
        for _ in range(3):
            fresh = len(self.mail)
            self.resume()
            for pool in POOLS:
                self.sweep(pool)
            self.deliver_from(fresh)
            self.now += 11_000
        status = self.do(self.stocks.status("s", now_ms=self.now))
        assert status.moving == 0
        assert status.lent == sum(len(places) for places in self.rows().values())


@pytest.mark.timeout(600)  # thousands of steps, on a machine that may be busy
def test_mail_in_any_order(runtime: Runtime) -> None:
    """Whichever messages are lost, late or repeated, a number is given out by one place alone."""
    run_machine(Mail, runtime, examples=120, steps=50)
