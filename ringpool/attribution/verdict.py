"""Whether a pool can tell its sources apart, and what would mend it."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from ringpool.attribution.delay import cdf, quantile
from ringpool.attribution.model import Fit
from ringpool.times import Duration

SURE = 0.9
"""From this probability on, a call is told whose it is."""

LEAST_CALLS = 200
"""A median of fewer delays, none of which is known for certain, is a guess."""

_MOST = 0.75
"""Share of the calls that a number should wait for, where it can."""


class Verdict(Struct, frozen=True, kw_only=True):
    """``share_sure``: of the attributed calls, those at SURE or more; None: there are none.

    ``can_tell``: whether most calls come while their number is held; None: too few calls to say.
    ``held_share``: the share of calls that come within the minimum duration. ``least_duration_ms``:
    what it should be at least, so that half of them do; ``good_duration_ms``: so that three of four
    do. None: too few calls to say.
    """

    share_sure: float | None
    can_tell: bool | None
    sentence: str
    held_share: float | None = None
    least_duration_ms: int | None = None
    good_duration_ms: int | None = None


def verdict(fit: Fit, min_duration_ms: int, share_sure: float | None) -> Verdict:
    """Compare a pool's minimum duration (ms) with its calls' delays.

    After it, the number may be another's. While it is shorter than the median delay, most calls
    reach a number when others may have been shown it since, and no arithmetic tells them apart. As
    many more numbers are needed as each is held for longer (``sizing``).
    """
    if fit.calls < LEAST_CALLS:
        return Verdict(
            share_sure=share_sure,
            can_tell=None,
            sentence=f"Whether it tells its sources apart is said after {LEAST_CALLS} calls: "
            f"it had {fit.calls}.",
        )
    median = quantile(fit.delay, 0.5)
    held = float(cdf(fit.delay, np.array(min_duration_ms)))
    least, good = _whole(median), _whole(quantile(fit.delay, _MOST))
    can_tell = min_duration_ms >= median
    now = _text(min_duration_ms)
    if not can_tell:
        sentence = (
            f"It can't tell its sources apart: half of its calls come {_text(least)} or more after "
            f"the click, but after {now} their number may be another's. It takes a min_duration of "
            f"{_text(least)} to hold numbers for half of the calls "
            f"({least / min_duration_ms:.2g} times as many numbers), of {_text(good)} for three of "
            f"four ({good / min_duration_ms:.2g} times)."
        )
    else:
        sentence = (
            f"It tells its sources apart: {held:.0%} of its calls come within {now} of the click, "
            "while the number is held."
        )
        if min_duration_ms < good:
            sentence += (
                f" It takes a min_duration of {_text(good)} to hold numbers for three of four "
                f"calls ({good / min_duration_ms:.2g} times as many numbers)."
            )
    if share_sure is not None:
        sentence += (
            f" {share_sure:.0%} of the calls are attributed with a probability of {SURE} or more."
        )
    return Verdict(
        share_sure=share_sure,
        can_tell=can_tell,
        sentence=sentence,
        held_share=held,
        least_duration_ms=least,
        good_duration_ms=good,
    )


def _whole(ms: float) -> int:
    """The next span that is easily said: whole seconds, minutes, hours or days."""
    unit = next((unit for unit in (86_400_000, 3_600_000, 60_000) if ms >= 2 * unit), 1000)
    return math.ceil(ms / unit) * unit


def _text(ms: int) -> str:
    return str(Duration(ms))
