"""How right attributions are, and how far what is said of them is true."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from msgspec import Struct

from loadtests.attribution.known import Attributed
from loadtests.attribution.world import Truth
from ringpool.attribution.model import NOBODY

SURE = 0.9
BINS = 10
"""Of equal width, of probabilities from 0 to 1."""

_LEAST = 1e-6
"""What a caller who isn't among the candidates counts as in the log loss."""


class Bin(Struct, frozen=True):
    """Probabilities of one tenth: how many, their mean, and the share of them that came true."""

    count: int
    said: float
    came: float


class Judged(Struct, frozen=True, kw_only=True):
    """Of the calls of the second half. ``right``: credited the most who made it (top-1).

    ``log_loss``: mean of -ln of who made it, in nats. ``calibration_error``: of the best candidates
    (ECE). ``credit_error``: Σ over keywords |credit - calls|, next to all calls. ``sure``: the
    share of calls told at P ≥ 0.9; ``sure_right``: of these. ``best`` and ``every``: bins of the
    best candidates, and of all.
    """

    calls: int
    right: float
    log_loss: float
    calibration_error: float
    credit_error: float
    sure: float
    sure_right: float
    best: list[Bin]
    every: list[Bin]


class _Told(NamedTuple):
    probability: float
    true: bool


def judge(
    done: Sequence[Attributed], truth: Mapping[str, Truth], keywords: Mapping[str, str]
) -> Judged:
    """Compare credits with who made the calls. Calibration as in M. P. Naeini, G. F. Cooper and
    M. Hauskrecht, *Obtaining well calibrated probabilities using Bayesian binning*, AAAI 2015.
    """
    best: list[_Told] = []
    every: list[_Told] = []
    losses: list[float] = []
    for call, credit in done:
        caller = truth[call.id].key
        key = max(credit, key=lambda each: credit[each])
        best.append(_Told(credit[key], key == caller))
        every += [_Told(share, key == caller) for key, share in credit.items()]
        losses.append(-math.log(max(_LEAST, credit.get(caller, 0.0))))
    sure = [each.true for each in best if each.probability >= SURE]
    bins = _bins(best)
    return Judged(
        calls=len(best),
        right=fmean(each.true for each in best),
        log_loss=fmean(losses),
        calibration_error=sum(each.count * abs(each.said - each.came) for each in bins) / len(best),
        credit_error=_credit_error(done, truth, keywords, lambda each: each.credit),
        sure=len(sure) / len(best),
        sure_right=fmean(sure) if sure else 1.0,
        best=bins,
        every=_bins(every),
    )


def last_holder(
    done: Sequence[Attributed], truth: Mapping[str, Truth], keywords: Mapping[str, str]
) -> tuple[float, float]:
    """The share of calls that the last holder made, and the credit error if each call is theirs."""
    right = fmean(_last(each) == truth[each.call.id].key for each in done)
    error = _credit_error(done, truth, keywords, lambda each: {_last(each): 1.0})
    return right, error


def _last(done: Attributed) -> str:
    holders = done.call.evidence.holders
    return holders[0].key if holders else NOBODY


def _credit_error(
    done: Sequence[Attributed],
    truth: Mapping[str, Truth],
    keywords: Mapping[str, str],
    credit: Callable[[Attributed], Mapping[str, float]],
) -> float:
    credited: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for each in done:
        caller = truth[each.call.id].key
        if caller != NOBODY:
            made[keywords[caller]] += 1
        for key, share in credit(each).items():
            if key != NOBODY:
                credited[keywords[key]] += share  # type: ignore[assignment]
    return sum(abs(credited[each] - made[each]) for each in credited | made) / len(done)


def _bins(told: Sequence[_Told]) -> list[Bin]:
    found = []
    for place in range(BINS):
        of_bin = [each for each in told if min(BINS - 1, int(each.probability * BINS)) == place]
        if of_bin:
            said, came = (fmean(each[part] for each in of_bin) for part in (0, 1))
            found.append(Bin(len(of_bin), said, came))
    return found
