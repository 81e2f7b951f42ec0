"""``python -m loadtests.bench``: the performance figures.

Every figure that compares is measured side by side in this one run. On stdout one ``name: value``
line a figure; what happens meanwhile, and a table in the end, on stderr.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from loadtests import report
from loadtests.comparison import compare as compared
from loadtests.comparison import summary
from loadtests.figures import Figure, Skipped, written
from loadtests.report import Run
from loadtests.section import Bench, Section
from loadtests.sections import (
    alternatives,
    budgets,
    clients,
    cluster,
    http,
    latency,
    routes,
    scale,
    script,
    snippet,
    start,
    workers,
)
from loadtests.tools import machine
from loadtests.tools.wrk import LoadFailed

SECTIONS: tuple[Section, ...] = (
    http.SECTION,
    budgets.SECTION,
    routes.SECTION,
    latency.SECTION,
    workers.SECTION,
    script.SECTION,
    scale.SECTION,
    cluster.SECTION,
    start.SECTION,
    alternatives.SECTION,
    clients.SECTION,
    snippet.SECTION,
)
"""In the order of BENCHMARKS.md."""

_err = Console(stderr=True, width=None if sys.stderr.isatty() else 140)


@click.command()
@click.option("--only", multiple=True, help="Measure what has this figure (repeatable).")
@click.option("--quick", is_flag=True, help="Fewer rounds, smaller pools: a look between edits.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the run here.")
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_flag=False,
    flag_value=report.LANDED,
    help="Compare with an older --json; without a file, with the run of BENCHMARKS.md.",
)
@click.option("--write", is_flag=True, help="Write BENCHMARKS.md and loadtests/landed.json.")
def main(
    only: tuple[str, ...], quick: bool, json_file: Path | None, compare: Path | None, write: bool
) -> None:
    """Measure Ringpool, as ratios of what runs side by side."""
    sections = [s for s in SECTIONS if not only or set(only) & set(s.names)]
    if not sections:
        known = ", ".join(name for section in SECTIONS for name in section.names)
        raise click.UsageError(f"--only knows {known}")
    if write and (only or quick):
        raise click.UsageError("--write wants the whole run: without --only and --quick")
    older = report.load(compare) if compare else None
    run = measure(sections, quick=quick)
    _show(run)
    if older:
        _show_changes(run, older)
    if json_file:
        json_file.write_bytes(report.encode(run))
    if write:
        report.publish(run)
    if run.faults:
        sys.exit(1)


def measure(sections: list[Section], *, quick: bool) -> Run:
    """Run the sections, one after the other; a section that can't be measured is named."""
    core, others = machine.cores()
    run = Run(
        machine=machine.description(),
        started=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        quick=quick,
    )
    machine.pin(0, others)  # what this process and wrk do, they do beside the worker
    rounds, seconds = (3, 1) if quick else (7, 3)
    for section in sections:
        _err.print(f"[bold]{section.title}[/] …")
        with tempfile.TemporaryDirectory(prefix="ringpool-bench-") as folder:
            bench = Bench(Path(folder), frozenset({core}), others, rounds, seconds, quick)
            try:
                figures = section.measure(bench)
            except Skipped as reason:
                _err.print(f"[yellow]skipped: {reason}[/]")
                run.skipped[section.title] = str(reason)
                continue
            except (LoadFailed, RuntimeError) as fault:
                _err.print(f"[red]{fault}[/]")
                run.faults[section.title] = str(fault)
                continue
        run.sections[section.title] = figures
        for figure in figures:
            click.echo(f"{figure.name}: {written(figure.value)}")
    return run


def _show(run: Run) -> None:
    table = Table(
        Column("figure", no_wrap=True), "median", "lowest", "highest", "unit", "target", ""
    )
    for figure in run.figures().values():
        cells = [
            figure.name,
            *(written(value) for value in (figure.value, figure.low, figure.high)),
            figure.unit,
            str(figure.target or ""),
            figure.verdict,
        ]
        table.add_row(*cells, style="red" if figure.verdict == "missed" else None)
    _err.print(table)


def _show_changes(run: Run, older: Run) -> None:
    table = Table(Column("figure", no_wrap=True), "before", "now", "unit", "change", "")
    changes = compared(run, older)
    for change in changes:
        before = change.before
        cells = [
            change.figure.name,
            "" if before is None else _with_rounds(before),
            _with_rounds(change.figure),
            *(change.figure.unit, change.ratio, change.verdict),
        ]
        table.add_row(*cells, style={"worse": "red", "better": "green"}.get(change.verdict))
    _err.print(table)
    _err.print(f"Compared with the run of {older.started}.")
    _err.print(summary(changes))


def _with_rounds(figure: Figure) -> str:
    return f"{written(figure.value)} ({written(figure.low)} to {written(figure.high)})"


if __name__ == "__main__":
    main()
