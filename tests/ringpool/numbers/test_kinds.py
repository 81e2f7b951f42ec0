"""Kinds of numbers, and the starts that tell them apart."""

from __future__ import annotations

import pytest

from ringpool.model import NumberType, StockKind
from ringpool.numbers import kinds


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+18885550123", "US toll_free"),
        ("+12125550100", "US local"),
        ("+14165550100", "CA local"),
        ("+442079460123;ext=5", "GB local"),
        ("+447400123456", "GB mobile"),
        ("+80012345678", "001 toll_free"),
        ("+447700900123", "GB other"),  # for drama: no range that is in use
    ],
)
def test_the_kind_of_a_number(number: str, shown: str) -> None:
    assert str(kinds.kind(number)) == shown


@pytest.mark.parametrize(
    ("asked", "fitting"),
    [
        ({"country": "US"}, ["+18885550123", "+12125550100"]),
        ({"type": NumberType.TOLL_FREE}, ["+18885550123", "+80012345678"]),
        ({"country": "US", "type": NumberType.MOBILE}, ["+12125550100"]),
        ({"country": "US", "area": "212"}, ["+12125550100"]),
        ({"country": "CA", "area": "212"}, []),
    ],
)
def test_what_a_pool_asks_for(asked: dict[str, object], fitting: list[str]) -> None:
    """All that is asked for must be so; a US number may be a mobile's."""
    wanted = StockKind(id="s", **asked)  # type: ignore[arg-type]
    numbers = ("+18885550123", "+12125550100", "+14165550100", "+80012345678")
    assert [n for n in numbers if kinds.fits(wanted, kinds.block_of(n))] == fitting


def test_the_shortest_starts_tell_classes_apart() -> None:
    """The longest start that a number has tells its class; one class has one start a country."""
    classes = {"+18885550": 1, "+18005550": 1, "+18455550": 2, "+12125550": 2, "+442079460": 2}
    starts = kinds.starts(classes)
    assert starts == {"+188": 1, "+180": 1, "+184": 2, "+12": 2, "+44": 2}
    assert kinds.starts({"+18885550": 1, "+188855501": 2}) == {"+18885550": 1, "+188855501": 2}
    for block, found in classes.items():
        longest = max((start for start in starts if block.startswith(start)), key=len)
        assert starts[longest] == found
