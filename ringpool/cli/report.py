"""``ringpool report``: which campaign, keyword, publisher or hour made the phone ring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ringpool.cli.archive_reading import reading_archive
from ringpool.cli.output import as_json, print_document, print_json, print_table, say
from ringpool.cli.session import command
from ringpool.faults import Fault
from ringpool.reports.groups import WEEKDAYS, Report, grouped
from ringpool.reports.question import FIELDS, HOUR, REPORTS, TRANSACTIONS, read
from ringpool.reports.spreadsheet import (
    TRANSACTION_COLUMNS,
    csv_text,
    report_table,
    transaction_rows,
)
from ringpool.reports.transactions import Transactions, transactions

_C = TypeVar("_C", bound=Callable[..., Any])

_WHO = {
    "nobody": "(nobody's click)",
    "pending": "(not attributed yet)",
    "unknown": "(source not known any more)",
}


def _options(command: _C) -> _C:
    """An option for each text that the question is read from."""
    for name, meaning in reversed(FIELDS.items()):
        text = meaning.replace("`", "")
        flag = f"--{name.replace('_', '-')}"
        help_ = f"{text[0].upper()}{text[1:]}."
        command = click.option(flag, name, default="", metavar="TEXT", help=help_)(command)
    return command


@click.command("report")
@click.argument("by", type=click.Choice(list(REPORTS)))
@_options
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV, for spreadsheets.")
@as_json
@command
async def report_command(by: str, as_csv: bool, as_json: bool, **given: str) -> None:
    """Show clicks and calls BY campaign, keyword, publisher, parameter or hour; or each call.

    \b
    ringpool report campaign --from 2026-11-01 --timezone Europe/Berlin
    ringpool report parameter --name keyword --pool ad-placement
    ringpool report transactions --csv

    soft credit is the sum of the probabilities that calls are a group's; hard credit gives each
    call whole to its best candidate; unsure is the share of calls that can't be told apart. Clicks
    of numbers that are still held are counted every ten minutes.
    """
    if as_csv and as_json:
        raise Fault("csv", "give --csv or --json, not both")
    question = read(by, given)
    async with reading_archive() as connection:
        if by == TRANSACTIONS:
            page = await transactions(connection, question)
        else:
            report = await grouped(connection, question)
    if by == TRANSACTIONS:
        _show_transactions(page, as_json, as_csv)
    elif as_json:
        print_json(report)
    elif as_csv:
        print_document(csv_text(*report_table(report)))
    elif by == HOUR:
        _print_week(report)
    else:
        _print(report)


def _show_transactions(page: Transactions, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(page)
        return
    if as_csv:
        print_document(csv_text(TRANSACTION_COLUMNS, transaction_rows(page)))
        return
    print_table(
        ("transaction", "began", "seconds", "state", "number", "parameters", "probability"),
        [
            (
                each.transaction_id,
                each.start_time_local,
                each.duration,
                each.state,
                each.number,
                _parameters(each.parameters, each.attributed),
                each.probability if each.attributed else "",
            )
            for each in page.transactions
        ],
    )
    if page.next:
        say(f"There are more: --start-after-transaction-id {page.next}")


def _parameters(parameters: dict[str, str] | None, attributed: bool) -> str:
    if parameters is None:
        return _WHO["nobody" if attributed else "pending"]
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "(direct traffic)"


def _print(report: Report) -> None:
    columns, rows = report_table(report)
    names = len(report.names)
    print_table(
        [name.replace("_", " ") for name in (*columns[:names], *columns[names + 1 :])],
        [[_WHO.get(str(row[names]), row[0]), *row[1:names], *row[names + 1 :]] for row in rows],
    )
    total = report.total
    say(
        f"Total: {total.clicks:,} clicks, {total.overflow_share:.1%} without a number; "
        f"{total.calls:,} calls, {total.answered:,} answered, {total.unsure_share:.1%} can't be "
        "told apart"
    )
    if report.left_out:
        say(f"{report.left_out:,} more groups: see --limit")
    if report.held_as_of:
        say(f"Clicks of numbers that are still held: as of {report.held_as_of}")


def _print_week(report: Report) -> None:
    """Calls by hour and day: the other counts are in --json and --csv."""
    calls = [row.calls for row in report.rows]
    print_table(
        ("calls", *WEEKDAYS),
        [(f"{hour:02}:00", *(calls[day * 24 + hour] for day in range(7))) for hour in range(24)],
    )
