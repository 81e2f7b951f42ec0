"""Loads on a pool that fill it, or that don't, minute by minute.

A shape says how many numbers should be held; the tuples that come are such that about so many are.
They come evenly, each anywhere in the gap that is its own, or at random (a Poisson process).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

NUMBERS = 100
WARM_UP_MINUTES = 60
MOST_AT_RANDOM = 75
"""Numbers held on average at which less than 0.1 % of tuples at random overflow (Erlang B)."""
_HOLDS = (5, 10, 15, 30, 60, 120)


@dataclass(frozen=True)
class Load:
    """``rate``: tuples a minute, by the minute; ``hold``: minutes that each has its number.

    ``begins``: the minute before which the load is steady, and has been for long. ``minutes``: how
    long it is looked at; one that fills the pool, until it has. ``numbers``: the pool's.
    """

    kind: str
    hold: int
    begins: int
    minutes: int
    rate: Callable[[float], float]
    numbers: int = NUMBERS

    def arrivals(self, chance: random.Random, *, evenly: bool) -> Iterator[list[float]]:
        """Yield when tuples come, in minutes, for each minute."""
        done, place = 0.0, chance.random()
        for minute in range(self.minutes):
            expected = max(0.0, self.rate(minute + 0.5))
            times: list[float] = []
            while expected and place < done + expected:
                times.append(minute + (place - done) / expected)
                place = (
                    math.floor(place) + 1 + chance.random()
                    if evenly
                    else (place + chance.expovariate(1.0))
                )
            done += expected
            yield sorted(times)


def filling(chance: random.Random) -> Load:
    """A load that fills the pool within half an hour to four hours."""
    kind = chance.choice(("linear", "quadratic", "exponential", "step and ramp"))
    takes = chance.uniform(30, 240)
    hold = chance.choice(_HOLDS)
    base = chance.choice((0, 0, 10, 20, 30, 40, 50))
    bend, step = chance.uniform(1, 2.5), chance.uniform(0.2, 0.5)
    begins = WARM_UP_MINUTES + hold

    def shape(share: float) -> float:
        """From 0 to 1, and on."""
        if kind == "linear":
            return share
        if kind == "quadratic":
            return share * share
        if kind == "exponential":
            return math.expm1(bend * share) / math.expm1(bend)
        quick = min(hold / takes, 0.5)  # what a rate that jumps makes of the numbers held
        return step * min(1.0, share / quick) + (1 - step) * share

    def held(minute: float) -> float:
        return base + (NUMBERS - base) * shape(minute / takes)

    def rate(minute: float) -> float:
        at = minute - begins
        if at < 0:
            return base / hold
        if hold < takes:
            return held(at + hold / 2) / hold
        return base / hold + held(at + 0.5) - held(at - 0.5 if at > 0.5 else 0.0)

    return Load(kind, hold, begins, begins + math.ceil(2 * takes) + 60, rate)


def healthy(chance: random.Random, *, evenly: bool) -> Load:
    """A load that leaves a fifth of the pool free at least, or MOST_AT_RANDOM.

    Of tuples that come at random and hold 80 of 100 on average, 0.4 % overflow by chance.
    """
    most = 80 if evenly else MOST_AT_RANDOM
    kind = chance.choice(("sine", "steady", "day", "growing", "start"))
    hold = chance.choice(_HOLDS[:4] if kind == "sine" else _HOLDS)
    begins = WARM_UP_MINUTES + hold
    phase, high, low = chance.random(), chance.uniform(55, 75), chance.uniform(5, 20)
    takes = chance.uniform(60, 240)
    level = chance.uniform(50, most) if kind == "steady" else chance.uniform(30, 65)

    def held(minute: float) -> float:
        at = minute - begins
        if kind == "sine":  # numbers held swing less than the tuples that come
            swing = math.pi * hold / 120
            return 55 + 20 * swing / math.sin(swing) * math.sin(2 * math.pi * (at / 120 + phase))
        if kind == "day":
            middle = (high + low) / 2
            return middle + (high - low) / 2 * math.sin(2 * math.pi * (at / 1440 + phase))
        if kind == "growing":
            return level * min(1.0, max(0.0, at / takes))
        return level if kind == "steady" or at >= 0 else 0.0

    minutes = {"day": 720, "growing": math.ceil(takes) + 60, "start": 180}.get(kind, 240)
    return Load(kind, hold, begins, begins + minutes, lambda minute: held(minute) / hold)


def fill(takes: int, numbers: int, power: int = 1) -> Load:
    """A load that fills an empty pool in so many minutes, with guarantees that last longer.

    ``power``: 1 for a straight line, 2 for a quadratic one.
    """

    def rate(minute: float) -> float:
        at = minute - WARM_UP_MINUTES
        return 0.0 if at < 0 else numbers * power * at ** (power - 1) / takes**power

    kind = {1: "linear", 2: "quadratic"}[power]
    length = WARM_UP_MINUTES + 2 * takes + 10
    return Load(kind, 2 * takes, WARM_UP_MINUTES, length, rate, numbers)
