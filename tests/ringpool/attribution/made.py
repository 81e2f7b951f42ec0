"""Evidence that is made up, and who really called."""

from __future__ import annotations

import random
from typing import NamedTuple

from ringpool.attribution.evidence import CallEvidence, Clicks, EarlierCall, PoolEvidence

MINUTE = 60_000
BEGUN = 1_700_000_000_000


class Made(NamedTuple):
    """``callers``: the key of each call; "": nobody's click led to it."""

    evidence: PoolEvidence
    callers: list[str]
    rates: dict[str, float]


def made(
    *,
    seed: int,
    clicks: int,
    median_ms: float = 4 * MINUTE,
    sigma: float = 1.3,
    a_minute: float = 2,
    numbers: int = 20,
    groups: int = 20,
    rate: float = 0.04,
    unasked: float = 0.03,
    again: float = 0.08,
) -> Made:
    """Visitors come at random, each with the next number: of 20, each is another's after
    10 minutes in the mean. Some call: of half of the groups three times as many as of the others.
    """
    chance = random.Random(seed)
    rates = {f"g{place}": rate * (1.5 if place % 2 else 0.5) for place in range(groups)}
    came = [
        (chance.expovariate(a_minute / MINUTE), f"g{chance.randrange(groups)}")
        for _ in range(clicks)
    ]
    held: list[list[Clicks]] = [[] for _ in range(numbers)]
    calls: list[tuple[float, int, str, str]] = []
    at = float(BEGUN)
    for visitor, (later, group) in enumerate(came):
        at += later
        number = visitor % numbers
        held[number].append(Clicks(f"v{visitor}", 1, round(at), round(at), group))
        if chance.random() < rates[group]:
            rings = at + median_ms * chance.lognormvariate(0, sigma)
            calls.append((rings, number, f"v{visitor}", f"c{visitor}"))
    share = unasked / (1 - unasked)
    calls += [
        (chance.uniform(BEGUN, at), chance.randrange(numbers), "", f"u{nth}")
        for nth in range(round(share * len(calls)))
    ]
    for rings, number, key, caller in list(calls):
        if chance.random() < again:
            later = rings + 30 * MINUTE * chance.lognormvariate(0, 1)
            calls.append((later, number, key, caller))
    told: list[CallEvidence] = []
    callers: list[str] = []
    earlier: dict[str, EarlierCall] = {}
    for rings, number, key, caller in sorted(calls):
        if rings > at:
            break
        holders = [each for each in held[number] if each.first_at <= rings]
        before = (earlier[caller],) if caller in earlier else ()
        told.append(CallEvidence(round(rings), tuple(holders[:-17:-1]), earlier=before))
        callers.append(key)
        if key:
            earlier[caller] = EarlierCall(key, 1.0, round(rings))
    evidence = PoolEvidence(
        tuple(told), tuple(each for of in held for each in of), numbers, BEGUN, round(at)
    )
    return Made(evidence, callers, rates)
