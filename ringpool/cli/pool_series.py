"""``ringpool pool series``: what happened in a pool, minute by minute or hour by hour."""

from __future__ import annotations

from collections.abc import Sequence

import click

from allocator.replies import UnknownPool
from allocator.series import MOST_HOURS, MOST_MINUTES, Minute
from ringpool.cli.output import as_json, print_json, print_table
from ringpool.cli.plot import TERMINAL, Plot, check_target, draw, plot_option
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault
from ringpool.sizing import words
from ringpool.times import format_rfc3339


@click.command("series")
@click.argument("pool_id", metavar="ID")
@click.option(
    "--minutes",
    type=click.IntRange(1, MOST_MINUTES),
    help=f"The last so many minutes, {MOST_MINUTES} at most. [default: 60]",
)
@click.option(
    "--hours",
    type=click.IntRange(1, MOST_HOURS),
    help=f"The last so many hours instead, {MOST_HOURS} at most.",
)
@plot_option
@as_json
@command
async def series_command(
    pool_id: str, minutes: int | None, hours: int | None, plot_to: str | None, as_json: bool
) -> None:
    """Show what happened in pool ID, the oldest minute or hour first. The last isn't over yet."""
    if minutes and hours:
        raise Fault("hours", "give --minutes or --hours, not both")
    check_target(plot_to)
    counts = (0, hours) if hours else (minutes or 60, 0)
    async with open_session() as session:
        try:
            found = await session.allocator.series(pool_id, *counts)
        except UnknownPool:
            raise Fault("pool", f"there is no pool {pool_id}") from None
    rows: Sequence[Minute] = found.hours if hours else found.minutes
    if as_json:
        print_json(rows)
    elif plot_to != TERMINAL:
        _print(rows)
    if plot_to is not None and not (as_json and plot_to == TERMINAL):
        draw(_plot(pool_id, rows), plot_to)


def _plot(pool_id: str, rows: Sequence[Minute]) -> Plot:
    return Plot(
        title=f"Pool {pool_id}",
        along="from (UTC)",
        places=[_time(row) for row in rows],
        lines={
            "most held": [row.peak_held for row in rows],
            "asks": [row.asks for row in rows],
            "new and recycled": [row.new + row.recycled for row in rows],
            "overflow": [row.overflow for row in rows],
        },
    )


def _time(row: Minute) -> str:
    return format_rfc3339(row.start_ms)[:16].replace("T", " ")


def _print(rows: Sequence[Minute]) -> None:
    print_table(
        ("from", "asks", "new", "recycled", "overflow", "most held", "calls", "age at recycling"),
        [
            (
                _time(row),
                row.asks,
                row.new,
                row.recycled,
                row.overflow,
                row.peak_held,
                row.calls,
                words.span(row.age_ms / 1000) if row.age_ms else "",
            )
            for row in rows
        ],
    )
