"""A run as a JSON file, and as BENCHMARKS.md."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
from msgspec import Struct, field

from loadtests.figures import Figure, written

PAGE = Path(__file__).parent.parent / "BENCHMARKS.md"
LANDED = Path(__file__).parent / "landed.json"
"""The run that BENCHMARKS.md was written from, to compare a later one with."""


class Run(Struct, kw_only=True):
    """One run of the benchmark: figures by section title, and why sections are missing."""

    machine: dict[str, str]
    started: str
    quick: bool
    sections: dict[str, list[Figure]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def figures(self) -> dict[str, Figure]:
        """All figures by name."""
        return {figure.name: figure for of in self.sections.values() for figure in of}


def encode(run: Run) -> bytes:
    """The run as JSON, to be read again by ``load``."""
    return msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"


def load(file: Path) -> Run:
    """Read what ``encode`` wrote; raises msgspec.ValidationError."""
    return msgspec.json.decode(file.read_bytes(), type=Run)


def publish(run: Run) -> None:
    """Write BENCHMARKS.md and the file that ``--compare`` compares with."""
    PAGE.write_text(page(run), "utf-8")
    LANDED.write_bytes(encode(run))


def page(run: Run) -> str:
    """BENCHMARKS.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench ARGS=--write`. Ratios are of rates measured in turn in one run,",
        "one worker on one core, wrk (32 connections) and the store on the other: they hold on",
        "other machines, absolute figures don't. Each value is the median of the rounds, with the",
        "lowest and the highest round beside it.",
        "",
        f"Measured {run.started}.",
        "",
        "| the machine | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in run.machine.items()),
    ]
    for title, figures in run.sections.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| figure | median | rounds | target | |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(figure) for figure in figures]
    for title, reason in {**run.skipped, **run.faults}.items():
        lines += ["", f"## {title}", "", f"Not measured: {reason}."]
    lines += _costs(run.figures())
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    name = f"**{figure.name}**<br>{figure.meaning}"
    spread = f"{written(figure.low)} to {written(figure.high)}"
    target = f"{figure.target}{unit}" if figure.target else ""
    return f"| {name} | {written(figure.value)}{unit} | {spread} | {target} | {figure.verdict} |"


SWAPS_A_VISIT = 2.0
"""Landing page and one more page, each asks once."""
PEAK = 4.0
"""The busiest second next to the average one."""
NEW_SHARE = 0.1
"""Visits whose tuple has no number yet."""
HEADROOM = 0.5
"""Share of a core's peak rate that is planned for."""
NUMBERS_A_MILLION_VISITS = 10_000
"""Numbers for a million visits a day: 600-odd visits at once at ten minutes each, many tuples."""


def _costs(figures: dict[str, Figure]) -> list[str]:
    """What it costs, computed from the run's figures."""
    needed = ("swap_core_rate", "new_core_rate", "held_core_rate", "memory_10000", "script_time")
    if not all(name in figures for name in needed):
        return []
    swap, new, held, memory, script = (figures[name].value for name in needed)
    mixed = 1 / ((1 - NEW_SHARE) / swap + NEW_SHARE / new)
    rows = []
    for name, visits_a_day in (
        ("a million visits a day", 1e6),
        ("a billion visits a month", 1e9 / 30),
    ):
        average = visits_a_day * SWAPS_A_VISIT / 86_400
        peak = average * PEAK
        cores = peak / (mixed * HEADROOM)
        store = peak * NEW_SHARE * script / 1e6 / HEADROOM
        numbers = NUMBERS_A_MILLION_VISITS * visits_a_day / 1e6
        rows.append(
            f"| {name} | {average:,.0f} | {peak:,.0f} | {cores:.2f} → {math.ceil(cores)} | "
            f"{store:.3f} → {math.ceil(store)} | {numbers * memory / 1e9:.2f} GB |"
        )
    return [
        "",
        "## What it costs",
        "",
        f"A core of this machine answers {held:,.0f} number requests, {swap:,.0f} page requests or",
        f"{new:,.0f} requests with new tuples a second. A GB of store memory holds "
        f"{1e9 / memory:,.0f} numbers,",
        "history apart.",
        "",
        "| load | requests/s | at the peak | worker cores | store shards | store memory |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"Assumed: {SWAPS_A_VISIT:g} page requests a visit; the busiest second {PEAK:g} × the",
        f"average; {NEW_SHARE:.0%} of the requests with a new tuple; cores and shards planned to",
        f"{HEADROOM:.0%} of what they can do; {NUMBERS_A_MILLION_VISITS:,} numbers for a million",
        "visits a day. A shard is one core; cores are this machine's. Spares aren't counted.",
    ]
