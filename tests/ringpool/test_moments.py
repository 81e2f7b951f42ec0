"""Moments to milliseconds."""

from __future__ import annotations

from datetime import datetime

import pytest

from ringpool.moments import milliseconds


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-21T14:32:00Z", 1795271520_999),
        ("2026-11-21T15:32:00+01:00", 1795271520_999),
        ("2026-11-21T14:32:00.001Z", 1795271520_001),
        ("2026-11-21T14:32:00.000999Z", 1795271520_000),
        ("1970-01-01T00:00:00Z", 999),
        ("9999-12-31T23:59:59Z", 253402300799_999),
    ],
)
def test_a_second_counts_as_its_end(written: str, expected: int) -> None:
    """With a fraction it is that moment; without one, the last millisecond of the second."""
    assert milliseconds(datetime.fromisoformat(written)) == expected


@pytest.mark.parametrize(
    "written",
    ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
)
def test_years_that_nothing_can_be_known_of_are_refused(written: str) -> None:
    """Before 1970, and so late that it has no date in UTC."""
    with pytest.raises(ValueError, match="1970"):
        milliseconds(datetime.fromisoformat(written))
