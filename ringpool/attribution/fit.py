"""A pool's parameters, learned of all its calls, though of none it is known who made it.

By expectation maximization (A. P. Dempster, N. M. Laird and D. B. Rubin, *Maximum likelihood from
incomplete data via the EM algorithm*, Journal of the Royal Statistical Society B 39, 1977): with
parameters, each call is shared out among who may have made it; with shares, each parameter has its
best value; and so on. Among the calls that are told apart easily, the late ones would be missing.

A click whose call may yet come is no click without a call: its rate is learned of the share of
calls that came by then, and its delay counts as one that is longer.

A group's rate leans to the pool's as Gamma-Poisson shrinkage has it: (shape + calls) / (shape /
mean + clicks). For a call, its own share is left out of its groups' calls. With it, whoever was
credited by chance would be credited the more surely for it. (Collapsed variational inference of
zeroth order does the same: A. Asuncion, M. Welling, P. Smyth and Y. W. Teh, *On smoothing and
inference for topic models*, 2009.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ringpool.attribution.clicks import Delays, Places, Spread
from ringpool.attribution.delay import (
    Array,
    Delay,
    Lognormal,
    Moments,
    quantile,
    shared,
    standardized,
    summed,
)
from ringpool.attribution.evidence import Clicks, PoolEvidence
from ringpool.attribution.exposure import Exposure
from ringpool.attribution.model import (
    DAY_MS,
    KNOWN_CALLER,
    PRIOR,
    Fit,
    Posterior,
    again_now,
    group_of,
    posterior,
)

__all__ = ["PRIOR", "Fit", "Posterior", "fit_pool", "posterior"]

LEAST_CALLS = 100
"""With fewer, all groups have the pool's rate. From then on shrinkage alone is better, measured."""

MOST_RATES = 5000
"""Groups whose rates a fit keeps: those with the most clicks."""

_ROUNDS = 200
_SETTLED = 1e-6
"""Of the mean log likelihood of a call: a round that changes it by less is the last one."""

_DELAY_WEIGHT = 40.0
"""Calls that the prior's delays count as."""

_RATE_WEIGHT = 400.0
"""Clicks that the prior's rate counts as."""

_NOBODY_SHARE, _NOBODY_WEIGHT = 0.02, 2000.0
"""The prior of *nobody*: this share of so many calls. Calls themselves hardly tell: for shares of
a half to three in a hundred, the likelihood of 10,000 simulated ones was the same to a factor of e.
"""

_AGAIN_WEIGHT = 40.0
"""Calls that the prior's share of callers who call again counts as."""

_SHAPE, _SHAPE_WEIGHT = 2.0, 5.0
"""How alike rates are (gamma), and groups that this prior counts as."""
_LEAST_SHAPE, _MOST_SHAPE = 0.3, 50.0


class _Groups(NamedTuple):
    """``clicks`` whose call had the time to come, and ``calls``, both by group; of all groups the
    ``mean`` of the calls a click, and the ``shape`` of their distribution (gamma)."""

    shape: float
    mean: float
    clicks: Array
    calls: Array

    def rate(self, group: Places, own: Array) -> Array:
        """Calls a click of each place's group, without what a call has added itself."""
        shrunk: Array = (self.shape + np.maximum(0.0, self.calls[group] - own)) / (
            self.shape / self.mean + self.clicks[group]
        )
        return shrunk


class _Calls:
    """All calls and their candidates as arrays. A *pair* is a call and one that held its number."""

    def __init__(self, evidence: PoolEvidence, names: dict[str, int]) -> None:
        calls = evidence.calls
        self.count = len(calls)
        holders = [each for call in calls for each in call.holders]
        self.at = np.array([call.at for call in calls], float)
        self.overflow = np.array([call.overflow for call in calls], bool)
        self.call = np.repeat(np.arange(self.count), [len(call.holders) for call in calls])
        self.pairs = len(holders)
        self.group = _places(holders, names)
        self.delays = Delays.until(self.at[self.call], Spread.of(holders), evidence.since)
        # A call's candidates of one group share what is left out.
        _, self.of_group = np.unique(self.call * (len(names) + 1) + self.group, return_inverse=True)
        earlier = [each for call in calls for each in call.earlier]
        self.earlier_call = np.repeat(np.arange(self.count), [len(call.earlier) for call in calls])
        earlier_at = np.array([each.at for each in earlier], float)
        self.earlier_since = self.at[self.earlier_call] - earlier_at
        self.same_number = np.array([each.same_number for each in earlier], bool)
        self.earlier_counted = (earlier_at >= evidence.since).astype(float)
        has_earlier = np.bincount(self.earlier_call[self.earlier_since >= 0], minlength=self.count)
        self.known = np.where(has_earlier > 0, KNOWN_CALLER, 1.0)


def _places(clicks: list[Clicks] | tuple[Clicks, ...], names: dict[str, int]) -> Places:
    return np.array([names.setdefault(group_of(each), len(names)) for each in clicks], np.intp)


def fit_pool(evidence: PoolEvidence) -> Fit:
    """Fit by EM over all calls. CPU-bound: seconds for 10,000 calls, so never in the event loop."""
    return _Learner(evidence).learn()


class _Learner:
    """The parameters between two rounds."""

    def __init__(self, evidence: PoolEvidence) -> None:
        names: dict[str, int] = {}
        groups = _places(evidence.clicks, names)
        since, until = float(evidence.since), float(max(evidence.since, evidence.until))
        self.calls = _Calls(evidence, names)
        self.names = list(names)
        self.exposure = Exposure.of(Spread.of(evidence.clicks), groups, since, until)
        self.followed = Exposure.of(
            Spread(np.ones(self.calls.count), self.calls.at, self.calls.at),
            np.zeros(self.calls.count, np.intp),
            since,
            until,
        )
        self.coarse = self.calls.count < LEAST_CALLS
        # Each call without an overflow number is one of so many numbers', for so long.
        self.number_ms = max(1, evidence.numbers) * max(1.0, until - since)
        self.overflow_ms = max(1.0, until - since)
        self.delay: Delay = PRIOR.delay
        self.again = PRIOR.again
        clicks = self.exposure.of_groups(self.delay, len(self.names))
        self.groups = _Groups(_SHAPE, PRIOR.rate, clicks, PRIOR.rate * clicks)
        self.nobody, self.overflow_nobody = self._unasked(None)

    def learn(self) -> Fit:
        own: Array = np.zeros(self.calls.pairs)
        before = -np.inf
        for _ in range(_ROUNDS):
            likelihood, own = self._round(own)
            if abs(likelihood - before) < _SETTLED:
                break
            before = likelihood
        return self._fit()

    def _round(self, own: Array) -> tuple[float, Array]:
        """Share the calls out, and learn of the shares."""
        calls = self.calls
        seen = [calls.delays.seen(part) for part in self.delay]
        rates = self._rates(own)
        by_click = sum((each.calls(calls.pairs) for each in seen), np.zeros(calls.pairs))
        holders = rates * by_click * calls.known[calls.call]
        unasked = np.where(calls.overflow, self.overflow_nobody, self.nobody) * calls.known
        again = again_now(self.again, calls.earlier_since, calls.same_number)
        total = (
            summed(holders, calls.call, calls.count)
            + summed(again, calls.earlier_call, calls.count)
            + unasked
        )
        of_total = calls.known / total
        factor = rates * of_total[calls.call]
        moments = [Moments() for _ in self.delay]
        for each, of_part in zip(seen, moments, strict=True):
            each.add_to(of_part, factor)
        counted = factor * sum((each.counted(calls.pairs) for each in seen), np.zeros(calls.pairs))
        self._learn_again(again / total[calls.earlier_call] * calls.earlier_counted)
        self.nobody, self.overflow_nobody = self._unasked(unasked / total)
        own = self._learn_rates(counted)
        self._learn_delay(moments)
        return float(np.mean(np.log(total))) if calls.count else 0.0, own

    def _rates(self, own: Array) -> Array:
        if self.coarse:
            return np.full(self.calls.pairs, self.groups.mean)
        return self.groups.rate(self.calls.group, own)

    def _learn_rates(self, counted: Array) -> Array:
        """Returns what each pair's call has added to its group."""
        calls, count = self.calls, len(self.names)
        clicks = self.exposure.of_groups(self.delay, count)
        of_group = summed(counted, calls.group, count)
        shape, mean = self.groups.shape, self.groups.mean
        if self.coarse:
            mean = (of_group.sum() + _RATE_WEIGHT * PRIOR.rate) / (clicks.sum() + _RATE_WEIGHT)
        else:
            lean = clicks + shape / mean
            mean = (
                np.sum(of_group / lean) + _RATE_WEIGHT * PRIOR.rate / (_RATE_WEIGHT + shape / mean)
            ) / (np.sum(clicks / lean) + _RATE_WEIGHT / (_RATE_WEIGHT + shape / mean))
            chance = summed(counted * (1 - np.minimum(1, counted)), calls.group, count)
            shape = _shape(shape, mean * clicks, of_group, chance)
        self.groups = _Groups(shape, float(mean), clicks, of_group)
        return summed(counted, calls.of_group, 0)[calls.of_group]

    def _learn_delay(self, moments: list[Moments]) -> None:
        groups = self.groups
        rate = groups.rate(np.arange(len(self.names)), np.zeros(len(self.names)))
        if self.coarse:
            rate = np.full(len(self.names), groups.mean)
        parts = []
        for part, prior, of_part in zip(self.delay, PRIOR.delay, moments, strict=True):
            self.exposure.add_later(of_part, part, rate)
            parts.append(of_part.fitted(part, prior, _DELAY_WEIGHT * prior.share))
        self.delay = shared(parts)

    def _learn_again(self, calls: Array) -> None:
        """``calls``: how much of each follows an earlier one of the same caller."""
        again, moments = self.again, Moments()
        z = standardized(again, self.calls.earlier_since)
        moments.add(calls, calls * z, calls * z * z)
        whole = Lognormal(1.0, again.median_ms, again.sigma)
        seen = float(self.followed.of_groups((whole,), 1).sum())
        share = (calls.sum() + _AGAIN_WEIGHT * PRIOR.again.share) / (seen + _AGAIN_WEIGHT)
        self.followed.add_later(moments, whole, np.array([share]))
        fitted = moments.fitted(again, PRIOR.again, _AGAIN_WEIGHT * PRIOR.again.share)
        self.again = Lognormal(min(1.0, float(share)), fitted.median_ms, fitted.sigma)

    def _unasked(self, shares: Array | None) -> tuple[float, float]:
        """Calls a ms that no click led to, of a number and of the overflow number."""
        overflow = self.calls.overflow
        found = []
        for calls, number_ms in ((~overflow, self.number_ms), (overflow, self.overflow_ms)):
            told = max(1, int(calls.sum()))
            unasked = _NOBODY_SHARE * told if shares is None else float(shares[calls].sum())
            prior = _NOBODY_SHARE * _NOBODY_WEIGHT
            found.append((unasked + prior) / (1 + _NOBODY_WEIGHT / told) / number_ms)
        return found[0], found[1]

    def _fit(self) -> Fit:
        groups = self.groups
        rates: dict[str, float] = {}
        if not self.coarse:
            kept = np.argsort(-groups.clicks, kind="stable")[:MOST_RATES]
            of_kept = groups.rate(kept, np.zeros(len(kept)))
            rates = {
                self.names[place]: float(f"{rate:.4g}")
                for place, rate in zip(kept.tolist(), of_kept.tolist(), strict=True)
            }
        return Fit(
            calls=self.calls.count,
            median_seconds=round(quantile(self.delay, 0.5) / 1000, 3),
            delay=self.delay,
            rate=groups.mean,
            rates=rates,
            nobody=self.nobody * DAY_MS,
            overflow_nobody=self.overflow_nobody * DAY_MS,
            again=self.again,
        )


def _shape(shape: float, expected: Array, calls: Array, chance: Array) -> float:
    """How alike rates are: the shape of the gamma distribution that they are of.

    By moments: (calls - expected)² is expected + expected² / shape in the mean, weighted by how
    much each group tells. ``chance``: the variance of calls that are shared out, which a sum of
    shares lacks.
    """
    spread = 1 + expected / shape
    beyond = (calls - expected) ** 2 + chance - expected
    inverse = (np.sum(beyond / spread**2) + _SHAPE_WEIGHT * _SHAPE) / (
        np.sum((expected / spread) ** 2) + _SHAPE_WEIGHT * _SHAPE**2
    )
    return float(np.clip(1 / max(inverse, 1e-9), _LEAST_SHAPE, _MOST_SHAPE))
