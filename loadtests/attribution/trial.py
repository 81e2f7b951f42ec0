"""One pool: simulated, learned from on its first half, judged on its second, beside an oracle."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from loadtests.attribution.judge import Judged, judge, last_holder
from loadtests.attribution.known import attribute, keywords, known_calls, pool_evidence
from loadtests.attribution.traffic import Kind, Traffic
from loadtests.attribution.world import World, simulate
from ringpool.attribution.fit import PRIOR, Fit, fit_pool
from ringpool.attribution.model import DAY_MS


class Trial(Struct, frozen=True, kw_only=True):
    """``model``: the fit; ``oracle``: the same rule with the true parameters. ``last_right`` and
    ``last_credit_error``: of last holder takes all. ``fit_seconds``: of one processor.
    """

    kind: Kind
    seed: int
    learned_from: int
    judged_on: int
    days: float
    overflow_calls: int
    model: Judged
    oracle: Judged
    last_right: float
    last_credit_error: float
    median_ms: float
    true_median_ms: float
    fit_seconds: float


async def run(
    traffic: Traffic,
    kind: Kind,
    calls: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Trial:
    """Simulate a pool until so many calls were made, and judge the second half of them."""
    world = await simulate(traffic, kind, calls, seed, progress)
    return judged(world, traffic, kind, seed)


def judged(world: World, traffic: Traffic, kind: Kind, seed: int) -> Trial:
    """Learn from the first half of a world's calls, and judge what is told of the second."""
    seen = world.seen
    calls = known_calls(seen)
    half = len(calls) // 2
    first = list(attribute(calls[:half], PRIOR, []))
    evidence = pool_evidence(seen, [each.call.evidence for each in first], traffic.numbers)
    started = time.process_time()
    fit = fit_pool(evidence)
    seconds = time.process_time() - started
    done = list(attribute(calls[half:], fit, first))
    true = oracle(world, traffic)
    known = list(attribute(calls[half:], true, list(attribute(calls[:half], true, []))))
    of = keywords(seen)
    last_right, last_error = last_holder(done, world.truth, of)
    return Trial(
        kind=kind,
        seed=seed,
        learned_from=half,
        judged_on=len(done),
        days=(done[-1].call.evidence.at - seen.began) / DAY_MS,
        overflow_calls=sum(each.call.evidence.overflow for each in done),
        model=judge(done, world.truth, of),
        oracle=judge(known, world.truth, of),
        last_right=last_right,
        last_credit_error=last_error,
        median_ms=fit.median_seconds * 1000,
        true_median_ms=traffic.delay.median_ms,
        fit_seconds=seconds,
    )


def oracle(world: World, traffic: Traffic) -> Fit:
    """What a fit would be that knows all that traffic is drawn by."""
    return Fit(
        median_seconds=traffic.delay.median_ms / 1000,
        delay=(traffic.delay,),
        rate=traffic.rate,
        rates={f"{place}": rate for place, rate in enumerate(world.draw.rates)},
        nobody=world.draw.unasked_a_ms / traffic.numbers * DAY_MS,
        overflow_nobody=1e-6,
        again=traffic.again,
    )
