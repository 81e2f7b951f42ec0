"""``python -m loadtests.sizing``: check points of `ringpool size` next to the real scripts.

Prints a row a check point, as docs/sizing.md has them: the numbers by the formula, the overflow by
it, and the share of new tuples that found none in a simulation, with its standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from ringpool.sizing.reading import read
from ringpool.sizing.simulation import simulate
from ringpool.sizing.sizing import size

CHECK_POINTS = (
    (20, "1%"),
    (100, "1%"),
    (100, "0.1%"),
    (500, "1%"),
    (500, "0.1%"),
    (2000, "1%"),
    (2000, "0.1%"),
)
"""Numbers taken at a time (erlangs), and the overflow asked for."""


_DURATIONS = 100
"""Minimum durations of a run at least: numbers taken a little later are nearly the same ones."""


async def _print_rows(least: int, seed: int) -> bool:
    agree = True
    print(
        "| taken at a time | overflow asked for | numbers | by the formula | simulated | clicks |"
    )
    print("|---|---|---|---|---|---|")
    for load, overflow in CHECK_POINTS:
        question = read({"clicks": f"{load}/m", "min_duration": "1m", "overflow": overflow})
        sizing = size(question)
        clicks = max(least, _DURATIONS * load)
        found = await simulate(question, sizing.numbers, clicks, seed)
        agree &= found.agrees(sizing.overflow)
        print(
            f"| {load:,} | {overflow} | {sizing.numbers:,} | {sizing.overflow:.3%} "
            f"| {found.overflow:.3%} ± {found.error:.3%} | {found.clicks:,} |",
            flush=True,
        )
    return agree


def main() -> int:
    """Print the table; 1 when a row is off by more than three standard errors."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--clicks", type=int, default=40_000, help="counted in a row, at least")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return 0 if asyncio.run(_print_rows(given.clicks, given.seed)) else 1


if __name__ == "__main__":
    sys.exit(main())
