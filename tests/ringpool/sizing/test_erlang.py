"""Erlang's loss formula, next to tables and to itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpool.sizing.erlang import blocking, numbers_for, uneven_blocking, uneven_numbers_for


@pytest.mark.parametrize(
    ("load", "blocked", "numbers"),
    [
        (20, 0.01, 30),
        (100, 0.01, 117),
        (100, 0.001, 128),
        (500, 0.01, 527),
        (500, 0.001, 555),
        (2000, 0.01, 2028),
        (2000, 0.001, 2095),
    ],
)
def test_tables_agree(load: float, blocked: float, numbers: int) -> None:
    """The fewest numbers, and one fewer isn't enough."""
    assert numbers_for(load, blocked) == numbers
    assert blocking(load, numbers) <= blocked < blocking(load, numbers - 1)


@given(st.floats(0.01, 60), st.integers(0, 80))
def test_it_is_the_formula(load: float, numbers: int) -> None:
    """The recurrence gives what the quotient of sums does: (aⁿ/n!) / Σ aᵏ/k!."""
    terms = [math.exp(k * math.log(load) - math.lgamma(k + 1)) for k in range(numbers + 1)]
    assert blocking(load, numbers) == pytest.approx(terms[-1] / math.fsum(terms), rel=1e-9)


@given(st.floats(0.1, 200), st.floats(1, 5), st.floats(0.0005, 0.2))
def test_bursts_need_more(load: float, peakedness: float, blocked: float) -> None:
    """The fewest numbers keep the share, one fewer doesn't, and bursts never need less."""
    numbers = uneven_numbers_for(load, peakedness, blocked)
    assert uneven_blocking(load, peakedness, numbers) <= blocked * (1 + 1e-9)
    if numbers:
        assert uneven_blocking(load, peakedness, numbers - 1) > blocked * (1 - 1e-9)
    assert numbers >= numbers_for(load, blocked) - 1


@given(st.lists(st.floats(0.02, 0.9), min_size=2, max_size=25), st.integers(0, 25))
def test_it_is_engsets(shares: list[float], numbers: int) -> None:
    """As exact as can be for equal tuples: the quotient of sums of binomials."""
    share, tuples = shares[0], len(shares)
    weights = [
        math.comb(tuples, n) * (share / (1 - share)) ** n for n in range(min(numbers, tuples) + 1)
    ]
    coming = math.fsum(weight * (tuples - n) for n, weight in enumerate(weights))
    turned_away = weights[numbers] * (tuples - numbers) if numbers < tuples else 0.0
    assert uneven_blocking(tuples * share, 1 - share, numbers) == pytest.approx(
        turned_away / coming if coming else 0.0, rel=1e-6, abs=1e-12
    )


def test_unequal_tuples_are_like_equal_ones() -> None:
    """Next to the exact share, of all sets of tuples that can have their numbers."""
    shares = [1 - math.exp(-4 / k) for k in range(1, 61)]
    taken = [1.0, *[0.0] * 60]
    without = []
    for place in range(60):
        others = [1.0, *[0.0] * 60]
        for share in (*shares[:place], *shares[place + 1 :]):
            others = [
                (others[n - 1] * share if n else 0.0) + others[n] * (1 - share) for n in range(61)
            ]
        without.append(others)
    for share in shares:
        taken = [(taken[n - 1] * share if n else 0.0) + taken[n] * (1 - share) for n in range(61)]
    mean = math.fsum(shares)
    peakedness = math.fsum(share * (1 - share) for share in shares) / mean
    for numbers in (14, 16, 18):
        rates = [(1 - share) / k for k, share in enumerate(shares, 1)]
        away = math.fsum(r * others[numbers] for r, others in zip(rates, without, strict=True))
        coming = math.fsum(
            r * math.fsum(others[: numbers + 1]) for r, others in zip(rates, without, strict=True)
        )
        assert uneven_blocking(mean, peakedness, numbers) == pytest.approx(away / coming, rel=0.2)


def test_nobody_comes() -> None:
    """Then no number is needed, and with none everybody would be turned away."""
    assert blocking(0, 0) == 1
    assert blocking(0, 1) == 0
    assert numbers_for(0, 0.01) == 1
