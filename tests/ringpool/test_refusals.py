"""Why a pool refused visits, as people are told it, and how many numbers would have served them."""

from __future__ import annotations

import random

import pytest

from allocator.answers import KEYED, Ask, NoGrowth, Refusal, Refusals, State, Why
from allocator.port import Store
from ringpool.model import Pool
from ringpool.refusals import Needed, needed, report
from tests.allocator.pools import make, numbers

AT = 1_795_271_465_000
"""2026-11-21 14:31:05 UTC."""

POOL = Pool(id="ads", account="acme", parameters=("x",), stock="us-toll-free", max_size=50)


def refusal(tuple_: str, total: int, at: int = AT, **more: object) -> Refusal:
    given = {
        "network": "203.0.113.0/24",
        "why": Why.ALL_HELD,
        "size": 40,
        "first_due": AT + 367_000,
        "no_growth": NoGrowth.STOCK_EMPTY,
        "network_has": 0,
        "held_since": 0,
    } | more
    return Refusal(at=at, tuple=tuple_, total=total, **given)  # type: ignore[arg-type]


def refusals(*entries: Refusal, total: int | None = None) -> Refusals:
    """``entries``: the newest first."""
    last = entries[0].total if total is None and entries else total or 0
    return Refusals(AT, "us-toll-free", 50, 600_000, last, 9, list(entries))


def test_it_is_said_in_a_sentence() -> None:
    """Until when, in which zone; what the pool can't grow by; how many would have done."""
    held = [refusal(f"x={n}", n, AT - 1_000 * (3 - n)) for n in (3, 2, 1)]
    told = report(POOL, refusals(*held))
    assert told.why == (
        "All 40 held; the first is due 14:37 UTC; stock us-toll-free is empty; "
        "43 numbers would have served it."
    )
    assert (told.needed, told.refusals[0].at) == (Needed(43, "exactly"), "2026-11-21T14:31:05Z")
    assert (told.refusals[0].tuple, told.refusals[0].network) == ({"x": "3"}, "203.0.113.0/24")
    tomorrow = refusal("", 1, first_due=AT + 86_400_000, no_growth=NoGrowth.MAX_SIZE)
    assert report(POOL, refusals(tomorrow)).why == (
        "All 40 held; the first is due 2026-11-22 14:31 UTC; it is at its max_size of 50; "
        "41 numbers would have served it."
    )
    empty = refusal("", 1, size=0, first_due=0, no_growth=NoGrowth.NO_STOCK)
    alone = Pool(id="ads", account="acme", parameters=("x",), fallback="groups")
    assert report(alone, refusals(empty)).why == (
        "It has no numbers; it has no stock to grow from; pool groups was asked instead; "
        "1 number would have served it."
    )


def test_a_budget_and_nothing_at_all_are_said_too() -> None:
    """The network is named as the budget has it."""
    nothing = report(POOL, refusals())
    assert (nothing.why, nothing.needed) == ("Nothing was refused within the last 7 days.", None)
    over = refusal("x=1", 7, why=Why.BUDGET, network_has=8)
    told = report(POOL, refusals(over))
    assert told.why == ("The budget of network 203.0.113.0/24 is used up: it has 8 of 40 numbers.")
    assert (told.needed, told.refusals[0].more) == (None, 2)
    keyed = report(POOL, refusals(refusal("x=1", 9, why=Why.BUDGET, network=KEYED)))
    assert "key_rate" in keyed.why


def test_what_is_not_kept_is_estimated() -> None:
    """By those that are, and never as more than there were; older ones are left out."""
    found = refusals(*(refusal(f"x={n}", 2 * n, AT - 1_000 * (9 - n)) for n in range(9, 0, -1)))
    assert needed(found) == Needed(40 + 9 + 8, "about")  # all different: no more than 8 unseen
    names = ("b", "a", "a")  # of three visits two are by tuples that came twice: 2 / (2 / 3)
    some = refusals(
        *(refusal(f"x={name}", 9 - 3 * n, AT - n * 1_000) for n, name in enumerate(names))
    )
    assert needed(some) == Needed(40 + 3, "about")
    same = refusals(*(refusal("x=1", 5 * n, AT - 1_000 * (9 - n)) for n in range(9, 0, -1)))
    assert needed(same) == Needed(41, "about")
    old = refusals(refusal("x=2", 2), refusal("x=1", 1, AT - 600_000))
    assert needed(old) == Needed(41, "exactly")
    served = refusals(refusal("x=2", 2), refusal("x=1", 1, AT - 9_000, held_since=AT - 5_000))
    assert needed(served) == Needed(41, "exactly")
    full = refusals(*(refusal("x=1", n, AT - 1_000 * (60 - n)) for n in range(60, 10, -1)))
    assert needed(full) == Needed(41, "at_least")


@pytest.mark.parametrize("seed", range(3))
async def test_with_so_many_numbers_nobody_is_refused(
    valkey_store: Store, unique: str, seed: int
) -> None:
    """The same visits again, to pools with as many numbers, and with one fewer."""
    dice = random.Random(seed)
    visits = [(dice.choice((1_000, 1_500)), f"x={dice.randrange(30)}") for _ in range(20)]

    async def refused(size: int) -> tuple[int, Refusals]:
        pool = await make(valkey_store, f"{unique}-{size}", numbers(size), min_duration=3_600_000)
        count = 0
        for pause, tuple_ in visits:
            pool.now += pause
            (answer,) = await pool.allocator.allocate(pool.id, [Ask(tuple_)], now_ms=pool.now)
            count += answer.state is State.OVERFLOW
        return count, await pool.allocator.refusals(pool.id, now_ms=pool.now)

    _, found = await refused(8)
    need = needed(found)
    assert need is not None
    assert need.sure == "exactly"
    assert (await refused(need.numbers))[0] == 0
    assert (await refused(need.numbers - 1))[0] > 0
