"""Reports as CSV that spreadsheets may open: no cell is a formula, whoever wrote what is in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ringpool.reports.groups import Report, ReportRow
from ringpool.reports.transactions import Transaction, Transactions
from ringpool.visits import tuples
from ringpool.visits.traffic import CLICK_IDS

COUNTS = tuple(
    field.name for field in msgspec.structs.fields(ReportRow) if field.name not in ("group", "who")
)

_FORMULA = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)

TRANSACTION_COLUMNS = (
    *(
        field.name
        for field in msgspec.structs.fields(Transaction)
        if field.name not in ("click_ids", "candidates")
    ),
    *CLICK_IDS,
    "candidates",
)
"""Of transactions: parameters as ``website=one&location=footer``, lists and candidates as JSON."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header row and the rows (RFC 4180).

    A text that a spreadsheet would take for a formula begins with an apostrophe; numbers, those of
    phones too, stay as they are.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def report_table(report: Report) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of a report: the group's values, ``who``, the counts; without the total."""
    taken = ("who", *COUNTS)
    columns = [f"parameter {name}" if name in taken else name for name in report.names]
    rows = [
        [
            *(row.group.get(name, "") for name in report.names),
            row.who,
            *(getattr(row, name) for name in COUNTS),
        ]
        for row in report.rows
    ]
    return [*columns, *taken], rows


def transaction_rows(page: Transactions) -> Iterator[list[object]]:
    """A row a call, as TRANSACTION_COLUMNS."""
    for each in page.transactions:
        parameters = each.parameters or {}
        special: dict[str, object] = {
            **each.click_ids,
            "parameters": tuples.canonical(list(parameters), parameters),
            "sku_list": _json(each.sku_list),
            "quantity_list": _json(each.quantity_list),
            "candidates": _json(each.candidates),
        }
        yield [
            special.get(name, "") if name in CLICK_IDS or name in special else getattr(each, name)
            for name in TRANSACTION_COLUMNS
        ]


def _json(value: Sequence[Any]) -> str:
    return msgspec.json.encode(value).decode() if value else ""


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
