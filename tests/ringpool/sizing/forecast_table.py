"""Writes docs/forecasts.md: how early the two alerts fire, on the real scripts.

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
    alert_rules,
    outcomes,
    watch_real,
)
from tests.servers import stores

PAGE = ROOT / "docs" / "forecasts.md"
COUNT = 100
IN_TIME = 15
FIRST = 20_000  # seeds that no constant of the forecast was chosen on
ALERTS: dict[str, Callable[[Outcome], float | None]] = {
    "RingPoolMayBeExhausted": lambda outcome: outcome.warned,
    "RingPoolWillBeExhausted": lambda outcome: outcome.paged,
}
_MARK = "<!-- measured -->"


async def measured(count: int) -> str:
    """The page's tables, of so many loads of each sort."""
    rules = alert_rules()
    pools = iter(range(1_000_000))
    with stores.valkey() as server:
        store = await connect(server.url, timeout_ms=60_000)
        try:

            async def run(load: Load, times: Iterable[list[float]]) -> Outcome:
                # a pool's clock never goes back: each load has a pool of its own
                return await watch_real(Allocator(store), f"pool-{next(pools)}", load, times, rules)

            return "\n".join(
                [await _drawn(run, count, evenly=evenly) for evenly in (True, False)]
                + [await _fills(run)]
            )
        finally:
            await store.aclose()


async def _drawn(run: Callable[..., object], count: int, *, evenly: bool) -> str:
    filling, again = await outcomes(count, run, evenly=evenly, overflows=True, first=FIRST)  # type: ignore[arg-type]
    healthy, crossed = await outcomes(count, run, evenly=evenly, overflows=False, first=FIRST)  # type: ignore[arg-type]
    how = "evenly" if evenly else "at random (a Poisson process)"
    lines = [
        f"### Tuples that come {how}",
        "",
        f"Of {count} loads that fill the pool and {count} healthy ones. Drawn again: {again} that "
        f"never overflowed, {crossed} that did though they were meant to be healthy.",
        "",
        f"| alert | {IN_TIME} minutes before the first overflow | before it | healthy ones |",
        "|---|---|---|---|",
    ]
    for name, fired in ALERTS.items():
        leads = [outcome.lead(fired(outcome)) for outcome in filling]
        false = sum(fired(outcome) is not None for outcome in healthy)
        lines.append(
            f"| {name} | {sum(lead >= IN_TIME for lead in leads)} "
            f"| {sum(lead >= 0 for lead in leads)} | {false} |"
        )
    lines += [
        "",
        "| fills | loads | warned in time | lead: least, half, most | paged in time | lead |",
        "|---|---|---|---|---|---|",
    ]
    for kind, some in _by_kind(filling):
        cells = [kind, str(len(some))]
        for fired in ALERTS.values():
            leads = [outcome.lead(fired(outcome)) for outcome in some]
            cells += [
                str(sum(lead >= IN_TIME for lead in leads)),
                f"{min(leads):.0f}, {median(leads):.0f}, {max(leads):.0f} minutes",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| healthy | loads | warned of | paged for |", "|---|---|---|---|"]
    for kind, some in _by_kind(healthy):
        told = [sum(fired(outcome) is not None for outcome in some) for fired in ALERTS.values()]
        lines.append(f"| {kind} | {len(some)} | {' | '.join(map(str, told))} |")
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
        "| fill | warned in minute | paged in minute | first overflow in minute |",
        "|---|---|---|---|",
    ]
    for load in [
        loads.fill(15, 20, 2),
        *(loads.fill(takes, 20) for takes in (10, 20, 30, 60, 120)),
    ]:
        chance = random.Random(1)
        outcome = await run(load, load.arrivals(chance, evenly=True))  # type: ignore[misc]
        assert isinstance(outcome, Outcome)
        at = [fired(outcome) for fired in ALERTS.values()]
        cells = ["never" if minute is None else f"{minute:.0f}" for minute in at]
        lines.append(
            f"| {load.kind}, {load.hold // 2} minutes | {' | '.join(cells)} "
            f"| {outcome.overflowed or 0:.0f} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    tables = asyncio.run(measured(count))
    before = PAGE.read_text("utf-8").partition(_MARK)[0]
    PAGE.write_text(f"{before}{_MARK}\n\n{tables}", "utf-8")


if __name__ == "__main__":
    main()
