"""The table of faults: on the terminal, as JSON, and in ``k8s/RELIABILITY.md``.

The page keeps a row until its fault is run again, so that a whole run can be done in pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadtests.chaos.faults import Fault, all_faults
from loadtests.chaos.rounds import Result

_BEGIN, _END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_COLUMNS = (
    "fault",
    "store",
    "setting",
    "rounds",
    "answers",
    "lost",
    "doubled",
    "longest recovery",
    "503",
    "cut",
    "hangs",
    "undocumented",
    "assignments told / counted",
    "grown / edits",
    "run",
)
_KEY = 3
"""So many cells say which fault it is."""

Row = tuple[Fault, Result | str]
"""A fault, and what its rounds came to, or why it wasn't run."""


def key(fault: Fault) -> list[str]:
    """The first cells of a fault's row."""
    needs = f"needs {fault.needs}" if fault.needs else ""
    return [fault.name, fault.store, "; ".join(filter(None, (fault.setting, needs))) or "-"]


def cells(fault: Fault, result: Result | str) -> list[str]:
    """One row, in the order of the columns."""
    if isinstance(result, str):
        return [*key(fault), "0", *["-"] * (len(_COLUMNS) - _KEY - 2), f"not run: {result}"]
    return [
        *key(fault),
        str(result.rounds),
        f"{result.answers:,}",
        str(len(result.lost)),
        str(len(result.doubled)),
        f"{result.recovery:.1f} s",
        f"{result.refused:,}",
        f"{result.cut:,}",
        str(result.hangs),
        str(sum(result.undocumented.values())),
        f"{result.told:,} / {result.counted:,}",
        f"{result.grown:,} / {result.edits:,}",
        f"{datetime.now(UTC):%Y-%m-%d}, {version('ringpool')}",
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    return _table([cells(fault, result) for fault, result in rows])


def _table(rows: Sequence[Sequence[str]]) -> str:
    ruler = ["---"] * _KEY + ["---:"] * (len(_COLUMNS) - _KEY)
    return "".join(f"| {' | '.join(line)} |\n" for line in (_COLUMNS, ruler, *rows))


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [_plain(fault, result) for fault, result in rows]


def _plain(fault: Fault, result: Result | str) -> dict[str, Any]:
    names = {"fault": fault.name, "store": fault.store, "setting": fault.setting}
    if isinstance(result, str):
        return names | {"needs": fault.needs, "not_run": result}
    return names | {
        "needs": fault.needs,
        "rounds": result.rounds,
        "answers": result.answers,
        "lost": len(result.lost),
        "doubled": len(result.doubled),
        "recovery_seconds": round(result.recovery, 2),
        "refused": result.refused,
        "cut": result.cut,
        "hangs": result.hangs,
        "none": result.none,
        "undocumented": dict(result.undocumented),
        "told": result.told,
        "counted": result.counted,
        "grown": result.grown,
        "edits": result.edits,
    }


def write(path: Path, rows: Sequence[Row]) -> None:
    """Put these rows into the table between the marks in ``path``; other faults keep theirs.

    One that wasn't run replaces none. Rows of faults that there aren't any more are left out.
    """
    text = path.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    old, _, after = rest.partition(_END)
    known = dict(map(_split, old.splitlines()))
    for fault, result in rows:
        if isinstance(result, Result) or tuple(key(fault)) not in known:
            known[tuple(key(fault))] = cells(fault, result)
    ordered = (tuple(key(fault)) for fault in all_faults())
    table = _table([known[each] for each in ordered if each in known])
    path.write_text(f"{before}{_BEGIN}\n{table}{_END}{after}", "utf-8")


def _split(line: str) -> tuple[tuple[str, ...], list[str]]:
    """The key and the cells of a line of the table."""
    row = [cell.strip() for cell in line.strip("| ").split(" | ")]
    return tuple(row[:_KEY]), row
