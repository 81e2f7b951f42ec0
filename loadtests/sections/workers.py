"""Whether a second worker on a second core doubles the answers.

wrk and the store need processor time too. With four cores or more they have cores of their own;
with fewer they share the workers': everything on one core is then compared with everything on
two, so that what a worker can spend doubles. Waking a process costs more on another core than on
its own, where the single worker has all of them; so the processor time of a request is also
compared with that of one worker that has wrk and the store on the other core.

All are asked on twice the usual connections, so that each of two workers has as many as the single
one has elsewhere.

What a second core can give at all is measured beside it, with loops that share nothing: two that
are threads of one physical core are far from twice one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from loadtests import rounds
from loadtests.figures import Figure, Skipped, Target, of_rounds
from loadtests.rounds import Contender, Samples
from loadtests.section import Bench, Section
from loadtests.tools import machine, pools, requests, services
from loadtests.tools.services import Service
from loadtests.tools.wrk import CONNECTIONS

_LOOP = """
import time
end = time.perf_counter() + {seconds}
turns = 0
while time.perf_counter() < end:
    for _ in range(1000):
        turns += 1
print(turns)
"""
_LOADS = {"held": requests.number_api("held"), "new": requests.number_api_new("new")}


class _Placement(NamedTuple):
    """How many workers on which cores, and where wrk and the store are."""

    workers: int
    cores: frozenset[int]
    others: frozenset[int]


def _measure(bench: Bench) -> list[Figure]:
    available = sorted(bench.core | bench.others)
    if len(available) < 2:
        raise Skipped("one core: nowhere to put a second worker")
    first, second = (frozenset((core,)) for core in available[:2])
    rest = frozenset(available[2:])
    placements = {
        "one": _Placement(1, first, rest or first),
        "apart": _Placement(1, first, rest or second),
        "two": _Placement(2, first | second, rest or first | second),
    }
    loops = [
        _loops(bench, available[:2]) / _loops(bench, available[:1]) for _ in range(bench.rounds)
    ]
    samples: dict[tuple[str, str], Samples] = {}
    with ExitStack() as stack:
        running: dict[str, Service] = {}
        for place, placement in placements.items():
            store = stack.enter_context(services.store(placement.others))
            pools.configure(store.url, pools.pages())
            pools.fill(store.url, "new", pools.NEW_SIZE)
            running[place] = stack.enter_context(
                services.ringpool(
                    store.url, bench.folder / place, placement.cores, workers=placement.workers
                )
            )
        try:
            for turn in range(bench.rounds + 1):
                for name, script in _LOADS.items():
                    for place, service in running.items():
                        machine.pin(0, placements[place].others)  # wrk goes where this process is
                        contender = Contender(service, script, connections=2 * CONNECTIONS)
                        rates = rounds.turn(bench, contender)
                        if turn:
                            samples.setdefault((name, place), Samples()).add(rates)
        finally:
            machine.pin(0, bench.others)
    placed = "on cores of their own" if rest else "on the workers' cores"
    figures = [
        of_rounds(
            f"two_workers_{name}",
            samples[name, "two"].over(samples[name, "one"]),
            f"two workers on two cores next to one, {name}; wrk and the store {placed}",
            target=Target(at_least=1.8),
        )
        for name in _LOADS
    ]
    figures += [
        of_rounds(
            f"two_workers_{name}_by_core",
            [2 * ratio for ratio in samples[name, "two"].over_by_core(samples[name, "apart"])],
            f"twice what the second of two workers' processor time answers, next to that of one "
            f"with wrk and the store on another core, {name}: two workers with nothing beside them",
        )
        for name in _LOADS
    ]
    meaning = "the same of plain loops that share nothing: what this machine's second core gives"
    return [*figures, of_rounds("two_loops", loops, meaning)]


def _loops(bench: Bench, cores: Sequence[int]) -> int:
    """Turns of one loop a core, side by side, all together."""
    command = (sys.executable, "-c", _LOOP.format(seconds=min(1.0, bench.seconds)))
    running = []
    for core in cores:
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        machine.pin(running[-1].pid, frozenset((core,)))
    return sum(int(process.communicate()[0]) for process in running)


SECTION = Section("Two workers next to one", ["two_workers_held", "two_workers_new"], _measure)
