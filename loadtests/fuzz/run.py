"""``python -m loadtests.fuzz.run``: hostile input to a service that is started for it.

Every input is made from the seed and its number, so that a failure is found again by these two.
"""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from loadtests.fuzz import abuses, campaign, page
from loadtests.fuzz.campaign import Campaign, known
from loadtests.fuzz.inputs import Maker
from loadtests.fuzz.measurement import Measurement, measure
from loadtests.fuzz.shrink import smallest
from loadtests.fuzz.target import Target, target
from loadtests.fuzz.trial import Tally, Trials
from loadtests.fuzz.witness import witness

_SHRUNK = 5
"""Failures of which the smallest input is looked for."""

_CALM_SECONDS = 3.0

_err = Console(stderr=True, width=None if sys.stderr.isatty() else 140)


@click.command()
@click.option("--inputs", default=100_000, show_default=True, help="How many.")
@click.option("--seed", type=int, help="Of the inputs; without: another one each time.")
@click.option("--workers", default=2, show_default=True, help="Processes of the service.")
@click.option("--clients", default=2, show_default=True, help="Processes that send inputs.")
@click.option("--minutes", type=float, help="Leave out what isn't tried by then.")
@click.option("--replay", metavar="SEED/NUMBER", help="One input alone, and its smallest part.")
@click.option("--abuses", "with_abuses", is_flag=True, help="The known abuses instead of inputs.")
@click.option("--times", default=10, show_default=True, help="Size of abuses, next to their own.")
@click.option("--only", multiple=True, help="This abuse (repeatable).")
@click.option("--seconds", default=_CALM_SECONDS, show_default=True, help="Of calm, and of abuse.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the run here.")
@click.option("--write", is_flag=True, help="Write docs/security/abuses.md.")
def main(
    inputs: int,
    seed: int | None,
    workers: int,
    clients: int,
    minutes: float | None,
    replay: str | None,
    with_abuses: bool,
    times: int,
    only: Sequence[str],
    seconds: float,
    json_file: Path | None,
    write: bool,
) -> None:
    """Send hostile input to a service that is started for it, and judge every answer."""
    names = [abuse.name for abuse in abuses.ABUSES]
    if unknown := set(only) - set(names):
        raise click.UsageError(f"--only knows {', '.join(names)}, not {', '.join(unknown)}")
    with target(workers) as attacked:
        if replay is not None:
            sys.exit(_replay(attacked, replay))
        if with_abuses or only:
            measurements = _measure_all(attacked, only, times, seconds)
            missed = [text for measurement in measurements for text in measurement.missed]
            result: bytes = msgspec.json.encode(measurements)
            if write:
                page.write_abuses(measurements, times)
        else:
            seed = random.randrange(1 << 32) if seed is None else seed
            found = _campaign(attacked, seed, inputs, clients, minutes or math.inf)
            missed = found.missed
            result = msgspec.json.encode(found)
            if write:
                page.write_campaign(found)
    if json_file:
        json_file.write_bytes(msgspec.json.format(result, indent=1) + b"\n")
    sys.exit(1 if missed else 0)


def _campaign(attacked: Target, seed: int, inputs: int, clients: int, minutes: float) -> Campaign:
    _err.print(f"seed {seed}")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    last = time.monotonic()
    with Progress(*columns, console=_err, disable=not _err.is_terminal) as bar:
        task = bar.add_task("", total=inputs)

        def progress(tally: Tally) -> None:
            nonlocal last
            bar.update(task, completed=tally.inputs)
            if not _err.is_terminal and time.monotonic() > last + 30:
                last = time.monotonic()
                text = f"{tally.inputs:,} of {inputs:,}, {len(tally.failures)} failures"
                _err.print(f"{text}, {attacked.memory() / 1e6:.0f} MB", tally.failures[-3:])

        found = campaign.run(
            attacked, seed, inputs, clients=clients, seconds=minutes * 60, progress=progress
        )
    for name, value in figures(found).items():
        click.echo(f"{name}: {value}")
    for text in found.missed:
        _err.print(f"[red]{text}[/]", highlight=False, markup=False)
    for number, _ in sorted(found.tally.failures)[:_SHRUNK]:
        _show_smallest(attacked, seed, number)
    return found


def figures(found: Campaign) -> dict[str, str]:
    """What a run is told by."""
    answers = found.tally.answers
    return {
        "seed": str(found.seed),
        "inputs": f"{found.inputs}",
        "workers": f"{found.workers}",
        "seconds": f"{found.seconds:.0f}",
        "answers": f"{answers.total()}",
        "answers_5xx": f"{sum(n for status, n in answers.items() if status >= 500)}",
        "answers_503": f"{answers[503]}",
        "failures": f"{len(found.tally.failures)}",
        "slow_once": f"{found.tally.slow}",
        "slowest_seconds": f"{found.tally.slowest:.2f}",
        "memory_start_mb": f"{found.memory[0]:.0f}",
        "memory_warm_mb": f"{found.memory[1]:.0f}",
        "memory_end_mb": f"{found.memory[2]:.0f}",
        "memory_growth": f"{found.growth:.3f}",
    }


def _replay(attacked: Target, text: str) -> int:
    seed, _, number = text.partition("/")
    if not (seed.isdecimal() and number.isdecimal()):
        raise click.UsageError("--replay wants SEED/NUMBER")
    return _show_smallest(attacked, int(seed), int(number))


def _show_smallest(attacked: Target, seed: int, number: int) -> int:
    """Print an input and its smallest part that fails; returns 1 if it does."""
    wanted = Maker(seed, known(attacked)).make(number)
    trials = Trials(attacked.address, "replay")
    fault = trials.fault(wanted)
    if not fault:
        click.echo(f"{seed}/{number} does not fail alone: {wanted.kind}, {wanted.data!r}")
        return 0
    least = smallest(wanted, lambda each: bool(trials.fault(each)))
    click.echo(f"--replay {seed}/{number}: {fault}")
    click.echo(f"the smallest that fails, of {len(wanted.data)} bytes: {least.data!r}")
    return 1


def _measure_all(
    attacked: Target, only: Sequence[str], times: int, seconds: float
) -> list[Measurement]:
    with witness(attacked.address) as watching:
        os.nice(10)  # an attacker's own machine is another one
        found = []
        for abuse in abuses.ABUSES:
            if only and abuse.name not in only:
                continue
            measurement = measure(attacked, watching, abuse, abuse.size * times, seconds)
            found.append(measurement)
            click.echo(
                f"{measurement.name}: size {measurement.size}, {measurement.seconds:.1f} s, "
                f"livez_max {measurement.livez_max:.0f} ms, memory {measurement.memory:.0f} MB, "
                f"rate {measurement.rate:.2f}"
            )
            for text in measurement.missed:
                _err.print(f"  {text}", style="red", highlight=False, markup=False)
    return found


if __name__ == "__main__":
    main()
