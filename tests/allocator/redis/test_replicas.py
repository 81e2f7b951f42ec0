"""How long a write waits for its replicas."""

from __future__ import annotations

import pytest

from allocator.redis.replicas import wait_milliseconds


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(10, 9800), (0.25, 125), (0.1, 50), (0.001, 1), (0, 1), (-1, 1)],
)
def test_the_wait_ends_before_its_call_and_is_never_endless(
    seconds: float, milliseconds: int
) -> None:
    """WAIT gets less time than the call has left, and never 0, which would have no end."""
    assert wait_milliseconds(seconds) == milliseconds
