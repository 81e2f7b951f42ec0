"""Who made a call, by a pool's parameters.

A click leads to a call with its group's rate p, after a delay with the pool's density f. So a
number rings for its holder k at the rate pₖ·Σ f(t - t_c) over the clicks t_c until then: an
inhomogeneous Poisson process for each holder, and one more, at an even rate, for *nobody*, who has
the number from memory or dialled wrong. Of independent Poisson processes that are seen together, an
event is of each with a probability in proportion to its rate then (J. F. C. Kingman, *Poisson
Processes*, 1993, 5.1). Clicks as the causes of later events: a Hawkes process' (A. G. Hawkes,
*Spectra of some self-exciting and mutually exciting point processes*, Biometrika 58, 1971).
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ringpool.attribution.clicks import Delays, Spread
from ringpool.attribution.delay import Array, Delay, Lognormal, density, standardized
from ringpool.attribution.evidence import CallEvidence, Clicks

DAY_MS = 86_400_000.0
_MINUTE_MS = 60_000.0

KNOWN_CALLER = 1e-5
"""How likely the caller whom a click brings is just this one of those who have called before."""

ELSEWHERE = 0.01
"""How much less likely who calls again from memory dials a number that isn't the one he called."""


class Fit(Struct, frozen=True, kw_only=True):
    """The parameters of a pool's model, kept as JSON in ``fits.parameters``.

    ``calls``: how many it was fitted on; 0: none, a guess. ``median_seconds``: from click to call.
    ``delay``: the mixture that a delay is of. ``rates``: calls a click, by group, of those that are
    known; ``rate``: of any other. ``nobody``: calls a number and day that no click led to,
    ``overflow_nobody`` those of the overflow number. ``again``: ``share`` of the calls are followed
    by another of the same caller, so long after.
    """

    calls: int = 0
    median_seconds: float
    delay: Delay
    rate: float
    rates: dict[str, float] = {}
    nobody: float
    overflow_nobody: float
    again: Lognormal


PRIOR = Fit(
    median_seconds=414.0,
    delay=(Lognormal(0.75, 4 * _MINUTE_MS, 1.5), Lognormal(0.25, 60 * _MINUTE_MS, 1.5)),
    rate=0.04,
    nobody=1 / 7,
    overflow_nobody=1 / 7,
    again=Lognormal(0.08, 120 * _MINUTE_MS, 2.0),
)
"""What is believed of a pool that isn't fitted yet, and what a fit on few calls leans to.

A guess that was made before any data. Three of four callers call while they read the page, after 4
minutes in the median; the others come back to it, after an hour. One click in 25 calls. A number is
called unasked once a week. One call in 12 is followed by another, two hours later in the median.
"""


class Posterior(Struct, frozen=True):
    """Who made a call: probabilities that add up to 1 with ``nobody``.

    ``holders`` and ``earlier``: one each, in the order of the call's evidence. Several may be of
    one key, whose probability is their sum.
    """

    holders: tuple[float, ...]
    earlier: tuple[float, ...]
    nobody: float


NOBODY = ""
"""Whom ``credit`` gives what nobody's click led to."""


def credit(call: CallEvidence, found: Posterior) -> dict[str, float]:
    """How much of a call each key is credited with: adds up to 1 with NOBODY's."""
    shares = {NOBODY: found.nobody}
    for clicks, share in zip(call.holders, found.holders, strict=True):
        shares[clicks.key] = shares.get(clicks.key, 0.0) + share
    for earlier, share in zip(call.earlier, found.earlier, strict=True):
        shares[earlier.key] = shares.get(earlier.key, 0.0) + share
    return shares


def group_of(clicks: Clicks) -> str:
    """What the rate of clicks is learned by."""
    return clicks.group or clicks.key


def clicks_now(delays: Delays, delay: Delay, places: int) -> Array:
    """Σ f(t - t_c) of each place's clicks: calls a ms, if each click made one."""
    total: Array = np.zeros(places)
    for part in delay:
        total += delays.seen(part).calls(places)
    return total


def again_now(again: Lognormal, since: Array, same_number: NDArray[np.bool_]) -> Array:
    """Calls a ms that follow an earlier call of the same caller, ``since`` so many ms."""
    rate = density(again, standardized(again, since), since) * np.where(same_number, 1, ELSEWHERE)
    return np.where(since >= 0, rate, 0.0)


def nobody_a_ms(fit: Fit, *, overflow: bool) -> float:
    """Calls a ms of a number that no click led to."""
    return (fit.overflow_nobody if overflow else fit.nobody) / DAY_MS


def posterior(call: CallEvidence, fit: Fit) -> Posterior:
    """Work out who made a call.

    Who has called before dials from memory, or is brought by a new click, like anybody else. If
    from memory, then the click is the one that led to his earlier call, as surely as that call is
    credited; else it's another that could have led to it.
    """
    clicks = Spread.of(call.holders)
    places = len(call.holders)
    rates = np.array([fit.rates.get(group_of(each), fit.rate) for each in call.holders])
    nobody = nobody_a_ms(fit, overflow=call.overflow)

    def of_clicks(at: int) -> Array:
        delays = Delays.until(np.full(places, float(at)), clicks)
        calls: Array = rates * clicks_now(delays, fit.delay, places)
        return calls

    holders = of_clicks(call.at)
    again = again_now(
        fit.again,
        call.at - np.array([each.at for each in call.earlier], float),
        np.array([each.same_number for each in call.earlier], bool),
    )
    if again.any():
        holders, nobody = holders * KNOWN_CALLER, nobody * KNOWN_CALLER
    credited = np.zeros(len(call.earlier))
    for place, earlier in enumerate(call.earlier):
        if not again[place]:
            continue
        credited[place] = again[place] * min(1.0, max(0.0, earlier.probability))
        others = of_clicks(earlier.at) if earlier.same_number else np.zeros(places)
        others *= [each.key != earlier.key for each in call.holders]
        unasked = nobody_a_ms(fit, overflow=call.overflow)
        left = (again[place] - credited[place]) / (others.sum() + unasked)
        holders, nobody = holders + others * left, nobody + unasked * left
    total = float(holders.sum() + credited.sum() + nobody)
    return Posterior(
        tuple((holders / total).tolist()), tuple((credited / total).tolist()), nobody / total
    )
