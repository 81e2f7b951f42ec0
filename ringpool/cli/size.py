"""``ringpool size``: how many numbers a pool needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from allocator.series import MOST_HOURS, MOST_MINUTES
from ringpool.catalog.selection import find
from ringpool.cli.output import as_json, failure, print_json, print_pairs
from ringpool.cli.plot import TERMINAL, Plot, check_target, draw, plot_option
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault
from ringpool.sizing import reading, seen, words
from ringpool.sizing.simulation import Simulated, all_clicks, simulate
from ringpool.sizing.sizing import Question, Sizing, size

_C = TypeVar("_C", bound=Callable[..., Any])

MAX_SIMULATED_NUMBERS = 100_000

_BARS = 24


class _Sized(Struct, omit_defaults=True):
    """What ``--json`` writes. ``question``: as it was asked, with ``--from-pool``."""

    sizing: Sizing
    simulated: Simulated | None = None
    question: dict[str, str] = {}


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
@click.option("--from-pool", metavar="ID", help="What isn't given is as this pool saw it.")
@click.option("--simulate", "simulated", is_flag=True, help="Ask the real allocation, too.")
@click.option("--count", default=50_000, show_default=True, help="Clicks of a simulation.")
@click.option("--seed", default=1, show_default=True, help="Its chance: the same comes again.")
@plot_option
@as_json
def size_command(
    from_pool: str | None,
    simulated: bool,
    count: int,
    seed: int,
    plot_to: str | None,
    as_json: bool,
    **given: str,
) -> None:
    """Say how many numbers a pool needs, and what comes of having so many.

    \b
    ringpool size --clicks 48000/d --peak 2 --distinct 60% --min-duration 10m
    ringpool size --clicks 2000/h --keywords 5000 --min-duration 1h --numbers 300 --call-delay 20m
    ringpool size --from-pool ad-placement --overflow 0.1%

    By Erlang's loss formula. --simulate sends clicks through the same scripts as the service's, in
    a store of its own and in virtual time, and says whether the two agree. No setting and no store
    is needed, but for --from-pool: the busiest hour that the pool had in the last week, or its
    busiest minimum duration where that is longer.
    """
    asked: dict[str, str] = {}
    if from_pool is not None:
        _ask_as_seen(from_pool, given, asked)
        given = asked
    try:
        check_target(plot_to)
        question = reading.read(given)
        sizing = size(question)
        found = _simulated(question, sizing, count, seed) if simulated else None
    except Fault as fault:
        raise failure(fault) from None
    if as_json:
        print_json(_Sized(sizing, found, asked))
    else:
        print_pairs([*_as_seen(from_pool, asked), *_rows(question, sizing, found)])
    if plot_to is not None and not (as_json and plot_to == TERMINAL):
        try:
            draw(_plot(question, sizing), plot_to)
        except (Fault, OSError) as error:
            raise failure(error) from None


def _plot(question: Question, sizing: Sizing) -> Plot:
    """Overflow with fewer numbers than are needed or there, and with more."""
    low, high = sorted((sizing.needed, sizing.numbers))
    low, high = max(1, low - low // 4), high + max(3, high // 8)
    step = max(1, (high - low) // _BARS)
    counts = sorted({*range(low, high + 1, step), sizing.numbers})
    shares = [size(replace(question, numbers=count)).overflow * 100 for count in counts]
    return Plot(
        title=f"Overflow at {sizing.load:,.1f} numbers taken at a time",
        along="numbers",
        places=[str(count) for count in counts],
        lines={"overflow, % of new tuples": shares},
        marked=str(sizing.numbers),
    )


@command
async def _ask_as_seen(pool_id: str, given: dict[str, str], asked: dict[str, str]) -> None:
    """Put into ``asked`` the question that a pool is, with what is given in its place."""
    async with open_session() as session:
        _, known = await session.catalog.entities()
        configured = find(known.pools, pool_id, "pool")
        series = await session.allocator.series(pool_id, MOST_MINUTES, MOST_HOURS)
    found = seen.busiest(series, configured.min_duration / 1000)
    asked |= seen.question(configured, found, given)
    if "clicks" not in asked:
        raise Fault("from-pool", f"{pool_id} has given no number yet: --clicks must be given")


def _as_seen(pool_id: str | None, asked: dict[str, str]) -> list[tuple[str, object]]:
    if pool_id is None:
        return []
    options = (f"--{name.replace('_', '-')} {text}" for name, text in asked.items())
    return [(f"asked as {pool_id} saw it", " ".join(options))]


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
        (f"numbers for {words.share(question.overflow)} overflow", f"{sizing.needed:,}"),
    ]
    with_them = f"with {sizing.numbers:,}: "
    if question.numbers is not None:
        rows.append((f"{with_them}overflow", f"{words.share(sizing.overflow)} of new tuples"))
    rows.append(
        (f"{with_them}a tuple's number stays", f"{words.span(sizing.life_seconds)} on average")
    )
    if sizing.late_calls is not None and sizing.late_calls_mean is not None:
        rows.append(
            (
                f"{with_them}calls that come too late",
                f"{words.share(sizing.late_calls_mean)}, "
                f"and {words.share(sizing.late_calls)} at most",
            )
        )
    if found is not None:
        agrees = "agrees" if found.agrees(sizing.overflow) else "does not agree"
        rows.append(
            (
                "simulated",
                f"{words.share(found.overflow)} overflow (± {words.share(found.error)}) in "
                f"{found.clicks:,} clicks, {words.share(sizing.overflow)} by the formula: {agrees}",
            )
        )
    return rows
