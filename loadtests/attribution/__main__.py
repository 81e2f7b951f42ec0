"""The command: simulate both pools, print the table, write the page."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from loadtests.attribution import page
from loadtests.attribution.side_by_side import side_by_side
from loadtests.attribution.traffic import Kind, Traffic

_err = Console(stderr=True)


@click.command
@click.option(
    "--calls",
    default=30_000,
    show_default=True,
    type=click.IntRange(min=20),
    help="Of each pool: it learns from the first half, and is judged on the second.",
)
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--pool",
    "kinds",
    type=click.Choice([kind.value for kind in Kind]),
    multiple=True,
    help="One kind of pool; may be repeated. Default: both.",
)
@click.option(
    "--shape",
    default=Traffic().shape,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How alike the calls a click of all keywords are (gamma). inf: the same.",
)
@click.option(
    "--renewed/--not-renewed",
    default=True,
    show_default=True,
    help="Whether activity holds a number on: hold_on_activity as by default, or 0s.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON in place of the table.")
@click.option("--write", is_flag=True, help="Write docs/ATTRIBUTION.md's figures and plot, too.")
def main(
    calls: int,
    seed: int,
    kinds: tuple[str, ...],
    shape: float,
    renewed: bool,
    as_json: bool,
    write: bool,
) -> None:
    """Ask the real scripts in virtual time for months of visits, learn who called from half of the
    calls, and tell how right the rest is attributed, next to an oracle that knows the truth.

    A target that is missed ends it with status 1.
    """
    if write and kinds:
        raise click.UsageError("the page has both pools: no --pool with --write")
    traffic = Traffic(shape=shape, renewed=renewed)
    if write and traffic != Traffic():
        raise click.UsageError("the page has the defaults' figures: no --shape with --write")
    pools = [Kind(name) for name in kinds] or list(Kind)
    trials = side_by_side(pools, traffic, calls, seed, _err)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(trials), indent=2))
    else:
        click.echo("\n\n".join(page.table(trial) for trial in trials))
    if write:
        for path in page.write(trials, Path(__file__).parents[2] / "docs"):
            _err.print(f"Written: {path.name}")
    if not all(figure.met for trial in trials for figure in page.figures(trial)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
