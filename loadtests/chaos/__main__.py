"""``python -m loadtests.chaos``: faults under load, round after round, and the table of them."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

import click

from loadtests.chaos import report
from loadtests.chaos.faults import Fault, all_faults
from loadtests.chaos.rounds import Result, run_round
from tests.servers.process import NotInstalled

_PAGE = Path(__file__).parents[2] / "k8s" / "RELIABILITY.md"


@click.command()
@click.option("--rounds", default=20, show_default=True, help="Rounds of each fault.")
@click.option("--only", multiple=True, help="Faults whose row fits this pattern (repeatable).")
@click.option("--list", "list_only", is_flag=True, help="Name the faults and end.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON on stdout, for programs.")
@click.option(
    "--write", "write", is_flag=True, help=f"Put each row into k8s/{_PAGE.name} when it is done."
)
def main(rounds: int, only: tuple[str, ...], list_only: bool, as_json: bool, write: bool) -> None:
    """Kill, freeze and cut off what the service is made of, under load, and check every answer.

    Everything runs on this machine in processes of its own. A fault that can't be caused here is a
    row that says why. Status 1: a promise was broken though the row doesn't say what it needs, or
    an answer was none that the papers name.
    """
    faults = [fault for fault in all_faults() if _is_meant(fault, only)]
    if not faults:
        raise click.UsageError("no fault fits; --list names them")
    if list_only:
        for fault in faults:
            click.echo(_row(fault))
        return
    rows: list[report.Row] = []
    for fault in faults:
        rows.append((fault, _run(fault, rounds)))
        if write:
            report.write(_PAGE, rows[-1:])
    if as_json:
        click.echo(json.dumps(report.plain(rows), indent=1))
    else:
        click.echo(report.markdown(rows), nl=False)
    sys.exit(not all(_is_as_it_should_be(*row) for row in rows))


def _is_meant(fault: Fault, only: tuple[str, ...]) -> bool:
    return not only or any(re.search(each, _row(fault), re.IGNORECASE) for each in only)


def _row(fault: Fault) -> str:
    return " · ".join(filter(None, (fault.name, fault.store, fault.setting)))


def _is_as_it_should_be(fault: Fault, result: Result | str) -> bool:
    if isinstance(result, str):
        return True
    return not result.undocumented and bool(fault.needs or not (result.lost or result.doubled))


def _run(fault: Fault, rounds: int) -> Result | str:
    result = Result()
    begin = time.monotonic()
    try:
        with fault.rig() as rig:
            for number in range(rounds):
                asyncio.run(run_round(rig, fault, number, result))
                _say(fault, result, rounds, time.monotonic() - begin)
            if result.undocumented:
                for line in rig.service.errors():
                    click.echo(f"  {line}", err=True)
    except NotInstalled as error:
        click.echo(f"{_row(fault)}: not run: {error}", err=True)
        return str(error)
    for before, after in (*result.lost, *result.doubled)[:5]:
        click.echo(f"  {before}\n  {after}", err=True)
    for text, count in result.undocumented.most_common(5):
        click.echo(f"  {count} × {text}", err=True)
    return result


def _say(fault: Fault, result: Result, rounds: int, seconds: float) -> None:
    done = f"{result.rounds}/{rounds} in {seconds:.0f} s"
    click.echo(
        f"{_row(fault)}: {done}, "
        f"{result.answers:,} answers, {len(result.lost)} lost, {len(result.doubled)} doubled, "
        f"{result.undocumented.total()} undocumented",
        err=True,
    )


if __name__ == "__main__":
    main()
