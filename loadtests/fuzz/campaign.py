"""Many inputs against one service, from several client processes at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from urllib.parse import parse_qsl, urlsplit

import httpx
from msgspec import Struct

from loadtests.fuzz.inputs import Known, Maker
from loadtests.fuzz.target import Target
from loadtests.fuzz.trial import Tally, Trials

CHUNK = 250
"""Inputs that a client tries before it reports."""

WARM_SHARE, WARM_INPUTS = 0.2, 20_000
"""After so many inputs, or so large a share, memory is looked at for the first time: what is
remembered of requests, up to its bounds, is no growth."""


class Campaign(Struct):
    """What came of it. ``memory``: MB of all workers, at the start, when warm, and in the end.

    ``missed``: everything that isn't as promised.
    """

    seed: int
    workers: int
    inputs: int
    seconds: float
    tally: Tally
    memory: tuple[float, float, float]
    missed: list[str]

    @property
    def growth(self) -> float:
        """Of memory, from warm to the end."""
        return self.memory[2] / self.memory[1] - 1


def known(target: Target) -> Known:
    """Have something signed, and something sealed."""
    link = httpx.get(
        f"{target.url}/t/mallory-search?website=known", headers={"x-forwarded-for": "8.8.4.4"}
    )
    query = parse_qsl(urlsplit(link.headers["location"]).query)
    page = httpx.get(
        f"{target.url}/v1/swap",
        params={"account": "mallory", "url": "https://a.example/?website=known"},
        headers={"x-forwarded-for": "8.8.4.4"},
    ).json()
    sealed = next(swap["keep"] for swap in page["swaps"] if "keep" in swap)
    return Known({name: value for name, value in query if name.startswith("rp_")}, sealed)


def _try_many(address: tuple[str, int], seed: int, given: Known, start: int, stop: int) -> Tally:
    """In a process of its own."""
    maker, trials = Maker(seed, given), Trials(address, str(start // CHUNK % 8))
    for number in range(start, stop):
        trials.attempt(number, maker.make(number))
    trials.close()
    return trials.tally


def run(
    target: Target,
    seed: int,
    inputs: int,
    *,
    clients: int = 2,
    seconds: float = math.inf,
    growth: float | None = 0.05,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Campaign:
    """Try the inputs with these numbers. ``growth``: of memory, that is allowed; None: any.
    ``seconds``: after them, those that are left aren't tried.
    """
    given = known(target)
    workers, log = target.workers(), target.log.stat().st_size
    tally = Tally()
    started = time.monotonic()
    memory = [target.memory() / 1e6]
    for part in (parts := _parts(target.address, seed, given, inputs, clients)):
        tally.add(part)
        if len(memory) == 1 and tally.inputs >= min(WARM_INPUTS, inputs * WARM_SHARE):
            memory.append(target.memory() / 1e6)
        progress(tally)
        if time.monotonic() > started + seconds:
            break
    parts.close()
    memory.append(target.memory() / 1e6)
    found = Campaign(
        seed,
        len(workers),
        tally.inputs,
        time.monotonic() - started,
        tally,
        (memory[0], memory[1], memory[-1]),
        [f"input {number}: {text}" for number, text in sorted(tally.failures)[:50]],
    )
    if target.workers() != workers:
        found.missed.append("a worker has died")
    found.missed += [f"log: {line[:500]}" for line in target.errors(log)[:10]]
    if growth is not None and found.growth > growth:
        found.missed.append(f"memory grew by {found.growth:.1%}")
    return found


def _parts(
    address: tuple[str, int], seed: int, given: Known, inputs: int, clients: int
) -> Generator[Tally, None, None]:
    """Tallies, a chunk of inputs each."""
    chunks = [(start, min(start + CHUNK, inputs)) for start in range(0, inputs, CHUNK)]
    if clients == 1:
        for start, stop in chunks:
            yield _try_many(address, seed, given, start, stop)
        return
    with ProcessPoolExecutor(clients, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(_try_many, address, seed, given, *chunk) for chunk in chunks]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            pool.shutdown(cancel_futures=True)
