"""A pool that has nothing to give hands the ask on: what is promised and counted then."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer, Ask, State
from allocator.port import Store, StoreUnavailable
from ringpool.catalog.fallback import HandedOn, asks, fall_back, fall_back_many, has_nothing
from ringpool.catalog.page_settings import page_settings
from ringpool.catalog.snapshot import Snapshot
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Configuration, Pool, PoolType
from ringpool.times import Duration
from ringpool.visits.click import Click
from tests.allocator.pools import START, numbers
from tests.ringpool.catalog.test_catalog import a_file, a_pool
from tests.ringpool.conftest import Bench

LIVES = 10_000
NAMES = ("campaign", "group", "keyword")


def a_chain(unique: str) -> list[Pool]:
    """Keywords fall back on groups, groups on campaigns."""
    ids = [f"{unique}-{name}" for name in ("k", "g", "c")]
    return [
        Pool(
            id=ids[place],
            account="acme",
            parameters=NAMES[: 3 - place],
            min_duration=Duration(LIVES),
            overflow_number=f"+1999000000{place}",
            fallback=ids[place + 1] if place < 2 else None,
        )
        for place in range(3)
    ]


def a_snapshot(pools: Sequence[Pool]) -> Snapshot:
    return Snapshot(1, Configuration(accounts=(Account(id="acme"),), pools=tuple(pools)))


@pytest.mark.parametrize("seed", range(3))
async def test_no_number_has_two_tuples_and_the_counters_add_up(
    valkey_store: Store, unique: str, seed: int
) -> None:
    """Whoever asks first, one by one or many at once, while guarantees end: each pool's own."""
    dice, allocator, now = random.Random(seed), Allocator(valkey_store), START
    pools = a_chain(unique)
    snapshot = a_snapshot(pools)
    for place, pool in enumerate(pools):
        await allocator.edit(pool.id, snapshot.pools[pool.id].rules, 1, now_ms=now)
        own = numbers(4 - place, f"+1888{place}")
        await allocator.add(pool.id, own, now_ms=now)
    promised: dict[str, tuple[str, str, int]] = {}
    spoke, direct = Counter[str](), Counter[str]()

    async def ask_many(pool_id: str, wanted: Sequence[Ask]) -> list[Answer | StoreUnavailable]:
        return [*await allocator.allocate(pool_id, wanted, now_ms=now)]

    async def ask(pool_id: str, wanted: Ask) -> Answer:
        (answer,) = await allocator.allocate(pool_id, [wanted], now_ms=now)
        return answer

    def check(pool_id: str, tuple_: str, answer: Answer) -> None:
        spoke[pool_id] += 1
        known = promised.get(answer.number)
        if known is not None and known[2] > now:
            assert known[:2] == (pool_id, tuple_)
        promised[answer.number] = (pool_id, tuple_, answer.guaranteed_until)

    for _ in range(150):
        now += dice.choice((0, 10, 1_500))
        first = snapshot.pools[dice.choices(pools, (8, 2, 1))[0].id]
        clicks = [
            Click("", "", {name: dice.choice("abc") for name in NAMES}, "", {})
            for _ in range(dice.choice((1, 1, 4)))
        ]
        wanted = [click.ask(first.pool) for click in clicks]
        direct[first.pool.id] += len(clicks)
        answers = await ask_many(first.pool.id, wanted)
        refused = []
        for each, click, answer in zip(wanted, clicks, answers, strict=True):
            assert isinstance(answer, Answer)
            if has_nothing(answer):
                assert answer.number == first.pool.overflow_number
                refused.append(click)
            else:
                check(first.pool.id, each.tuple, answer)
        if len(refused) == 1:
            given = [await fall_back(first, refused[0], ask)]
        else:
            given = await fall_back_many(first, [HandedOn(click) for click in refused], ask_many)
        for gave in given:
            if gave is not None:
                assert gave.tuple.count("&") == len(gave.prepared.pool.parameters) - 1
                check(gave.prepared.pool.id, gave.tuple, gave.answer)
    handed_on = 0
    for pool in pools:
        status = await allocator.status(pool.id, now_ms=now)
        given_total = status.new_total + status.held_total + status.recycled_total
        assert given_total == spoke[pool.id] > 0
        assert given_total + status.overflow_total == direct[pool.id] + handed_on
        handed_on = status.overflow_total
    assert handed_on


def test_each_makes_its_own_tuple_of_the_visit() -> None:
    """Positions are the first pool's; what a pool can't make a tuple of passes it over."""
    first = Pool(id="a", account="acme", parameters=("x", "y"), fallback="b")
    values = Pool(id="b", account="acme", parameters=("y",), values={"y": ("1",)}, fallback="c")
    strict = Pool(id="c", account="acme", parameters=("y",), strict=True, fallback="d")
    static = Pool(id="d", account="acme", type=PoolType.STATIC, numbers=("+18005550100",))
    snapshot = a_snapshot((first, values, strict, static))
    asked = snapshot.pools["a"]

    def tuples(unread: bool, **given: str) -> list[tuple[str, str]]:
        click = Click("", "", given, "", {})
        found = asks(asked, HandedOn(click, unread))
        return [(prepared.pool.id, ask.tuple) for prepared, ask in found]

    given = {"param1": "0", "param2": "1"}
    assert tuples(False, **given) == [("b", "y=1"), ("c", "y=1"), ("d", "")]
    assert tuples(True, param1="0", y="2") == [("d", "")]
    (_, ask), *_ = asks(asked, HandedOn(Click("", "", given, "", {})))
    assert callable(ask.attributes)
    assert b'"fallback_from":"a"' in ask.attributes()


def test_a_page_knows_what_its_fallbacks_need() -> None:
    """Pings for their guarantees, the parameters, cookies and the visitor of their tuples."""
    asked = Pool(
        id="a", account="acme", parameters=("x",), fallback="b", swap_targets=("+18005550100",)
    )
    more = Pool(
        id="b",
        account="acme",
        parameters=("y", "cookie.seg"),
        hold_on_activity=Duration(60_000),
        fallback="c",
    )
    visitors = Pool(id="c", account="acme", type=PoolType.VISITOR)
    snapshot = a_snapshot((asked, more, visitors))
    settings = page_settings(snapshot, snapshot.accounts["acme"], "", "")
    (target,) = settings["t"]
    assert (target["pool"], target["hold"], target["visitor"]) == (("a",), 60_000, 1)
    assert settings["q"] == ("x", "y", "cookie.seg", "visitor")
    assert settings["o"] == {"cookies": "seg"}


async def test_who_is_over_a_budget_is_not_handed_on() -> None:
    """Nor is anybody asked after the pool that refused the network; one that is away is passed."""
    a, b, c = (
        Pool(id=name, account="acme", parameters=("x",), fallback=after)
        for name, after in (("a", "b"), ("b", "c"), ("c", None))
    )
    first = a_snapshot((a, b, c)).pools["a"]
    over = Answer(State.NONE, "", over_budget=True)
    assert not has_nothing(over)
    click = Click("", "", {"x": "1"}, "", {})

    async def of_b(answer: Answer | StoreUnavailable) -> object:
        async def ask(pool_id: str, _: Ask) -> Answer:
            if pool_id == "b":
                if isinstance(answer, StoreUnavailable):
                    raise answer
                return answer
            return Answer(State.NEW, "+1")

        gave = await fall_back(first, click, ask)
        return gave and gave.prepared.pool.id

    assert await of_b(over) is None
    assert await of_b(Answer(State.OVERFLOW, "+9")) == "c"
    assert await of_b(StoreUnavailable("away")) == "c"


async def test_of_two_changes_at_once_that_would_lead_in_a_circle_one_is_refused(
    bench: Bench,
) -> None:
    """Each alone would be right: that they aren't together is seen under the lock."""
    await bench.catalog.apply(a_file(a_pool("a"), a_pool("b"), a_pool("c")))

    async def point(pool_id: str, other: str) -> str:
        async def made(_: object) -> Pool:
            return a_pool(pool_id, fallback=other)

        try:
            await bench.catalog.change("pool", pool_id, made)
        except Faults as faults:
            return str(faults)
        return ""

    found = await asyncio.gather(point("a", "b"), point("b", "c"), point("c", "a"))
    (refused,) = filter(None, found)
    assert refused.startswith("pools[0].fallback: leads back to ")
    _, known = await bench.catalog.entities()
    assert sum(pool.fallback is not None for pool in known.pools) == 2


async def test_a_pool_that_others_fall_back_on_stays(bench: Bench) -> None:
    """It goes once none does."""
    await bench.catalog.apply(a_file(a_pool("a"), a_pool("b")))
    await bench.catalog.apply(a_file(a_pool("a", fallback="b")))
    with pytest.raises(Fault, match="pool a falls back on b"):
        await bench.catalog.delete_pool("b")
    await bench.catalog.apply(a_file(a_pool("a")))
    await bench.catalog.delete_pool("b")
