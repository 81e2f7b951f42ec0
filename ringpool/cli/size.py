"""``ringpool size``: how many numbers a pool needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress

from ringpool.cli.output import as_json, failure, print_json, print_pairs
from ringpool.faults import Fault
from ringpool.sizing import reading
from ringpool.sizing.simulation import Simulated, all_clicks, simulate
from ringpool.sizing.sizing import Question, Sizing, size
from ringpool.times import Duration

_C = TypeVar("_C", bound=Callable[..., Any])

MAX_SIMULATED_NUMBERS = 100_000


class _Sized(Struct, omit_defaults=True):
    """What ``--json`` writes."""

    sizing: Sizing
    simulated: Simulated | None = None


def _options(command: _C) -> _C:
    """An option for each text that the question is read from."""
    for name, meaning in reversed(reading.FIELDS.items()):
        text = meaning.replace("`", "")
        flag = f"--{name.replace('_', '-')}"
        help_ = f"{text[0].upper()}{text[1:]}."
        command = click.option(flag, name, default="", metavar="TEXT", help=help_)(command)
    return command


@click.command("size")
@_options
@click.option("--simulate", "simulated", is_flag=True, help="Ask the real allocation, too.")
@click.option("--count", default=50_000, show_default=True, help="Clicks of a simulation.")
@click.option("--seed", default=1, show_default=True, help="Its chance: the same comes again.")
@as_json
def size_command(simulated: bool, count: int, seed: int, as_json: bool, **given: str) -> None:
    """Say how many numbers a pool needs, and what comes of having so many.

    \b
    ringpool size --clicks 48000/d --peak 2 --distinct 60% --min-duration 10m
    ringpool size --clicks 2000/h --keywords 5000 --min-duration 1h --numbers 300 --call-delay 20m

    By Erlang's loss formula. --simulate sends clicks through the same scripts as the service's, in
    a store of its own and in virtual time, and says whether the two agree. No setting and no store
    is needed.
    """
    try:
        question = reading.read(given)
        sizing = size(question)
        found = _simulated(question, sizing, count, seed) if simulated else None
    except Fault as fault:
        raise failure(fault) from None
    if as_json:
        print_json(_Sized(sizing, found))
    else:
        print_pairs(_rows(question, sizing, found))


def _simulated(question: Question, sizing: Sizing, count: int, seed: int) -> Simulated:
    if not 1_000 <= count <= 10_000_000:
        raise Fault("count", "must be from 1,000 to 10,000,000")
    if sizing.numbers > MAX_SIMULATED_NUMBERS:
        raise Fault("simulate", f"takes {MAX_SIMULATED_NUMBERS:,} numbers at most")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Simulating", total=all_clicks(question, count))
        return asyncio.run(
            simulate(
                question,
                sizing.numbers,
                count,
                seed,
                lambda done: progress.advance(task, done),
            )
        )


def _rows(question: Question, sizing: Sizing, found: Simulated | None) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("numbers taken at the peak", f"{sizing.load:,.1f} on average, were there enough"),
        (f"numbers for {_share(question.overflow)} overflow", f"{sizing.needed:,}"),
    ]
    with_them = f"with {sizing.numbers:,}: "
    if question.numbers is not None:
        rows.append((f"{with_them}overflow", f"{_share(sizing.overflow)} of new tuples"))
    rows.append((f"{with_them}a tuple's number stays", f"{_span(sizing.life_seconds)} on average"))
    if sizing.late_calls is not None and sizing.late_calls_mean is not None:
        rows.append(
            (
                f"{with_them}calls that come too late",
                f"{_share(sizing.late_calls_mean)}, and {_share(sizing.late_calls)} at most",
            )
        )
    if found is not None:
        agrees = "agrees" if found.agrees(sizing.overflow) else "does not agree"
        rows.append(
            (
                "simulated",
                f"{_share(found.overflow)} overflow (± {_share(found.error)}) in {found.clicks:,} "
                f"clicks, {_share(sizing.overflow)} by the formula: {agrees}",
            )
        )
    return rows


def _share(share: float) -> str:
    return f"{share * 100:.2g}%" if share < 0.1 else f"{share * 100:.1f}%"


def _span(seconds: float) -> str:
    """A span in its largest unit, rounded: ``11m``, ``2.5h``."""
    for unit, size_ in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size_:
            return f"{seconds / size_:.3g}{unit}"
    return str(Duration(round(seconds) * 1000))
