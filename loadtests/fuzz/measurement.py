"""One abuse, and what honest clients notice of it: latency, rate, memory, deaths, the log."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from loadtests.fuzz.abuses import Abuse
from loadtests.fuzz.target import Target
from loadtests.fuzz.witness import Witness

LIVEZ_MS = 200
MEMORY_MB = 512
RATE = 0.8
"""What is promised while an abuse goes on."""


class Measurement(Struct):
    """What came of one abuse. ``rate``: of honest clients, next to that just before.

    ``memory``: MB of all workers, the most. ``lag``: how late the witness itself was at most, in
    milliseconds.
    """

    name: str
    size: int
    seconds: float
    livez_max: float
    livez_99: float
    lag: float
    rate: float
    memory: float
    faults: list[str]

    @property
    def missed(self) -> list[str]:
        """What isn't as promised."""
        found = list(self.faults)
        if self.livez_max > LIVEZ_MS:
            found.append(f"/livez took {self.livez_max:.0f} ms")
        if self.memory > MEMORY_MB:
            found.append(f"the workers had {self.memory:.0f} MB")
        if self.rate < RATE:
            found.append(f"others had {self.rate:.0%} of their rate")
        return found


def measure(
    target: Target, witness: Witness, abuse: Abuse, size: int, seconds: float
) -> Measurement:
    """Run an abuse at that size, about ``seconds`` of it, after as many of calm."""
    workers = target.workers()
    log = target.log.stat().st_size
    witness.noticed()
    time.sleep(seconds)
    before = witness.noticed()
    started = time.monotonic()
    with _memory(target) as most:
        try:
            faults = asyncio.run(abuse.run(target, size, seconds))
        except Exception as error:
            faults = [f"{type(error).__name__}: {error}"]
        took = time.monotonic() - started
        if took < seconds:
            time.sleep(seconds - took)  # the rate of a moment says nothing
        during = witness.noticed()
    if target.workers() != workers:
        faults.append("a worker has died")
    faults += [f"log: {line[:300]}" for line in target.errors(log)[:5]]
    faults += [f"an honest client: {failure}" for failure in during.failures[:5]]
    return Measurement(
        abuse.name,
        size,
        took,
        during.livez_max,
        during.livez_99,
        during.lag,
        during.rate / before.rate,
        max(most) / 1e6,
        faults,
    )


@contextmanager
def _memory(target: Target) -> Iterator[list[int]]:
    """What the workers have in RAM, looked at every 50 ms."""
    ended = threading.Event()
    found = [target.memory()]

    def look() -> None:
        while not ended.wait(0.05):
            try:
                found.append(target.memory())
            except OSError:  # one has just died
                continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
