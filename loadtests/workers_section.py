"""Whether a second worker on a second core doubles the answers.

wrk and the store need processor time too. With four cores or more they have cores of their own;
with fewer they share the workers': everything on one core is then compared with everything on
two, so that what a worker can spend doubles.

What a second core can give at all is measured beside it, with loops that share nothing: two that
are threads of one physical core are far from twice one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from loadtests import machine, pools, requests, rounds, services
from loadtests.figures import Figure, Skipped, Target, of_rounds
from loadtests.rounds import Contender, Samples
from loadtests.sections import Bench, Section
from loadtests.services import Service

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


def _measure(bench: Bench) -> list[Figure]:
    available = sorted(bench.core | bench.others)
    if len(available) < 2:
        raise Skipped("one core: nowhere to put a second worker")
    roomy = len(available) >= 4
    worker_cores = {1: frozenset(available[:1]), 2: frozenset(available[:2])}
    rest = {n: frozenset(available[2:]) if roomy else worker_cores[n] for n in worker_cores}
    loops = [
        _loops(bench, available[:2]) / _loops(bench, available[:1]) for _ in range(bench.rounds)
    ]
    samples: dict[tuple[str, int], Samples] = {}
    with ExitStack() as stack:
        running: dict[int, Service] = {}
        for workers in worker_cores:
            store = stack.enter_context(services.store(rest[workers]))
            pools.configure(store.url, pools.pages())
            pools.fill(store.url, "new", pools.NEW_SIZE)
            folder = bench.folder / f"workers-{workers}"
            running[workers] = stack.enter_context(
                services.ringpool(store.url, folder, worker_cores[workers], workers=workers)
            )
        try:
            for turn in range(bench.rounds + 1):
                for name, script in _LOADS.items():
                    for workers, service in running.items():
                        machine.pin(0, rest[workers])  # wrk goes where this process is
                        rates = rounds.turn(bench, Contender(service, script))
                        if turn:
                            samples.setdefault((name, workers), Samples()).add(rates)
        finally:
            machine.pin(0, bench.others)
    placed = "on cores of their own" if roomy else "on the workers' cores"
    figures = [
        of_rounds(
            f"two_workers_{name}",
            samples[name, 2].over(samples[name, 1]),
            f"two workers on two cores next to one, {name}; wrk and the store {placed}",
            target=Target(at_least=1.8),
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
