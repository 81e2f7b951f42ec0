"""What a load run is to show, and whether it does: knee, soak, spike.

A run is seen as seconds: how many answers, how many errors, how long they took; and how long this
program was kept from running, because then the service may have been as well.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SPIKE_SECONDS = 10
SPIKE_TIMES = 10
RECOVERY_SECONDS = 2
_STEP_SECONDS = 10
_CALM_SECONDS = 20
_WARM_UP_SECONDS = 600
_MAX_GROWTH = 0.02


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
    steps: tuple[tuple[float, int], ...]
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
    """One second of a run. ``held_up_ms``: the longest that the load itself came late."""

    answers: int = 0
    errors: int = 0
    held_up_ms: float = 0.0
    took_ms: list[float] = field(default_factory=list)

    def p95(self) -> float:
        """95 % of its answers took no longer, in ms; 0 without any."""
        ordered = sorted(self.took_ms)
        return ordered[int(len(ordered) * 0.95)] if ordered else 0.0


@dataclass(frozen=True)
class Verdict:
    """What was found, and whether it is as it should be; None: it can't be judged."""

    passed: bool | None
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


def table(plan: Plan, seconds: Sequence[Second]) -> Iterator[str]:
    """Yield a heading and a row for each step of the plan."""
    yield "  seconds  users  answers/s  p95 ms  errors  held up"
    begin = 0
    for until, users in plan.steps:
        inside = seconds[begin : int(until)]
        if not inside:
            return
        yield (
            f"{f'{begin}-{int(until)}':>9} {users:>6} "
            f"{statistics.mean(s.answers for s in inside):>10,.0f} "
            f"{statistics.median(s.p95() for s in inside):>7.0f} "
            f"{sum(s.errors for s in inside):>7} "
            f"{max(s.held_up_ms for s in inside):>5.0f} ms"
        )
        begin = int(until)


def curve(memory: Sequence[int]) -> str:
    """Memory over time, in ten readings."""
    step = max(1, len(memory) // 10)
    return "memory in MB: " + " ".join(f"{reading / 1e6:.1f}" for reading in memory[::step])


def _errors(seconds: Sequence[Second]) -> Verdict:
    answers, errors = sum(s.answers for s in seconds), sum(s.errors for s in seconds)
    text = f"{answers:,} answers, {errors:,} errors"
    if errors:
        # A request that failed in one second was often sent in the one before.
        near = [pair for pair in pairwise((Second(), *seconds)) if pair[1].errors]
        held_up = max(second.held_up_ms for pair in near for second in pair)
        text += f"; the load itself came up to {held_up:.0f} ms late in those seconds"
    return Verdict(errors == 0 and answers > 0, text)


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
    """Memory at the beginning and the end of what comes after the warm-up.

    By then the service has cached all that is asked for (``loadtests.locust.scenario``), so what
    grows later is no cache. Medians of a fifth each: single readings jump.
    """
    if not memory:
        return Verdict(False, "the service's memory couldn't be read: is it on this machine?")
    warm = memory[_WARM_UP_SECONDS:]
    text = f"memory {memory[0] / 1e6:.1f} MB at first, {memory[-1] / 1e6:.1f} MB in the end"
    if len(warm) < _WARM_UP_SECONDS:
        return Verdict(None, f"{text}; at least {2 * _WARM_UP_SECONDS // 60} minutes are needed")
    fifth = len(warm) // 5
    early, late = statistics.median(warm[:fifth]), statistics.median(warm[-fifth:])
    text += f", {(late - early) / 1e6:+.1f} MB ({late / early - 1:+.1%}) after the warm-up"
    return Verdict(late - early <= _MAX_GROWTH * early, text)


def _recovery(seconds: Sequence[Second]) -> Verdict:
    """How long after the spike answers are as quick as before it, two seconds in a row."""
    end = _CALM_SECONDS + SPIKE_SECONDS
    calm = statistics.median(s.p95() for s in seconds[_CALM_SECONDS // 2 : _CALM_SECONDS])
    allowed = max(2 * calm, calm + 20)
    quick = [s.p95() <= allowed for s in seconds[end:]]
    recovered = next((n for n, pair in enumerate(pairwise(quick)) if all(pair)), None)
    if recovered is None:
        return Verdict(False, f"p95 stays above {allowed:.0f} ms after the spike")
    passed = recovered <= RECOVERY_SECONDS
    return Verdict(passed, f"p95 {calm:.0f} ms before the spike, and again {recovered} s after it")
