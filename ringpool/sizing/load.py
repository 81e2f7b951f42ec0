"""The load on a pool: how many numbers would be taken at a time if there were enough of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Load(NamedTuple):
    """``erlangs``: the mean of the numbers that would be taken. ``begun``: how often a second a
    tuple takes one. ``peakedness``: the variance of the taken next to their mean, 1 where arrivals
    know nothing of one another (a Poisson process)."""

    erlangs: float
    begun: float
    peakedness: float = 1.0


def of_new_tuples(clicks_a_second: float, distinct_share: float, seconds: float) -> Load:
    """Return the load where a share of the clicks, 0 to 1, brings a tuple that is new.

    ``seconds``: for how long each takes a number on average. Little's law: L = λ·W (J. D. C.
    Little, Operations Research 9, 1961).
    """
    begun = clicks_a_second * distinct_share
    return Load(begun * seconds, begun)


def of_tuples(rates: Iterable[float], seconds: float, *, renewed: bool) -> Load:
    """Return the load of tuples that come again and again, each on its own.

    ``rates``: clicks a second of each tuple. ``seconds``: the minimum duration. ``renewed``: a
    click on a number that is held holds it for as long from then on (`hold_on_activity`).

    A tuple is on for the minimum duration D, then off until its next click, 1/λ on average: by the
    renewal reward theorem it is on for λD / (1 + λD) of the time. Where clicks renew, it is on when
    there was a click within the last D: 1 - e^(-λD) (S. M. Ross, *Stochastic Processes*, 1996, ch.
    3). It begins with each click that finds it off, at the rate λ(1 - p) where it is on with
    probability p. It adds p(1 - p) to the variance: busy keywords, which are always on, need no
    spare numbers.
    """
    rates = list(rates)
    loads = [rate * seconds for rate in rates]
    on = [-math.expm1(-load) for load in loads] if renewed else [a / (1 + a) for a in loads]
    mean = math.fsum(on)
    variance = math.fsum(share * (1 - share) for share in on)
    begun = math.fsum(rate * (1 - share) for rate, share in zip(rates, on, strict=True))
    return Load(mean, begun, variance / mean if mean else 1.0)


def together(one: Load, other: Load) -> Load:
    """Return the load of both: of what knows nothing of one another, variances add up."""
    erlangs = one.erlangs + other.erlangs
    variance = one.erlangs * one.peakedness + other.erlangs * other.peakedness
    return Load(erlangs, one.begun + other.begun, variance / erlangs if erlangs else 1.0)


def zipf_rates(clicks_a_second: float, tuples: int, exponent: float) -> Iterator[float]:
    """Return clicks a second of each tuple, the busiest first, as keywords are searched for.

    The k-th gets a share in proportion to 1 / k^exponent (G. K. Zipf, *Human Behavior and the
    Principle of Least Effort*, 1949).
    """
    weights = [k**-exponent for k in range(1, tuples + 1)]
    total = math.fsum(weights)
    return (clicks_a_second * weight / total for weight in weights)
