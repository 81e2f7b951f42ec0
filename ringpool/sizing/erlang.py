"""Loss formulas: how often all numbers are taken.

A new tuple takes a number for its minimum duration; when none is free it is turned away, and
doesn't wait. For such a system (M/G/N/N) the share that is turned away depends on the durations'
mean alone, whatever their distribution. Erlang's formula is for arrivals at random. Source: A. K.
Erlang, *Solution of some Problems in the Theory of Probabilities of Significance in Automatic
Telephone Exchanges*, 1917; that the distribution doesn't matter: B. A. Sevast'yanov, 1957.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count, islice

MOST_NUMBERS = 1_000_000
"""How many are looked through."""


def blocking(load: float, numbers: int) -> float:
    """Return the share of new tuples, 0 to 1, that find all numbers taken: B(numbers, load).

    ``load``: erlangs, arrivals a second times seconds that each takes a number. By the recurrence
    B₀ = 1, Bₙ = aBₙ₋₁ / (n + aBₙ₋₁), which is exact and never overflows.
    """
    if load <= 0:
        return 0.0 if numbers else 1.0
    blocked = 1.0
    for n in range(1, numbers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def numbers_for(load: float, most_blocked: float) -> int:
    """Return the fewest numbers with which at most this share, above 0, is turned away."""
    blocked, numbers = 1.0, 0
    while blocked > most_blocked:
        numbers += 1
        blocked = load * blocked / (numbers + load * blocked)
    return numbers


def uneven_blocking(load: float, peakedness: float, numbers: int) -> float:
    """Return the share turned away of a load that varies more or less than at random.

    ``peakedness``: Z, the variance of the numbers that would be taken if there were enough of them,
    next to its mean. 1 for arrivals that know nothing of one another.

    Above 1, for bursts, W. S. Hayward's equivalent B(numbers / Z, load / Z), in A. A. Fredericks,
    *Congestion in blocking systems - a simple approximation technique*, Bell System Technical
    Journal 59 (1980); between whole numbers the logarithm is interpolated.

    Below 1, for tuples of which most are nearly always there, Engset's formula (T. O. Engset, *Die
    Wahrscheinlichkeitsrechnung zur Bestimmung der Wähleranzahl in automatischen Fernsprechämtern*,
    1918) for as many equal ones as have that mean and variance (L. E. N. Delbrouck, *A unified
    approximate evaluation of congestion functions for smooth and peaky traffics*, IEEE Transactions
    on Communications 29 (1981)).
    """
    if peakedness == 1:
        return blocking(load, numbers)
    if peakedness < 1:
        return next(islice(_engset(load, peakedness), numbers, None))
    groups = numbers / peakedness
    below = int(groups)
    blocked = blocking(load / peakedness, below)
    one_more = load / peakedness * blocked / (below + 1 + load / peakedness * blocked)
    return _between(blocked, one_more, groups - below)


def uneven_numbers_for(load: float, peakedness: float, most_blocked: float) -> int:
    """Return the fewest numbers for an uneven load; see ``uneven_blocking``."""
    if peakedness == 1:
        return numbers_for(load, most_blocked)
    if peakedness < 1:
        return next(n for n, share in enumerate(_engset(load, peakedness)) if share <= most_blocked)
    most = numbers_for(load / peakedness, most_blocked)
    numbers = max(0, math.floor((most - 1) * peakedness))
    while uneven_blocking(load, peakedness, numbers) > most_blocked:
        numbers += 1
    return numbers


def _engset(load: float, peakedness: float) -> Iterator[float]:
    """Yield the share turned away with 0, 1, 2… numbers.

    While n are taken, others come at the rate a + bn, b below 0. ``full``: how much of the time all
    numbers are taken. ``mean``: of those that are.
    """
    a, b = load / peakedness, 1 - 1 / peakedness
    full, mean = 1.0, 0.0
    for n in count():
        arriving = a + n * b
        if arriving < -b / 1000:  # all have their numbers
            arriving = 0.0
        yield full * arriving / (a + mean * b) if arriving else 0.0
        full = arriving * full / (n + 1 + arriving * full)
        mean += (n + 1 - mean) * full


def _between(low: float, high: float, share: float) -> float:
    if low <= 0 or high <= 0:
        return low + (high - low) * share
    blocked: float = low ** (1 - share) * high**share
    return blocked
