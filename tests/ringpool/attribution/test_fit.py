"""What is learned of calls of which nobody told who made them."""

from __future__ import annotations

import math
import random
from statistics import fmean

import msgspec
import pytest

from ringpool.attribution.delay import cdf
from ringpool.attribution.evidence import CallEvidence, Clicks, EarlierCall, PoolEvidence
from ringpool.attribution.fit import LEAST_CALLS, PRIOR, Fit, fit_pool, posterior
from ringpool.attribution.model import credit
from tests.ringpool.attribution.made import BEGUN, MINUTE, Made, made

DAY = 86_400_000


@pytest.fixture(scope="module")
def pool() -> Made:
    return made(seed=11, clicks=100_000, numbers=50)


@pytest.fixture(scope="module")
def fit(pool: Made) -> Fit:
    return fit_pool(pool.evidence)


def test_what_made_the_calls_is_found_again(pool: Made, fit: Fit) -> None:
    """Delays, each group's rate, callers who call again, and the calls that no click led to."""
    assert fit.calls == len(pool.evidence.calls) > 4000
    assert fit.median_seconds == pytest.approx(240, rel=0.1)
    for minutes, share in ((1, 0.143), (4, 0.5), (15, 0.845)):  # lognormal, deviation 1.3
        assert cdf(fit.delay, minutes * MINUTE) == pytest.approx(share, abs=0.03)
    assert fit.rate == pytest.approx(0.04, rel=0.15)
    for group, rate in pool.rates.items():
        assert fit.rates[group] == pytest.approx(rate, rel=0.5), group
    low = [fit.rates[f"g{place}"] for place in range(0, 20, 2)]
    high = [fit.rates[f"g{place}"] for place in range(1, 20, 2)]
    assert fmean(high) / fmean(low) == pytest.approx(3, rel=0.2)
    number_days = pool.evidence.numbers * (pool.evidence.until - pool.evidence.since) / DAY
    unasked = pool.callers.count("") / number_days
    assert 0.3 * unasked < fit.nobody < 1.7 * unasked
    assert fit.again.share == pytest.approx(0.08, rel=0.3)
    assert fit.again.median_ms == pytest.approx(30 * MINUTE, rel=0.25)


@pytest.mark.parametrize("median_ms", [20_000, 3_600_000])
def test_delays_are_the_pools_and_not_the_priors(median_ms: float) -> None:
    """Seconds, or an hour: where numbers are kept for long enough."""
    found = fit_pool(made(seed=5, clicks=60_000, median_ms=median_ms, numbers=400).evidence)
    assert found.median_seconds == pytest.approx(median_ms / 1000, rel=0.15)


def test_clicks_whose_call_may_come_yet_dont_lower_the_rate() -> None:
    """The window is two delays long: most of the calls are yet to come."""
    whole = made(seed=2, clicks=60_000, a_minute=1000, numbers=60_000)
    since = BEGUN + 40 * MINUTE
    until = since + 8 * MINUTE
    evidence = PoolEvidence(
        tuple(call for call in whole.evidence.calls if since <= call.at < until),
        whole.evidence.clicks,
        60_000,
        since,
        until,
    )
    calls = sum(since <= clicks.first_at for call in evidence.calls for clicks in call.holders)
    assert calls < 0.02 * sum(since <= clicks.first_at < until for clicks in evidence.clicks)
    found = fit_pool(evidence)
    assert found.rate == pytest.approx(0.04, rel=0.4)


def test_it_tells_who_called_as_surely_as_it_says(pool: Made, fit: Fit) -> None:
    """Of calls that weren't learned from."""
    fresh = made(seed=12, clicks=50_000, numbers=50)
    said, right = [], []
    for call, caller in zip(fresh.evidence.calls, fresh.callers, strict=True):
        keys = credit(call, posterior(call, fit))
        best = max(keys, key=lambda key: keys[key])
        said.append(keys[best])
        right.append(best == caller)
    assert fmean(said) == pytest.approx(fmean(right), abs=0.02)
    sure = [told for share, told in zip(said, right, strict=True) if share >= 0.9]
    assert len(sure) > 0.3 * len(said)
    assert fmean(sure) >= 0.92
    unsure = [told for share, told in zip(said, right, strict=True) if share < 0.6]
    assert fmean(unsure) < 0.65


def test_no_order_is_asked_for(pool: Made, fit: Fit) -> None:
    """Calls and assignments may come as the database has them."""
    chance = random.Random(1)
    evidence = pool.evidence
    calls, clicks = list(evidence.calls), list(evidence.clicks)
    chance.shuffle(calls)
    chance.shuffle(clicks)
    other = fit_pool(msgspec.structs.replace(evidence, calls=tuple(calls), clicks=tuple(clicks)))
    assert other.delay[0].median_ms == pytest.approx(fit.delay[0].median_ms, rel=1e-6)
    assert other.nobody == pytest.approx(fit.nobody, rel=1e-6)
    assert other.rates == pytest.approx(fit.rates, rel=1e-3)


def test_it_is_kept_as_json(fit: Fit) -> None:
    """And comes back as it was."""
    assert msgspec.json.decode(msgspec.json.encode(fit), type=Fit) == fit
    assert msgspec.json.decode(msgspec.json.encode(PRIOR), type=Fit) == PRIOR


def test_of_few_calls_little_is_learned() -> None:
    """All groups have one rate, and the delays lean to the prior's; of some more, a little."""
    few = fit_pool(made(seed=4, clicks=600, median_ms=3_600_000, numbers=200).evidence)
    assert 0 < few.calls < LEAST_CALLS
    assert few.rates == {}
    assert PRIOR.median_seconds < few.median_seconds < 3000
    some = fit_pool(made(seed=4, clicks=20_000).evidence)
    assert LEAST_CALLS < some.calls < 1000
    # Though half of the groups call three times as much, each is taken to be more like the others.
    low = [some.rates[f"g{place}"] for place in range(0, 20, 2)]
    high = [some.rates[f"g{place}"] for place in range(1, 20, 2)]
    assert 1.3 < fmean(high) / fmean(low) < 3
    assert some.median_seconds == pytest.approx(240, rel=0.2)


def one_click(at: int, key: str = "a") -> Clicks:
    return Clicks(key, 1, at, at)


HOSTILE = {
    "nothing": PoolEvidence((), (), 0, 0, 0),
    "no calls": PoolEvidence((), (one_click(5), Clicks("b", 9, 0, 8)), 3, 0, 10),
    "one call": PoolEvidence((CallEvidence(9, ()),), (), 1, 0, 10),
    "all at once": PoolEvidence(
        (CallEvidence(7, (one_click(7), one_click(7, "b")), earlier=(EarlierCall("a", 1, 7),)),)
        * 2000,
        (one_click(7), one_click(7, "b")),
        1,
        7,
        7,
    ),
    "no window": PoolEvidence((CallEvidence(7, (one_click(3),)),), (one_click(3),), 1, 10, 0),
    "gigantic": PoolEvidence(
        (CallEvidence(2**60, (Clicks("a", 2**62, -(2**60), 2**59), Clicks("b", 2**62, 0, 0))),)
        * 1600,
        (Clicks("a", 2**62, -(2**60), 2**59), Clicks("b", 2**62, 0, 0)),
        10**9,
        -(2**60),
        2**61,
    ),
    "wrong way round": PoolEvidence(
        (CallEvidence(7, (Clicks("a", -3, 9, 1), Clicks("", 0, 1, 9), Clicks("c", 1, 1, 9))),),
        (Clicks("a", -3, 9, 1), Clicks("", 0, 1, 9)),
        -1,
        0,
        10,
    ),
    "only the overflow number": PoolEvidence(
        (CallEvidence(9, (one_click(1),), overflow=True),) * 1600, (one_click(1),), 0, 0, 10
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("error")
def test_whatever_it_is_told_its_figures_are_figures(name: str) -> None:
    """And who called has a probability by them."""
    evidence = HOSTILE[name]
    found = fit_pool(evidence)
    assert found.calls == len(evidence.calls)
    numbers = (found.rate, found.nobody, found.overflow_nobody, found.median_seconds)
    for value in (*numbers, *found.rates.values(), *(part.sigma for part in found.delay)):
        assert math.isfinite(value)
        assert value > 0
    assert sum(part.share for part in found.delay) == pytest.approx(1)
    assert 0 <= found.again.share <= 1
    assert msgspec.json.decode(msgspec.json.encode(found), type=Fit) == found
    for call in evidence.calls[:3]:
        of_call = posterior(call, found)
        shares = (*of_call.holders, *of_call.earlier, of_call.nobody)
        assert sum(shares) == pytest.approx(1)
        assert all(0 <= share <= 1 for share in shares)
