"""What a pool promises, on every kind of server."""

from __future__ import annotations

from typing import ClassVar

import pytest

from allocator.answers import Answer, Ask, Call, Rules, State
from allocator.keys import pool_keys
from allocator.port import Store
from allocator.replies import UnknownPool
from allocator.scripts import Script
from allocator.stocks import Stocks
from tests.allocator.lua_scripts import script
from tests.allocator.pools import OVERFLOW, PoolUnderTest, make, numbers
from tests.servers import stores
from tests.servers.cluster import Cluster

OF_BEFORE = script(
    """#!lua
    local rules = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'rules'))
    redis.call('HSET', KEYS[1], 'rules', cmsgpack.pack({ unpack(rules, 1, 18) }))
    for _, number in ipairs(redis.call('HKEYS', KEYS[3])) do
      local record = cmsgpack.unpack(redis.call('HGET', KEYS[3], number))
      redis.call('HSET', KEYS[3], number, cmsgpack.pack({ unpack(record, 1, 10) }))
    end
    return cmsgpack.pack(1)
    """
)
"""Makes of a pool one that was made before its activity faded."""


async def states(pool: PoolUnderTest, *tuples: str) -> list[str]:
    return [answer.state.value for answer in await pool.ask(*tuples)]


class TestStates:
    async def test_new_held_recycled_overflow(self, store: Store, unique: str) -> None:
        """A tuple gets a number, keeps it, and loses it only when its guarantee is over."""
        pool = await make(store, unique, ["+11", "+12"])
        assert await pool.ask("a", "b", "a", "c") == [
            Answer(State.NEW, "+11", pool.now + 10_000, 10_000),
            Answer(State.NEW, "+12", pool.now + 10_000, 10_000),
            Answer(State.HELD, "+11", pool.now + 10_000, 10_000),
            Answer(State.OVERFLOW, OVERFLOW),
        ]
        pool.now += 9_999
        assert await states(pool, "c") == ["overflow"]
        pool.now += 1
        assert await pool.one("c") == Answer(State.RECYCLED, "+11", pool.now + 10_000, 10_000)

    async def test_overflow_is_not_stored(self, store: Store, unique: str) -> None:
        """A tuple that got the overflow number holds nothing afterwards."""
        pool = await make(store, unique, ["+11"])
        await pool.ask("a", "b")
        await pool.allocator.add(unique, ["+12"], now_ms=pool.now)
        assert await states(pool, "b") == ["new"]

    async def test_none_without_overflow(self, store: Store, unique: str) -> None:
        """A pool that may not overflow gives none, and counts that it had nothing to give."""
        pool = await make(store, unique, [], allow_overflow=False)
        assert await pool.one("a") == Answer(State.NONE, "")
        assert (await pool.allocator.status(unique, now_ms=pool.now)).overflow_total == 1

    async def test_unassigned_goes_before_recyclable(self, store: Store, unique: str) -> None:
        """A number whose guarantee is over stays with its tuple while any other is unassigned."""
        pool = await make(store, unique, ["+11", "+12"])
        await pool.ask("a")
        pool.now += 60_000
        assert await states(pool, "b", "a") == ["new", "held"]

    async def test_status_adds_up(self, store: Store, unique: str) -> None:
        """Unassigned, held, recyclable and draining make up the size; totals count answers."""
        pool = await make(store, unique, numbers(5))
        await pool.ask("a")
        pool.now += 10_000
        await pool.ask("b", "c", "b")
        await pool.allocator.drain(unique, numbers(3)[2:], now_ms=pool.now)
        status = await pool.allocator.status(unique, now_ms=pool.now)
        sizes = (status.unassigned, status.held, status.recyclable, status.draining)
        assert (status.size, *sizes) == (5, 2, 1, 1, 1)
        assert (status.new_total, status.held_total, status.utilization) == (3, 1, 0.4)

    async def test_a_pool_that_was_never_made(self, store: Store, unique: str) -> None:
        """Every question to an unknown pool says so."""
        pool = PoolUnderTest(store, unique)
        with pytest.raises(UnknownPool):
            await pool.one("a")
        with pytest.raises(UnknownPool):
            await pool.allocator.numbers(unique)

    async def test_the_servers_clock(self, store: Store, unique: str) -> None:
        """Without a time of the caller's own the server's clock is read."""
        pool = await make(store, unique, ["+11"])
        [first] = await pool.allocator.allocate(unique, [Ask("a")])
        [again] = await pool.allocator.allocate(unique, [Ask("a")])
        assert first.guaranteed_until == again.guaranteed_until > pool.now + 10_000
        assert again.hold_ms <= first.hold_ms == 10_000


class TestRecycling:
    @pytest.mark.parametrize(
        ("rule", "order"),
        [
            ("least_active", ["+12", "+13", "+11"]),
            ("most_active", ["+11", "+12", "+13"]),
            ("round_robin", ["+11", "+12", "+13"]),
            ("last_in_first_out", ["+13", "+12", "+11"]),
        ],
    )
    async def test_order(self, store: Store, unique: str, rule: str, order: list[str]) -> None:
        """Each rule picks in its order; the number that was called most is +11."""
        pool = await make(store, unique, ["+11", "+12", "+13"], recycle=rule)
        for tuple_ in "abc":
            await pool.ask(tuple_)
            pool.now += 1
        await pool.allocator.record_call(unique, Call(id="1", number="+11"), now_ms=pool.now)
        pool.now += 10_000
        assert [answer.number for answer in await pool.ask("x", "y", "z")] == order

    async def test_ties_go_to_the_longest_idle(self, store: Store, unique: str) -> None:
        """Of two that are equally active the one whose last click is longer ago goes first."""
        pool = await make(store, unique, ["+11", "+12"])
        await pool.ask("a", "b")
        pool.now += 20_000
        await pool.ask("a")
        assert (await pool.one("c")).number == "+12"

    async def test_clicks_weigh_where_the_pool_says_so(self, store: Store, unique: str) -> None:
        """With a weight for clicks the number with fewer clicks goes first."""
        pool = await make(store, unique, ["+11", "+12"], click_weight=1)
        await pool.ask("a", "b", "b", "a", "a")
        pool.now += 20_000
        assert (await pool.one("c")).number == "+12"

    async def test_weighted_random_favours_the_quiet(self, store: Store) -> None:
        """Weighted random gives a number with 9 clicks about a tenth as often as one with none."""
        # Draws follow from the pool's id: a fixed one makes the same of this test every time.
        rules = {"recycle": "weighted_random", "click_weight": 1, "half_life": 3_600_000}
        pool = await make(store, "weighted", numbers(2), **rules)
        picked = []
        for turn in range(300):
            pool.now += 10_000
            asks = [Ask(f"busy{turn}", clicks=9), Ask(f"quiet{turn}", clicks=0)]
            busy, _ = await pool.allocator.allocate("weighted", asks, now_ms=pool.now)
            pool.now += 10_000
            picked.append((await pool.one(f"next{turn}")).number == busy.number)
        assert 15 < sum(picked) < 45

    async def test_an_edit_of_the_order_holds_for_all(self, store: Store, unique: str) -> None:
        """After a change of the rule, numbers that were recyclable before it follow it too."""
        pool = await make(store, unique, ["+11", "+12", "+13"])
        for tuple_ in "abc":
            await pool.ask(tuple_)
            pool.now += 1
        pool.now += 10_000
        await pool.sweep()
        await pool.edit(recycle="last_in_first_out")
        assert [answer.number for answer in await pool.ask("x", "y")] == ["+13", "+12"]


class TestActivity:
    """Weights as a pool has them by default, with a half-life of its 10 s."""

    RULES: ClassVar[dict[str, float]] = {
        "call_weight": 1,
        "click_weight": 0.25,
        "half_life": 10_000,
    }

    async def test_a_call_keeps_a_pairing_for_two_half_lives(
        self, store: Store, unique: str
    ) -> None:
        """A number that was called goes after those clicked up to two half-lives later: no later
        ones, however long ago that is."""
        pool = await make(store, unique, ["+11", "+12"], **self.RULES)
        await pool.ask("a")
        await pool.allocator.record_call(unique, Call(id="1", number="+11"), now_ms=pool.now)
        pool.now += 19_000
        await pool.ask("b")
        pool.now += 10_000
        assert (await pool.one("c")).number == "+12"
        pool.now += 10_000
        assert (await pool.one("d")).number == "+11"

    async def test_clicks_add_up(self, store: Store, unique: str) -> None:
        """Five more clicks keep a number longer than a call does."""
        pool = await make(store, unique, ["+11", "+12"], **self.RULES)
        await pool.ask("a", "b", "a", "a", "a", "a", "a")
        await pool.allocator.record_call(unique, Call(id="1", number="+12"), now_ms=pool.now)
        pool.now += 10_000
        assert (await pool.one("c")).number == "+12"

    @pytest.mark.parametrize(("half_life", "first"), [(1_000, "+11"), (600_000, "+12")])
    async def test_an_edited_half_life_holds_for_what_is_there(
        self, store: Store, unique: str, half_life: int, first: str
    ) -> None:
        """Of one that was called and one clicked later, a short half-life keeps the later one."""
        pool = await make(store, unique, ["+11", "+12"], **self.RULES)
        await pool.ask("a")
        await pool.allocator.record_call(unique, Call(id="1", number="+11"), now_ms=pool.now)
        pool.now += 15_000
        await pool.ask("b")
        pool.now += 10_000
        await pool.sweep()
        await pool.edit(**{**self.RULES, "half_life": half_life})
        assert (await pool.one("c")).number == first

    async def test_a_pool_of_before_activity_faded(self, valkey_store: Store, unique: str) -> None:
        """Records without activity have what their counts weigh, and the pool its minimum duration
        for a half-life; the next edit sorts its recyclable numbers anew."""
        pool = await make(valkey_store, unique, ["+11", "+12", "+13"], **self.RULES)
        await pool.ask("a", "b", "c")
        await pool.allocator.record_call(unique, Call(id="1", number="+11"), now_ms=pool.now)
        await valkey_store.run(OF_BEFORE, pool_keys(unique))
        pool.now += 10_000
        await pool.ask("c")
        assert (await pool.one("d")).number == "+12"
        await pool.sweep()
        await pool.edit(**self.RULES)
        assert (await pool.one("e")).number == "+13"
        assert (await pool.one("f")).number == "+11"


class TestHold:
    async def test_a_click_extends_the_guarantee(self, store: Store, unique: str) -> None:
        """With hold_on_activity a click or ping moves the end of the guarantee, never back."""
        pool = await make(store, unique, ["+11"], hold_on_activity=6_000)
        until = (await pool.one("a")).guaranteed_until
        pool.now += 2_000
        assert (await pool.one("a")).guaranteed_until == until
        pool.now += 7_000
        [pinged] = await pool.allocator.touch(unique, [Ask("a", clicks=0)], now_ms=pool.now)
        assert pinged == Answer(State.HELD, "+11", pool.now + 6_000, 6_000, least_ms=5_250)
        pool.now = until
        assert await states(pool, "b") == ["overflow"]

    async def test_a_click_renews_by_sixteenths(self, store: Store, unique: str) -> None:
        """It begins no guarantee anew while nearly all of one is left; a ping always does."""
        pool = await make(store, unique, ["+11"], hold_on_activity=10_000)
        until = (await pool.one("a")).guaranteed_until
        pool.now += 625
        assert (await pool.one("a")).guaranteed_until == until
        pool.now += 1
        assert (await pool.one("a")).guaranteed_until == pool.now + 10_000
        pool.now += 1
        [pinged] = await pool.allocator.touch(unique, [Ask("a", clicks=0)], now_ms=pool.now)
        assert pinged.guaranteed_until == pool.now + 10_000

    async def test_a_ping_allocates_nothing(self, store: Store, unique: str) -> None:
        """A ping for a tuple without a number takes none."""
        pool = await make(store, unique, ["+11"])
        [answer] = await pool.allocator.touch(unique, [Ask("a", clicks=0)], now_ms=pool.now)
        assert answer == Answer(State.NONE, "")
        assert (await pool.allocator.status(unique, now_ms=pool.now)).unassigned == 1

    async def test_the_clock_never_goes_back(self, store: Store, unique: str) -> None:
        """A step back of the server's clock lengthens a guarantee and never shortens one."""
        pool = await make(store, unique, ["+11"])
        until = (await pool.one("a")).guaranteed_until
        pool.now -= 3_600_000
        assert (await pool.one("a")).hold_ms == 10_000
        assert await states(pool, "b") == ["overflow"]
        pool.now = until
        assert await states(pool, "b") == ["recycled"]


class TestRelease:
    async def test_inside_the_guarantee(self, store: Store, unique: str) -> None:
        """A visitor who leaves early keeps the number to the end; then it goes first."""
        pool = await make(store, unique, ["+11", "+12"])
        await pool.ask("a")
        pool.now += 1_000
        await pool.ask("b")
        assert await pool.allocator.release(unique, ["b", "z"], now_ms=pool.now) == [10_000, None]
        assert await states(pool, "c") == ["overflow"]
        pool.now += 10_000
        assert (await pool.one("c")).number == "+12"

    async def test_coming_back_takes_it_back(self, store: Store, unique: str) -> None:
        """A visitor who returns after leaving is as active as before."""
        pool = await make(store, unique, ["+11", "+12"])
        await pool.ask("a", "b")
        pool.now += 10_000
        await pool.allocator.release(unique, ["b"], now_ms=pool.now)
        await pool.ask("b")
        assert (await pool.one("c")).number == "+11"


class TestDrain:
    async def test_the_guarantee_stands(self, store: Store, unique: str) -> None:
        """A removed number stays with its tuple until the end, and then with nobody."""
        pool = await make(store, unique, ["+11"])
        until = (await pool.one("a")).guaranteed_until
        assert await pool.allocator.drain(unique, ["+11", "+12"], now_ms=pool.now) == {"+11": until}
        pool.now = until - 1
        assert await states(pool, "a", "b") == ["held", "overflow"]
        pool.now = until
        assert await states(pool, "a", "b") == ["overflow", "overflow"]
        assert [departure.number for departure in await pool.sweep()] == ["+11"]

    async def test_activity_does_not_keep_it(self, store: Store, unique: str) -> None:
        """A click on a draining number doesn't extend its guarantee."""
        pool = await make(store, unique, ["+11"], hold_on_activity=10_000)
        until = (await pool.one("a")).guaranteed_until
        await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
        pool.now += 5_000
        assert (await pool.one("a")).guaranteed_until == until

    async def test_free_and_recyclable_numbers_leave_at_once(
        self, store: Store, unique: str
    ) -> None:
        """Nobody's number goes now, whether unassigned, due or already ranked."""
        pool = await make(store, unique, ["+11", "+12", "+13"])
        await pool.ask("a")
        pool.now += 10_000
        await pool.sweep()
        await pool.ask("b")
        pool.now += 10_000
        assert await pool.allocator.drain(unique, ["+11", "+12", "+13"], now_ms=pool.now) == {}
        assert (await pool.allocator.status(unique, now_ms=pool.now)).size == 0

    async def test_named_again_it_stays(self, store: Store, unique: str) -> None:
        """A draining number that is added again stays with its tuple after the guarantee."""
        pool = await make(store, unique, ["+11"])
        until = (await pool.one("a")).guaranteed_until
        await pool.allocator.drain(unique, ["+11"], now_ms=pool.now)
        assert await pool.allocator.add(unique, ["+11"], now_ms=pool.now) == ["+11"]
        pool.now = until + 1
        assert await states(pool, "a") == ["held"]

    async def test_many_are_handed_on_in_few_sweeps(self, store: Store, unique: str) -> None:
        """What was handed on a moment ago doesn't hide what is still to be."""
        some = numbers(500)
        pool = await make(store, unique, some)
        await pool.allocator.drain(unique, some, now_ms=pool.now)
        left: set[str] = set()
        for _ in range(60):
            left |= {departure.number for departure in await pool.sweep()}
        assert left == {*some}


class TestEdit:
    async def test_guarantees_given_stand(self, store: Store, unique: str) -> None:
        """A shorter minimum duration holds for the next assignments alone."""
        pool = await make(store, unique, ["+11", "+12"])
        until = (await pool.one("a")).guaranteed_until
        await pool.edit(min_duration=1_000)
        assert (await pool.one("b")).hold_ms == 1_000
        pool.now += 1_000
        assert (await pool.one("c")).number == "+12"
        pool.now = until - 1
        assert (await pool.one("d")).number == "+12"

    async def test_an_older_revision_changes_nothing(self, store: Store, unique: str) -> None:
        """Of two edits the newer one stays in force, whichever comes last."""
        pool = await make(store, unique, ["+11"])
        await pool.edit(min_duration=1_000)
        old = Rules(min_duration=99_000)
        await pool.allocator.edit(unique, old, 1, now_ms=pool.now)
        assert (await pool.one("a")).hold_ms == 1_000


class TestScriptCache:
    async def test_a_flush_of_the_scripts_is_not_noticed(
        self, backend: stores.Server | Cluster, store: Store, unique: str
    ) -> None:
        """After SCRIPT FLUSH in the middle of the work every call goes on as if nothing was."""
        nodes = [backend] if isinstance(backend, stores.Server) else backend.primaries
        pool = await make(store, unique, ["+11"])
        await pool.one("a")
        for node in nodes:
            node.command("SCRIPT", "FLUSH")
        assert await states(pool, "a") == ["held"]
        for node in nodes:
            node.command("SCRIPT", "FLUSH")
        assert (await pool.allocator.status(unique, now_ms=pool.now)).held == 1
        assert await Stocks(store).edit(unique, 0, ["+21"]) == 1


class Recording:
    """A store that notes every script it runs."""

    def __init__(self, store: Store) -> None:
        self.ran: list[str] = []
        self._store = store

    async def run(self, script: Script, keys: object, args: object = ()) -> bytes:
        self.ran.append(script.name)
        return await self._store.run(script, keys, args)  # type: ignore[arg-type]

    async def ping(self) -> None:
        await self._store.ping()

    async def aclose(self) -> None:
        await self._store.aclose()


async def test_many_tuples_are_one_call(valkey_store: Store, unique: str) -> None:
    """A burst of tuples costs one call of the store, and each gets what it would have alone."""
    recording = Recording(valkey_store)
    pool = await make(recording, unique, numbers(100))
    recording.ran.clear()
    answers = await pool.ask(*(f"t{n}" for n in range(150)))
    assert recording.ran == ["pool/allocate"]
    assert [answer.state for answer in answers] == [State.NEW] * 100 + [State.OVERFLOW] * 50
