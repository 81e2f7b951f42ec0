"""Writes docs/forecasts.md: how early RingPoolWillBeExhausted fires, on the real scripts.

Run with ``python -m tests.ringpool.sizing.forecast_table``: several minutes, in virtual time.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Iterable
from statistics import median

from allocator.allocator import Allocator
from allocator.redis.url import connect
from tests.ringpool.sizing import loads
from tests.ringpool.sizing.loads import Load
from tests.ringpool.sizing.watched_pool import (
    ROOT,
    Outcome,
    alert_rule,
    outcomes,
    watch_real,
)
from tests.servers import stores

PAGE = ROOT / "docs" / "forecasts.md"
COUNT = 100
IN_TIME = 15
_MARK = "<!-- measured -->"


async def measured(count: int) -> str:
    """The page's tables, of so many loads of each sort."""
    rule = alert_rule()
    pools = iter(range(1_000_000))
    with stores.valkey() as server:
        store = await connect(server.url, timeout_ms=60_000)
        try:

            async def run(load: Load, times: Iterable[list[float]]) -> Outcome:
                # a pool's clock never goes back: each load has a pool of its own
                return await watch_real(Allocator(store), f"pool-{next(pools)}", load, times, rule)

            return "\n".join(
                [await _drawn(run, count, evenly=evenly) for evenly in (True, False)]
                + [await _fills(run)]
            )
        finally:
            await store.aclose()


async def _drawn(run: Callable[..., object], count: int, *, evenly: bool) -> str:
    filling, again = await outcomes(loads.filling, count, run, evenly=evenly, overflows=True)  # type: ignore[arg-type]
    healthy, crossed = await outcomes(loads.healthy, count, run, evenly=evenly, overflows=False)  # type: ignore[arg-type]
    how = "evenly" if evenly else "at random (a Poisson process)"
    in_time = sum(outcome.lead >= IN_TIME for outcome in filling)
    false = sum(outcome.fired is not None for outcome in healthy)
    lines = [
        f"### Tuples that come {how}",
        "",
        f"{in_time} of {count} loads that fill the pool were paged for {IN_TIME} minutes or more "
        f"before the first overflow, and {false} of {count} healthy ones at all. Drawn again: "
        f"{again} that never overflowed, {crossed} that did though they were meant to be healthy.",
        "",
        "| fills | loads | in time | before | lead: least, half, most |",
        "|---|---|---|---|---|",
    ]
    for kind, some in _by_kind(filling):
        leads = [outcome.lead for outcome in some]
        lines.append(
            f"| {kind} | {len(some)} | {sum(lead >= IN_TIME for lead in leads)} "
            f"| {sum(lead >= 0 for lead in leads)} "
            f"| {min(leads):.0f}, {median(leads):.0f}, {max(leads):.0f} minutes |"
        )
    lines += ["", "| healthy | loads | paged for |", "|---|---|---|"]
    for kind, some in _by_kind(healthy):
        paged = sum(outcome.fired is not None for outcome in some)
        lines.append(f"| {kind} | {len(some)} | {paged} |")
    return "\n".join([*lines, ""])


def _by_kind(found: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    kinds: dict[str, list[Outcome]] = {}
    for outcome in found:
        kinds.setdefault(outcome.load.kind, []).append(outcome)
    return sorted(kinds.items())


async def _fills(run: Callable[..., object]) -> str:
    lines = [
        "### Fills of an empty pool of 20",
        "",
        "| fill | paged in minute | first overflow in minute |",
        "|---|---|---|",
    ]
    for load in [
        loads.fill(15, 20, 2),
        *(loads.fill(takes, 20) for takes in (10, 20, 30, 60, 120)),
    ]:
        chance = random.Random(1)
        outcome = await run(load, load.arrivals(chance, evenly=True))  # type: ignore[misc]
        assert isinstance(outcome, Outcome)
        fired = "never" if outcome.fired is None else f"{outcome.fired:.0f}"
        lines.append(
            f"| {load.kind}, {load.hold // 2} minutes | {fired} | {outcome.overflowed or 0:.0f} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    tables = asyncio.run(measured(count))
    before = PAGE.read_text("utf-8").partition(_MARK)[0]
    PAGE.write_text(f"{before}{_MARK}\n\n{tables}", "utf-8")


if __name__ == "__main__":
    main()
