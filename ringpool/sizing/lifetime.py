"""How long tuples keep their numbers, and how many callers come too late."""

from __future__ import annotations

import math


def mean_seconds(numbers: int, new_a_second: float, blocked: float) -> float:
    """Return for how long a tuple has its number on average, where all are in use: N / (λ(1 - B)).

    ``new_a_second``: new tuples, λ. ``blocked``: the share of them that gets no number, B. Little's
    law again, with all N numbers taken: one that waits to be recycled is still its tuple's.
    """
    return numbers / (new_a_second * (1 - blocked))


def late_share(seconds: float, mean_delay_seconds: float) -> float:
    """Return the share of calls, 0 to 1, that come when their number may have moved on: e^(-D/m).

    ``seconds``: how long the number stays, D. ``mean_delay_seconds``: between click and call, m;
    delays are taken for exponentially distributed, which have that survival function.
    """
    return math.exp(-seconds / mean_delay_seconds)
