"""What a load run is to show, and whether it did: knee, soak, spike.

A run is seen as seconds: how many answers, how many errors, how long the slow ones took.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

SPIKE_SECONDS = 10
SPIKE_TIMES = 10
RECOVERY_SECONDS = 2
_STEP_SECONDS = 10
_CALM_SECONDS = 20


@dataclass(frozen=True)
class Plan:
    """Users over time: ``steps`` of (until which second, how many)."""

    name: str
    steps: tuple[tuple[float, int], ...]

    def users_at(self, seconds: float) -> int | None:
        """How many users there should be; None after the end."""
        return next((users for until, users in self.steps if seconds < until), None)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.steps[-1][0]


def plan(name: str, *, users: int, minutes: float) -> Plan:
    """``knee``: users rise in ten steps. ``soak``: constant. ``spike``: ten times for 10 s.

    ``short``: constant too, for ``make load``.
    """
    match name:
        case "knee":
            steps = tuple((_STEP_SECONDS * n, users * n) for n in range(1, 11))
        case "spike":
            end = _CALM_SECONDS + SPIKE_SECONDS
            steps = (
                (_CALM_SECONDS, users),
                (end, users * SPIKE_TIMES),
                (end + _CALM_SECONDS, users),
            )
        case _:
            steps = ((60 * minutes, users),)
    return Plan(name, steps)


@dataclass
class Second:
    """One second of a run."""

    users: int = 0
    answers: int = 0
    errors: int = 0
    took_ms: list[float] = field(default_factory=list)

    def p95(self) -> float:
        """95 % of its answers took no longer, in ms; 0 without any."""
        ordered = sorted(self.took_ms)
        return ordered[int(len(ordered) * 0.95)] if ordered else 0.0


@dataclass(frozen=True)
class Verdict:
    """What was found, in words, and whether that is as it should be."""

    passed: bool
    text: str


def judge(plan: Plan, seconds: Sequence[Second], memory: Sequence[int]) -> list[Verdict]:
    """Judge a run. ``memory``: resident bytes of the service, one reading a second or so."""
    verdicts = [_errors(seconds)]
    match plan.name:
        case "knee":
            verdicts.append(_knee(plan, seconds))
        case "soak":
            verdicts.append(_flat(memory))
        case "spike":
            verdicts.append(_recovery(seconds))
    return verdicts


def _errors(seconds: Sequence[Second]) -> Verdict:
    answers, errors = sum(s.answers for s in seconds), sum(s.errors for s in seconds)
    return Verdict(errors == 0 and answers > 0, f"{answers:,} answers, {errors:,} errors")


def _knee(plan: Plan, seconds: Sequence[Second]) -> Verdict:
    """The last step at which more users still got nearly as many more answers."""
    rates: list[tuple[int, float, float]] = []
    begin = 0
    for until, users in plan.steps:
        inside = seconds[begin + 2 : int(until)]  # the first two seconds of a step are its ramp
        if not inside:
            break
        rate = statistics.mean(s.answers for s in inside)
        rates.append((users, rate, statistics.median(s.p95() for s in inside)))
        begin = int(until)
    if not rates:
        return Verdict(False, "too short to find a knee")
    a_user = rates[0][1] / rates[0][0]
    before = [row for row in rates if row[1] >= 0.8 * a_user * row[0]]
    users, rate, slow = before[-1] if before else rates[0]
    found = "knee" if before[-1:] != rates[-1:] else "no knee up to here"
    return Verdict(True, f"{found}: {users} users, {rate:,.0f} answers/s, p95 {slow:.0f} ms")


def _flat(memory: Sequence[int]) -> Verdict:
    """Memory after the first quarter, in which caches fill, and in the last one."""
    if len(memory) < 8:
        return Verdict(False, "the service's memory couldn't be read: is it on this machine?")
    quarter = len(memory) // 4
    early = statistics.median(memory[quarter : 2 * quarter])
    late = statistics.median(memory[-quarter:])
    growth = late / early - 1
    text = f"memory {early / 1e6:.0f} MB, in the end {late / 1e6:.0f} MB ({growth:+.1%})"
    return Verdict(growth <= 0.05, text)


def _recovery(seconds: Sequence[Second]) -> Verdict:
    """How long after the spike answers are as quick as before it."""
    end = _CALM_SECONDS + SPIKE_SECONDS
    calm = statistics.median(s.p95() for s in seconds[_CALM_SECONDS // 2 : _CALM_SECONDS])
    allowed = max(2 * calm, calm + 20)
    after = [s.p95() for s in seconds[end:]]
    slow = [second for second, p95 in enumerate(after, 1) if p95 > allowed]
    recovered = next((second - 1 for second in range(1, len(after)) if second not in slow), None)
    if recovered is None:
        return Verdict(False, f"p95 stays above {allowed:.0f} ms after the spike")
    passed = recovered <= RECOVERY_SECONDS
    return Verdict(passed, f"p95 {calm:.0f} ms before the spike, and again {recovered} s after it")
