"""Paces, strictly read."""

from __future__ import annotations

import pytest

from ringpool import pace


def test_a_pace_is_a_share_in_a_span() -> None:
    assert pace.parse("10% / 5m") == (10, 300_000) == pace.parse("10%/5m")
    assert pace.parse("daily") == pace.parse("10% / 1d") == (10, 86_400_000)
    assert pace.parse("never") is None
    found = pace.parse("25% / 1h")
    assert found is not None
    assert (found.of(200), found.of(3)) == (50, 1)


@pytest.mark.parametrize(
    "text",
    ["x", "10%", "10 / 5m", "0% / 5m", "101% / 5m", "10% / 5", "10% / 0m", "10% / 5s", "-1% / 5m"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="share and a span"):
        pace.parse(text)
