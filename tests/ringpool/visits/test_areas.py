"""Where a visitor is, as told, and which of a pool's areas that is."""

from __future__ import annotations

import pytest

from ringpool.visits.areas import MAX_CODES, pool_areas, read_codes


@pytest.mark.parametrize(
    ("text", "country", "codes"),
    [
        ("212", "", ("212",)),
        (" 212 , 646,212 ", "", ("212", "646")),
        ("+1212,646", "", ("+1212", "646")),
        ("+1212,646", "US", ("+1212", "+1646")),
        ("212", "DE", ("+49212",)),
        ("212", "ZZ", ("212",)),  # no country that has phones
        ("", "US", ()),
        ("212;646", "", ()),
        ("new york", "", ()),
        ("212\n", "", ()),
        ("1" * 12, "", ()),
    ],
)
def test_codes(text: str, country: str, codes: tuple[str, ...]) -> None:
    """In the order told, each once, with the country's calling code where it is known."""
    assert read_codes(text, country) == codes


def test_codes_are_bounded() -> None:
    """However many are told, few are looked at."""
    assert len(read_codes(",".join(str(code) for code in range(200, 240)))) == MAX_CODES


def test_a_pools_areas() -> None:
    """By the whole start, or by the code alone where one country of the pool's has it."""
    areas = pool_areas(["+1212", "+1646", "+49212", "+4420"])
    assert areas.wanted(["646", "20", "30"]) == ("+1646", "+4420")
    assert areas.wanted(["212"]) == ()
    assert areas.wanted(["+49212", "+1212", "+1212"]) == ("+49212", "+1212")
