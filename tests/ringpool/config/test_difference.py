"""What apply would change, as people and programs read it."""

from __future__ import annotations

import msgspec

from ringpool.config.difference import Change, FieldChange, difference
from ringpool.model import Account, Configuration, Pool, Stock
from ringpool.times import Duration

POOL = Pool(id="p", account="a", key="k" * 16, parameters=("m1",), numbers=("+1", "+2"), max_size=5)
CURRENT = Configuration(accounts=(Account(id="a"),), pools=(POOL,))


def test_the_same_is_no_difference() -> None:
    """What is there already changes nothing; nor does a pool that leaves its key out."""
    keyless = msgspec.structs.replace(POOL, key=msgspec.UNSET)
    assert difference(CURRENT, CURRENT) == []
    assert difference(CURRENT, Configuration(pools=(keyless,))) == []


def test_numbers_that_are_not_named_are_no_difference() -> None:
    """A pool without a list keeps its numbers, a new one has none; an empty list drains all."""
    silent = msgspec.structs.replace(POOL, numbers=msgspec.UNSET)
    assert difference(CURRENT, Configuration(pools=(silent,))) == []
    (change,) = difference(Configuration(), Configuration(pools=(silent,)))
    assert (change.action, change.added, change.drained) == ("add", (), ())
    empty = msgspec.structs.replace(POOL, numbers=())
    (change,) = difference(CURRENT, Configuration(pools=(empty,)))
    assert (change.added, change.drained) == ((), ("+1", "+2"))


def test_what_is_not_named_stays() -> None:
    """An empty file takes nothing away."""
    assert difference(CURRENT, Configuration()) == []


def test_a_new_entity_is_an_addition() -> None:
    """Its fields and numbers are listed under a plus."""
    (change,) = difference(
        CURRENT, Configuration(stocks=(Stock(id="s", account="a", numbers=("+3",)),))
    )
    assert change == Change(
        kind="stock",
        id="s",
        action="add",
        fields=(FieldChange("account", None, "a"),),
        added=("+3",),
    )
    assert change.lines() == ["+ stock s", "    account: a", "    + 1 number: +3"]


def test_a_change_names_fields_and_numbers() -> None:
    """Before and after of each field, durations as text; numbers that come and that drain."""
    edited = msgspec.structs.replace(
        POOL, min_duration=Duration.parse("20m"), max_size=None, numbers=("+2", "+3")
    )
    (change,) = difference(CURRENT, Configuration(pools=(edited,)))
    assert change.lines() == [
        "~ pool p",
        "    min_duration: (default) -> 20m",
        "    max_size: 5 -> (default)",
        "    + 1 number: +3",
        "    - 1 number: +1, each once its guarantee is over",
    ]


def test_the_order_of_numbers_is_no_difference() -> None:
    """A list is the same list in another order."""
    turned = msgspec.structs.replace(POOL, numbers=("+2", "+1"))
    assert difference(CURRENT, Configuration(pools=(turned,))) == []


def test_secrets_are_not_shown() -> None:
    """A new key is a change, its text isn't shown."""
    rekeyed = msgspec.structs.replace(POOL, key="z" * 16)
    (change,) = difference(CURRENT, Configuration(pools=(rekeyed,)))
    assert change.fields == (FieldChange("key", "(secret)", "(secret)"),)


def test_many_numbers_are_counted() -> None:
    """A long list is shown by its first five."""
    many = msgspec.structs.replace(POOL, numbers=tuple(f"+{n}" for n in range(1, 11)))
    (change,) = difference(CURRENT, Configuration(pools=(many,)))
    assert change.lines()[1] == "    + 8 numbers: +3, +4, +5, +6, +7 and 3 more"
