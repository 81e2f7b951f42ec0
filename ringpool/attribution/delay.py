"""How long after a click its call comes: a mixture of two lognormal distributions.

Most calls come within minutes; some, days later. A lognormal density has one such time scale, two
of them fit what a pool shows. Delays are ms; the arrays are of any one shape.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHORTEST_MS = 3000.0
"""A call sooner after its click counts as so long after it: carriers' clocks are seconds off."""

_LEAST_SIGMA, _MOST_SIGMA = 0.2, 4.0
_ROOT_TAU = math.sqrt(2 * math.pi)


class Lognormal(Struct, frozen=True):
    """``share``: of the calls, 0 to 1. ``median_ms``; ``sigma``: of the delay's logarithm."""

    share: float
    median_ms: float
    sigma: float


Delay = tuple[Lognormal, ...]
"""A mixture, whose shares add up to 1."""


def summed(values: Array, places: NDArray[np.intp], count: int) -> Array:
    """Sum the values of each place, of so many places."""
    return np.bincount(places, values, count).astype(float, copy=False)


def normal_cdf(z: Array) -> Array:
    """The standard normal distribution, within 1.2e-7 of its value, also far out.

    By the Chebyshev fit of the complementary error function in W. H. Press et al., *Numerical
    Recipes in C*, 2nd ed. 1992, 6.2: numpy has none.
    """
    x = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + x / 2)
    series = np.full_like(t, 0.17087277)
    for term in (
        *(-0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806),
        *(0.09678418, 0.37409196, 1.00002368, -1.26551223),
    ):
        series = series * t + term
    tail: Array = t * np.exp(series - x * x) / 2
    return np.where(z > 0, 1 - tail, tail)


def normal_pdf(z: Array) -> Array:
    """The standard normal density."""
    density: Array = np.exp(-z * z / 2) / _ROOT_TAU
    return density


def standardized(part: Lognormal, delay: Array) -> Array:
    """The logarithm of delays, in sigmas from the median's."""
    z: Array = (np.log(np.maximum(delay, SHORTEST_MS)) - math.log(part.median_ms)) / part.sigma
    return z


def density(part: Lognormal, z: Array, delay: Array) -> Array:
    """``share`` times the lognormal density, a ms; ``z``: the delays, standardized."""
    per_ms: Array = part.share * normal_pdf(z) / (part.sigma * np.maximum(delay, SHORTEST_MS))
    return per_ms


def cdf(delay: Delay, at: Array) -> Array:
    """The share of calls that have come by then: F."""
    total: Array = np.zeros(np.shape(at))
    for part in delay:
        total += part.share * normal_cdf(standardized(part, at))
    return total


def quantile(delay: Delay, share: float) -> float:
    """In how many ms this share of the calls has come, above 0 and below 1; by bisection."""
    low, high = math.log(SHORTEST_MS) - 40, math.log(SHORTEST_MS) + 60
    for _ in range(80):
        middle = (low + high) / 2
        come = sum(
            part.share * _cdf((middle - math.log(part.median_ms)) / part.sigma) for part in delay
        )
        low, high = (middle, high) if come < share else (low, middle)
    return math.exp(high)


def _cdf(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


class Moments:
    """What a component's parameters are made of: how many calls, and where in its standard units.

    ``count``, ``first``, ``second``: sums of 1, z and z² over the calls, each as far as it is the
    component's. Those of an interval are known without a place in it: they are moments of a
    truncated normal distribution (N. L. Johnson, S. Kotz and N. Balakrishnan, *Continuous
    Univariate Distributions* 1, 2nd ed. 1994, 13.10.1).
    """

    def __init__(self) -> None:
        self.count = self.first = self.second = 0.0

    def add(self, count: Array, first: Array, second: Array) -> None:
        """Add calls."""
        self.count += float(np.sum(count))
        self.first += float(np.sum(first))
        self.second += float(np.sum(second))

    def add_later(self, calls: Array, z: Array) -> None:
        """Add calls that may still come, each later than its z."""
        density, later = normal_pdf(z), normal_cdf(-z)
        self.add(calls * later, calls * density, calls * (later + z * density))

    def fitted(self, part: Lognormal, prior: Lognormal, weight: float) -> Lognormal:
        """The parameters that these calls have, with a prior that counts as so many calls.

        The calls' z are in the units of ``part``. ``share`` of what is returned is a count yet.
        """
        base, prior_mean = math.log(part.median_ms), math.log(prior.median_ms)
        sums = self.count * base + part.sigma * self.first
        count = self.count + weight
        mean = (sums + weight * prior_mean) / count
        shift = (base - mean) / part.sigma
        square = part.sigma**2 * (
            self.second + 2 * shift * self.first + shift * shift * self.count
        ) + weight * (prior.sigma**2 + (prior_mean - mean) ** 2)
        sigma = min(_MOST_SIGMA, max(_LEAST_SIGMA, math.sqrt(max(0.0, square / count))))
        return Lognormal(count, math.exp(mean), sigma)


def shared(parts: list[Lognormal]) -> Delay:
    """Components whose shares were counts, with shares that add up to 1."""
    total = sum(part.share for part in parts)
    return tuple(Lognormal(part.share / total, part.median_ms, part.sigma) for part in parts)
