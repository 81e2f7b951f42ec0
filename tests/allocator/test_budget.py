"""What one client network may have of a pool."""

from __future__ import annotations

import msgspec

from allocator.answers import KEYED, UNKNOWN_NETWORK, Answer, Ask, State
from allocator.keys import pool_keys
from allocator.port import Store
from tests.allocator.pools import PoolUnderTest, make, numbers
from tests.servers import stores

ONE, OTHER = "192.0.2.0/24", "192.0.20.0/24"
LIVES = 10_000
"""How long the guarantees of ``make`` last, ms."""


async def ask(pool: PoolUnderTest, *tuples: str, network: str = ONE) -> list[Answer]:
    asks = [Ask(tuple_, network=network) for tuple_ in tuples]
    return await pool.allocator.allocate(pool.id, asks, now_ms=pool.now)


def given(answers: list[Answer]) -> int:
    return sum(answer.state in (State.NEW, State.RECYCLED) for answer in answers)


async def test_a_network_has_its_share_and_others_get_numbers(
    valkey_store: Store, unique: str
) -> None:
    """20 % of 50, in one call or many; what it has it keeps; when it is over it gets as many."""
    pool = await make(valkey_store, unique, numbers(50), budget_share=20, budget_least=5)
    answers = await ask(pool, *(f"t{n}" for n in range(30)))
    assert [answer.over_budget for answer in answers] == [False] * 10 + [True] * 20
    assert {answer.state for answer in answers[10:]} == {State.NONE}
    assert (await ask(pool, "t0"))[0].state is State.HELD
    assert given(await ask(pool, "u", network=OTHER)) == 1
    assert given(await ask(pool, "x", "y", network=UNKNOWN_NETWORK)) == 2
    status = await pool.allocator.status(pool.id, now_ms=pool.now)
    assert (status.budget_refused_total, status.unbudgeted_total) == (20, 2)
    assert (status.overflow_total, status.last_unbudgeted) == (0, pool.now)
    pool.now += 10_000
    assert given(await ask(pool, *(f"v{n}" for n in range(30)))) == 10


async def test_activity_that_revives_guarantees_is_on_the_budget(
    valkey_store: Store, unique: str
) -> None:
    """Who lets numbers lapse and takes others can't hold both by being active again."""
    rules = {"budget_share": 20, "budget_least": 2, "hold_on_activity": 10_000}
    pool = await make(valkey_store, unique, numbers(10), **rules)
    await ask(pool, "a", "b")
    pool.now += 10_000
    await ask(pool, "c", "d")
    revived = await ask(pool, "a", "b")
    assert [(answer.state, answer.hold_ms) for answer in revived] == [(State.HELD, 0)] * 2
    touched = [Ask("a", clicks=0, network=ONE)]
    (answer,) = await pool.allocator.touch(pool.id, touched, now_ms=pool.now)
    assert answer.hold_ms == 0
    (answer,) = await ask(pool, "a", network=OTHER)  # whose guarantee it is from now on
    assert answer.hold_ms == 10_000
    assert [a.over_budget for a in await ask(pool, "e", "f", network=OTHER)] == [False, True]


async def test_a_pool_does_not_grow_for_who_may_have_no_more(
    valkey_store: Store, unique: str
) -> None:
    """Asks that wait for numbers of the stock count as if they had them."""
    stock = f"{unique}-s"
    rules = {"stock": stock, "max_size": 100, "budget_share": 20, "budget_least": 5}
    pool = await make(valkey_store, unique, [], **rules)
    await pool.stocks.edit(stock, 0, numbers(100, "+1999"), now_ms=pool.now)
    answers = await ask(pool, *(f"t{n // 2}" for n in range(60)))
    assert given(answers) == 5
    assert [answer.state for answer in answers[:10]] == [State.NEW, State.HELD] * 5
    assert (await pool.allocator.status(pool.id, now_ms=pool.now)).size == 5


async def test_a_rate_of_new_ones(valkey_store: Store, unique: str) -> None:
    """A minute's worth at once, then one as each is made up for; those with the key have theirs."""
    rules = {"budget_rate": 7, "key_rate": 2, "min_duration": 1}
    pool = await make(valkey_store, unique, numbers(50), **rules)
    assert given(await ask(pool, *(f"t{n}" for n in range(20)))) == 7
    assert given(await ask(pool, *(f"k{n}" for n in range(20)), network=KEYED)) == 2
    assert given(await ask(pool, *(f"u{n}" for n in range(20)), network="")) == 20
    pool.now += 8_571
    assert given(await ask(pool, *(f"v{n}" for n in range(20)))) == 1
    pool.now += 60_000
    await pool.sweep()
    assert given(await ask(pool, *(f"w{n}" for n in range(20)))) == 7


async def test_edits_drains_and_returns_keep_the_count(valkey_store: Store, unique: str) -> None:
    """Off and on again, a smaller pool, numbers that drain: always what it really holds."""
    pool = await make(valkey_store, unique, numbers(20), budget_share=0)
    assert given(await ask(pool, *(f"t{n}" for n in range(6)))) == 6
    await pool.edit(budget_share=40, budget_least=1)
    assert given(await ask(pool, "a", "b", "c")) == 2
    await pool.allocator.drain(pool.id, numbers(20)[:8], now_ms=pool.now)
    assert (await ask(pool, "d"))[0].over_budget
    pool.now += 10_000
    await pool.sweep()  # 12 are left
    assert given(await ask(pool, *(f"u{n}" for n in range(9)))) == 4


async def test_who_has_hundreds_waits_a_64th_of_a_guarantee_longer_at_most(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """They are counted by some hundred times when they end, rounded up: never one too few."""
    most = 150
    pool = await make(valkey_store, unique, numbers(2 * most), budget_share=50, budget_least=5)
    until: list[int] = []
    late = LIVES // 64 + 1
    refused = 0
    for step in range(700):
        pool.now += 41
        (answer,) = await ask(pool, f"t{step}")
        if answer.over_budget:
            refused += 1
            assert sum(end > pool.now - late for end in until) >= most
        else:
            until.append(answer.guaranteed_until)
            assert sum(end > pool.now for end in until) <= most
    assert refused
    field = valkey_server.command("HGET", pool_keys(unique)[0], ONE)
    assert len(field) < 1_100


async def test_a_network_that_has_nothing_any_more_is_forgotten(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """And what pools had before of this kind."""
    meta = pool_keys(unique)[0]
    pool = await make(valkey_store, unique, numbers(200), budget_share=20, budget_rate=7)
    for place in range(150):
        await ask(pool, f"t{place}", network=f"192.0.{place}.0/24")
    former = [meta.replace("meta", name) for name in ("budgeted", "rates")]
    for key in former:
        valkey_server.command("ZADD", key, 1, "x")
    await pool.sweep()
    assert valkey_server.command("EXISTS", *former) == 0
    assert valkey_server.command("HLEN", meta) == 153  # with the rules, the state and "wide"
    assert valkey_server.command("OBJECT", "ENCODING", meta) == b"hashtable"
    pool.now += 60_000
    while (await pool.allocator.sweep(unique, now_ms=pool.now)).more:
        pass
    assert valkey_server.command("HLEN", meta) < 20


async def test_a_pool_from_before_there_were_budgets_has_the_default_one(
    valkey_server: stores.Server, valkey_store: Store, unique: str
) -> None:
    """Its stored rules and state are shorter; nobody need edit it first."""
    pool = await make(valkey_store, unique, numbers(50))
    meta = pool_keys(unique)[0]
    for field, length in (("rules", 13), ("state", 15)):
        document = msgspec.msgpack.decode(valkey_server.command("HGET", meta, field))
        shorter = msgspec.msgpack.encode(document[:length])
        valkey_server.command("HSET", meta, field, shorter)
    assert given(await ask(pool, *(f"t{n}" for n in range(30)))) == 10
    await pool.sweep()
    status = await pool.allocator.status(unique, now_ms=pool.now)
    assert (status.size, status.budget_refused_total) == (50, 20)
    await pool.edit()
    assert given(await ask(pool, *(f"u{n}" for n in range(30)))) == 30
