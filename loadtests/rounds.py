"""Rounds: what is compared runs in turn, A B A B, so that a noisy minute hits all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.section import Bench
from loadtests.tools import wrk
from loadtests.tools.services import Service


@dataclass(frozen=True, slots=True)
class Contender:
    """One load on one service. ``each``: what a request counts for (rows, say)."""

    service: Service
    script: str
    each: int = 1
    connections: int = wrk.CONNECTIONS


@dataclass(frozen=True, slots=True)
class Samples:
    """A contender's rounds: requests a second, and requests a second of its processor time.

    The second is what the first would be if nothing else used the core.
    """

    rates: list[float] = field(default_factory=list)
    core_rates: list[float] = field(default_factory=list)

    def add(self, turn: tuple[float, float]) -> None:
        """Take in one turn."""
        self.rates.append(turn[0])
        self.core_rates.append(turn[1])

    def over(self, other: Samples) -> list[float]:
        """The ratio of the rates, round by round."""
        return [a / b for a, b in zip(self.rates, other.rates, strict=True)]

    def over_by_core(self, other: Samples) -> list[float]:
        """The same a second of processor time: the work of a request, waiting left out."""
        return [a / b for a, b in zip(self.core_rates, other.core_rates, strict=True)]


def turn(bench: Bench, contender: Contender) -> tuple[float, float]:
    """One turn: requests a second, and requests a second of processor time."""
    service = contender.service
    used = service.cpu_seconds()
    load = wrk.run(
        bench.folder, service.url, contender.script, bench.seconds, contender.connections
    )
    used = service.cpu_seconds() - used
    return load.rate * contender.each, load.requests * contender.each / used


def run(bench: Bench, contenders: Mapping[str, Contender]) -> dict[str, Samples]:
    """A warm-up of each, then the rounds."""
    samples = {name: Samples() for name in contenders}
    for number in range(bench.rounds + 1):
        for name, contender in contenders.items():
            measured = turn(bench, contender)
            if number:
                samples[name].add(measured)
    return samples
