"""A pool's `fallback` in the configuration: what is refused, and which field is named."""

from __future__ import annotations

import pytest

from ringpool.config import config_file
from ringpool.config.validation import check
from ringpool.faults import Faults
from ringpool.model import Account, Configuration, Pool, PoolType


def a_pool(name: str, fallback: str | None = None, account: str = "acme") -> Pool:
    return Pool(
        id=name, account=account, parameters=("x",), allow_overflow=False, fallback=fallback
    )


def configuration(*pools: Pool) -> Configuration:
    return Configuration(accounts=(Account(id="acme"), Account(id="other")), pools=pools)


def faults(wanted: Configuration, known: Configuration | None = None) -> list[str]:
    try:
        check(wanted, known or Configuration())
    except Faults as found:
        return [str(fault) for fault in found.faults]
    return []


def test_a_chain_is_right_and_read_again() -> None:
    """Five pools may follow the first, whatever their order in the file."""
    chain = [a_pool(f"p{place}", f"p{place + 1}") for place in range(5)] + [a_pool("p5")]
    wanted = configuration(*reversed(chain))
    assert faults(wanted) == []
    assert config_file.read(config_file.write(wanted)).pools[1].fallback == "p5"


@pytest.mark.parametrize(
    ("pools", "found"),
    [
        ((a_pool("a", "b"),), "pools[0].fallback: there is no pool b"),
        ((a_pool("a", "a"),), "pools[0].fallback: leads back to a: a > a"),
        (
            (a_pool("a", "b"), a_pool("b", account="other")),
            "pools[0].fallback: b belongs to account other",
        ),
        (
            (Pool(id="a", account="acme", type=PoolType.STATIC, numbers=("+18005550100",)),),
            "",
        ),
    ],
)
def test_what_is_wrong_names_the_field(pools: tuple[Pool, ...], found: str) -> None:
    """Of the pool that has it."""
    assert faults(configuration(*pools)) == ([found] if found else [])


def test_circles_and_long_ways_are_found_with_what_is_there() -> None:
    """It is the fault of what is changed, also where it is another pool that would lead too far."""
    chain = [a_pool(f"p{place}", f"p{place + 1}") for place in range(5)]
    known = configuration(*chain, a_pool("p5"), a_pool("q"))
    way = "more than 5 pools would be asked after the first: p0 > p1 > p2 > p3 > p4 > p5 > q"
    assert faults(Configuration(pools=(a_pool("p5", "q"),)), known) == [f"pools[0].fallback: {way}"]
    circle = "leads back to p3: p3 > p4 > p5 > p3"
    (found,) = faults(Configuration(pools=(a_pool("p5", "p3"),)), known)
    assert found.startswith("pools[0].fallback: leads back to ")
    both = Configuration(pools=(a_pool("p3", "p4"), a_pool("p5", "p3")))
    assert f"pools[0].fallback: {circle}" in faults(both, configuration(a_pool("p4", "p5")))
    moved = Configuration(pools=(a_pool("p5", account="other"),))
    message = "pool p4 of account acme falls back on this pool"
    assert faults(moved, known) == [f"pools[0].account: {message}"]


def test_a_static_pool_has_none() -> None:
    """Its number is everybody's; others may fall back on it."""
    static = Pool(id="s", account="acme", type=PoolType.STATIC, numbers=("+18005550100",))
    assert faults(configuration(static, a_pool("a", "s"))) == []
    wrong = Pool(
        id="s",
        account="acme",
        type=PoolType.STATIC,
        numbers=("+18005550100",),
        fallback="a",
    )
    (found,) = faults(configuration(wrong, a_pool("a")))
    assert found.startswith("pools[0].fallback: a pool of type static has none")
