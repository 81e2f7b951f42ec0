"""``python -m loadtests.bench``: the project's honest mirror.

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
from rich.table import Table

from loadtests import report
from loadtests.figures import Figure, Skipped, written
from loadtests.report import Run
from loadtests.section import Bench, Section
from loadtests.sections import (
    alternatives,
    cluster,
    hiredis,
    http,
    latency,
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
    latency.SECTION,
    workers.SECTION,
    script.SECTION,
    scale.SECTION,
    cluster.SECTION,
    start.SECTION,
    alternatives.SECTION,
    hiredis.SECTION,
    snippet.SECTION,
)
"""In the order of issue 4's table."""

_err = Console(stderr=True)


@click.command()
@click.option("--only", multiple=True, help="Measure what has this figure (repeatable).")
@click.option("--quick", is_flag=True, help="Fewer rounds, smaller pools: a look between edits.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the run here.")
@click.option("--compare", type=click.Path(exists=True, path_type=Path), help="An older --json.")
@click.option("--write", is_flag=True, help="Write BENCHMARKS.md from this run.")
def main(
    only: tuple[str, ...], quick: bool, json_file: Path | None, compare: Path | None, write: bool
) -> None:
    """Measure Ringpool, as ratios of what runs side by side."""
    sections = [s for s in SECTIONS if not only or set(only) & set(s.names)]
    if not sections:
        known = ", ".join(name for section in SECTIONS for name in section.names)
        raise click.UsageError(f"--only knows {known}")
    older = report.load(compare) if compare else None
    run = measure(sections, quick=quick)
    _show(run, older)
    if json_file:
        json_file.write_bytes(report.encode(run))
    if write:
        report.PAGE.write_text(report.page(run), "utf-8")
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


def _show(run: Run, older: Run | None) -> None:
    table = Table("figure", "median", "lowest", "highest", "unit", "target", "")
    before = older.figures() if older else {}
    if older:
        table.add_column("before")
        table.add_column("change")
    for figure in run.figures().values():
        cells = [
            figure.name,
            *(written(value) for value in (figure.value, figure.low, figure.high)),
            figure.unit,
            str(figure.target or ""),
            figure.verdict,
        ]
        if older:
            cells += _change(figure, before.get(figure.name))
        table.add_row(*cells, style="red" if figure.verdict == "missed" else None)
    _err.print(table)


def _change(figure: Figure, before: Figure | None) -> list[str]:
    """The older median, and by how much this one differs; "≈" inside both runs' spreads."""
    if before is None or not before.value:
        return ["", ""]
    overlap = figure.low <= before.high and before.low <= figure.high
    change = f"{figure.value / before.value - 1:+.0%}"
    return [written(before.value), f"≈ {change}" if overlap else change]


if __name__ == "__main__":
    main()
