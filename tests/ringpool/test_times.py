"""Spans as the configuration file writes them, instants as programs and people do."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.times import Duration, to_unix_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0s", 0),
        ("1s", 1_000),
        ("10m", 600_000),
        ("36h", 129_600_000),
        ("1d", 86_400_000),
        ("2w", 1_209_600_000),
        ("10y", 315_360_000_000),
        (" 5m ", 300_000),
    ],
)
def test_a_number_and_a_unit_are_read(text: str, ms: int) -> None:
    """Each unit stands for its span; blanks around don't count."""
    assert Duration.parse(text) == ms


@pytest.mark.parametrize(
    "text", ["", "10", "m", "1.5h", "-1s", "1h30m", "10 m", "1M", "9999999999s"]
)
def test_anything_else_is_refused(text: str) -> None:
    """A text without exactly one whole number and one unit is refused, saying what is expected."""
    with pytest.raises(ValueError, match="write a number and one of s m h d w y"):
        Duration.parse(text)


@pytest.mark.parametrize(("ms", "text"), [(600_000, "10m"), (5_400_000, "90m"), (0, "0s")])
def test_the_largest_unit_that_divides_is_written(ms: int, text: str) -> None:
    """A span is written in one unit, the largest that loses nothing."""
    assert str(Duration(ms)) == text


@given(st.integers(0, 999_999_999))
def test_what_is_written_reads_back_the_same(seconds: int) -> None:
    """Parsing undoes writing for every whole number of seconds."""
    span = Duration(seconds * 1000)
    assert Duration.parse(str(span)) == span


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
    """With a fraction it is that instant; without one, the last millisecond of the second."""
    assert to_unix_ms(datetime.fromisoformat(written)) == expected


@pytest.mark.parametrize(
    "written",
    ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
)
def test_years_that_nothing_can_be_known_of_are_refused(written: str) -> None:
    """Before 1970, and so late that it has no date in UTC."""
    with pytest.raises(ValueError, match="1970"):
        to_unix_ms(datetime.fromisoformat(written))
