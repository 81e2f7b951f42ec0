"""What comes to a simulated pool, drawn at random: clicks, and the calls that they lead to.

All that is decided here is the truth, which no estimate may see.
"""

from __future__ import annotations

import enum
import math
import random
from bisect import bisect
from itertools import accumulate

from msgspec import Struct

from ringpool.attribution.delay import Lognormal
from ringpool.sizing import load

MINUTE_MS = 60_000


class Kind(enum.StrEnum):
    """What a pool gives a number to."""

    VISITOR = "visitor"
    KEYWORD = "keyword"


class Traffic(Struct, frozen=True, kw_only=True):
    """``load``: numbers that are held at a time if there are enough; ``spare``: as many times so
    many numbers there are. ``minimum``: the minimum duration, in median delays.

    ``renewed``: activity holds a number as long as that again (``hold_on_activity``); else ``0s``.
    ``rate``: calls a click in the mean; a keyword's own is gamma distributed with ``shape``
    (infinite: all are the same).
    ``again``: the share of calls after which the same caller calls again, and after how long.
    ``unasked``: the share of all other calls that no click led to.
    """

    load: float = 50.0
    spare: float = 1.25
    minimum: float = 2.5
    delay: Lognormal = Lognormal(1.0, 4.0 * MINUTE_MS, 1.3)
    keywords: int = 2_000
    zipf: float = 1.0
    renewed: bool = True
    rate: float = 0.04
    shape: float = 2.0
    again: Lognormal = Lognormal(0.08, 40.0 * MINUTE_MS, 1.3)
    unasked: float = 0.03

    @property
    def min_duration_ms(self) -> int:
        """The pool's minimum duration."""
        return round(self.minimum * self.delay.median_ms)

    @property
    def numbers(self) -> int:
        """How many numbers the pool has."""
        return round(self.load * self.spare)

    def clicks_a_ms(self, kind: Kind) -> float:
        """As many as make the load. Keywords' clicks renew their guarantee."""
        if kind is Kind.VISITOR:
            return self.load / self.min_duration_ms
        low, high = 1e-9, 1e3
        for _ in range(100):
            middle = math.sqrt(low * high)
            rates = load.zipf_rates(middle * 1000, self.keywords, self.zipf)
            taken = load.of_tuples(rates, self.min_duration_ms / 1000, renewed=self.renewed).erlangs
            low, high = (middle, high) if taken < self.load else (low, middle)
        return high


class Draw:
    """What happens by chance: the same for the same seed."""

    def __init__(self, traffic: Traffic, kind: Kind, seed: int) -> None:
        self._traffic = traffic
        self._chance = random.Random(f"{seed} {kind}")
        self._busy = list(accumulate(load.zipf_rates(1.0, traffic.keywords, traffic.zipf)))
        shape = traffic.shape
        rates = [
            1.0 if math.isinf(shape) else self._chance.gammavariate(shape, 1 / shape)
            for _ in range(traffic.keywords)
        ]
        shares = list(load.zipf_rates(1.0, traffic.keywords, traffic.zipf))
        mean = sum(rate * share for rate, share in zip(rates, shares, strict=True))
        self.rates = [min(0.5, traffic.rate * rate * sum(shares) / mean) for rate in rates]
        self.clicks_a_ms = traffic.clicks_a_ms(kind)
        calls = self.clicks_a_ms * traffic.rate
        self.unasked_a_ms = calls * traffic.unasked / (1 - traffic.unasked)

    def keyword(self) -> int:
        """Which keyword a click is of: the k-th is as busy as 1 / k^zipf."""
        place = bisect(self._busy, self._chance.random() * self._busy[-1])
        return min(place, self._traffic.keywords - 1)

    def until_click(self) -> float:
        """Ms to the next click."""
        return self._chance.expovariate(self.clicks_a_ms)

    def until_unasked(self) -> float:
        """Ms to the next call that no click leads to."""
        return self._chance.expovariate(self.unasked_a_ms)

    def call_after(self, keyword: int) -> float | None:
        """In how many ms a click leads to a call; None: it doesn't."""
        if self._chance.random() >= self.rates[keyword]:
            return None
        return self._delay(self._traffic.delay)

    def again_after(self) -> float | None:
        """In how many ms a caller calls again; None: he doesn't."""
        if self._chance.random() >= self._traffic.again.share:
            return None
        return self._delay(self._traffic.again)

    def number(self, numbers: list[str]) -> str:
        """Which number somebody dials."""
        return self._chance.choice(numbers)

    def _delay(self, of: Lognormal) -> float:
        return self._chance.lognormvariate(math.log(of.median_ms), of.sigma)
