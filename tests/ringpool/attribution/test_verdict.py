"""What a manager is told of a pool."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ringpool.attribution.delay import Lognormal
from ringpool.attribution.fit import PRIOR
from ringpool.attribution.verdict import LEAST_CALLS, verdict
from tests.ringpool.attribution.made import MINUTE

FITTED = replace(PRIOR, calls=5000, delay=(Lognormal(1.0, 12.0 * MINUTE, 1.3),))


def test_numbers_that_are_kept_too_short() -> None:
    """Said plainly, and with what would mend it."""
    found = verdict(FITTED, 10 * MINUTE, 0.412)
    assert found.can_tell is False
    assert found.share_sure == 0.412
    assert found.least_duration_ms == 12 * MINUTE
    assert found.good_duration_ms == 29 * MINUTE
    assert found.held_share == pytest.approx(0.444, abs=0.001)
    assert found.sentence == (
        "It can't tell its sources apart: half of its calls come 12m or more after the click, but "
        "after 10m their number may be another's. It takes a min_duration of 12m to hold numbers "
        "for half of the calls (1.2 times as many numbers), of 29m for three of four (2.9 times). "
        "41% of the calls are attributed with a probability of 0.9 or more."
    )


def test_numbers_that_are_kept_long_enough() -> None:
    """What more time would bring, as long as it would."""
    found = verdict(FITTED, 20 * MINUTE, None)
    assert found.can_tell is True
    assert found.sentence == (
        "It tells its sources apart: 65% of its calls come within 20m of the click, while the "
        "number is held. It takes a min_duration of 29m to hold numbers for three of four calls "
        "(1.4 times as many numbers)."
    )
    longer = verdict(FITTED, 40 * MINUTE, 0.9)
    assert longer.sentence == (
        "It tells its sources apart: 82% of its calls come within 40m of the click, while the "
        "number is held. 90% of the calls are attributed with a probability of 0.9 or more."
    )


def test_too_few_calls() -> None:
    """Nothing is claimed of a pool that has hardly rung."""
    found = verdict(replace(FITTED, calls=LEAST_CALLS - 1), 10 * MINUTE, None)
    assert found.can_tell is None
    assert found.least_duration_ms is None
    assert (
        found.sentence == "Whether it tells its sources apart is said after 200 calls: it had 199."
    )
