"""Who made a call, by given parameters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpool.attribution.delay import Lognormal, quantile
from ringpool.attribution.evidence import CallEvidence, Clicks, EarlierCall
from ringpool.attribution.fit import PRIOR, posterior
from tests.ringpool.attribution.made import BEGUN, MINUTE

ONE = replace(PRIOR, delay=(Lognormal(1.0, 4.0 * MINUTE, 1.3),), rates={"busy": 0.12, "idle": 0.03})


def clicked(key: str, *minutes: float, count: int = 0, group: str = "") -> Clicks:
    """Clicks so many minutes before the call, the first of them first."""
    at = [round(BEGUN - each * MINUTE) for each in minutes]
    return Clicks(key, count or len(at), at[0], at[-1], group)


def density(minutes: float) -> float:
    """Of a delay, a ms, as ONE has it."""
    z = math.log(minutes / 4) / 1.3
    return math.exp(-z * z / 2) / (1.3 * math.sqrt(2 * math.pi) * minutes * MINUTE)


def test_each_holder_by_rate_and_delay() -> None:
    """In proportion to rate times density, and nobody's rate beside them."""
    call = CallEvidence(BEGUN, (clicked("x", 3, group="idle"), clicked("busy", 20, 11)))
    found = posterior(call, ONE)
    idle = 0.03 * density(3)
    busy = 0.12 * (density(20) + density(11))
    nobody = 1 / 7 / (24 * 60 * MINUTE)
    total = idle + busy + nobody
    assert found.holders == pytest.approx((idle / total, busy / total))
    assert found.nobody == pytest.approx(nobody / total)
    assert found.earlier == ()


def test_a_click_after_the_call_is_as_if_it_werent() -> None:
    """The last one, and those between that would come later."""
    before = posterior(CallEvidence(BEGUN, (clicked("a", 5), clicked("b", 9))), ONE)
    both = (clicked("a", 5, -3), clicked("b", 9))
    assert posterior(CallEvidence(BEGUN, both), ONE) == before
    late = (clicked("c", -1), clicked("a", 5), clicked("b", 9))
    found = posterior(CallEvidence(BEGUN, late), ONE)
    assert found.holders == (0.0, *before.holders)
    # Of ten clicks between, half are before the call: those within 10 minutes.
    half = posterior(CallEvidence(BEGUN, (clicked("a", 10, -10, count=12), clicked("b", 9))), ONE)
    same = CallEvidence(BEGUN, (clicked("a", 10, 0, count=7), clicked("b", 9)))
    assert half.holders == pytest.approx(posterior(same, ONE).holders, abs=0.005)


def test_clicks_between_are_spread_evenly() -> None:
    """As a thousand places between the first and the last would have it."""
    call = CallEvidence(BEGUN, (clicked("a", 60, 2, count=32), clicked("b", 4)))
    found = posterior(call, ONE)
    between = [2 + 58 * (place + 0.5) / 1000 for place in range(1000)]
    a = density(60) + density(2) + 30 * sum(map(density, between)) / 1000
    assert found.holders[0] / found.holders[1] == pytest.approx(a / density(4), rel=1e-4)


def test_who_calls_again_is_who_called() -> None:
    """As surely as the earlier call is credited; else whose click could have led to it then."""
    holders = (clicked("late", 5), clicked("early", 70), clicked("b", 72))
    earlier = EarlierCall("b", 1.0, BEGUN - 60 * MINUTE)
    sure = posterior(CallEvidence(BEGUN, holders, earlier=(earlier,)), ONE)
    assert sure.earlier[0] > 0.99
    unsure = posterior(
        CallEvidence(BEGUN, holders, earlier=(replace(earlier, probability=0.7),)), ONE
    )
    assert unsure.earlier[0] == pytest.approx(0.7, abs=0.01)
    late, early, b = unsure.holders
    assert early + unsure.nobody == pytest.approx(0.3, abs=0.01)
    assert early > 0.25
    assert late < 0.01
    assert b < 0.01
    elsewhere = replace(earlier, same_number=False, at=BEGUN - 6000 * MINUTE)
    another = posterior(CallEvidence(BEGUN, holders, earlier=(elsewhere,)), ONE)
    assert another.holders[0] > 0.8
    from_the_future = posterior(
        CallEvidence(BEGUN, holders, earlier=(replace(earlier, at=BEGUN + 1),)), ONE
    )
    assert from_the_future.holders == posterior(CallEvidence(BEGUN, holders), ONE).holders


def test_without_a_click_it_is_nobody() -> None:
    """A number that nobody was shown, or one whose clicks are too long ago."""
    assert posterior(CallEvidence(BEGUN, ()), ONE).nobody == 1
    old = posterior(CallEvidence(BEGUN, (clicked("a", 600_000),)), ONE)
    assert old.nobody > 0.99
    by_overflow = replace(ONE, overflow_nobody=1000.0)
    assert (
        posterior(CallEvidence(BEGUN, (clicked("a", 5),), overflow=True), by_overflow).nobody > 0.9
    )
    assert posterior(CallEvidence(BEGUN, (clicked("a", 5),)), by_overflow).nobody < 0.1


def test_the_prior_is_as_it_is_told() -> None:
    """Its median is its mixture's."""
    assert quantile(PRIOR.delay, 0.5) / 1000 == pytest.approx(PRIOR.median_seconds, rel=1e-3)


def test_a_call_at_once_is_its_clicks() -> None:
    """Within the second of the click, or a week later: by the prior."""
    at_once = posterior(CallEvidence(BEGUN, (clicked("a", 0),)), PRIOR)
    assert at_once.holders[0] > 0.9
    late = posterior(CallEvidence(BEGUN, (clicked("a", 10_000),)), PRIOR)
    assert late.nobody > 0.9


TIMES = st.integers(-(2**53), 2**53)
HOLDERS = st.builds(
    Clicks, st.sampled_from("abc"), st.integers(-5, 2**53), TIMES, TIMES, st.sampled_from(["", "g"])
)
CALLERS = st.builds(EarlierCall, st.sampled_from("abd"), st.floats(0, 1), TIMES, st.booleans())


@given(
    st.builds(
        CallEvidence,
        TIMES,
        st.lists(HOLDERS, max_size=20).map(tuple),
        st.booleans(),
        st.lists(CALLERS, max_size=4).map(tuple),
    )
)
def test_probabilities_add_up_to_1(call: CallEvidence) -> None:
    """One for each candidate, whatever the evidence."""
    found = posterior(call, PRIOR)
    assert len(found.holders) == len(call.holders)
    assert len(found.earlier) == len(call.earlier)
    shares = (*found.holders, *found.earlier, found.nobody)
    assert sum(shares) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares)
