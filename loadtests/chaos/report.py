"""The table of a run: on the terminal, as JSON, and in ``k8s/RELIABILITY.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.chaos.faults import Fault
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
)

Row = tuple[Fault, Result]


def cells(fault: Fault, result: Result) -> list[str]:
    """One row, in the order of the columns."""
    return [
        fault.name,
        fault.store,
        fault.setting or "-",
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
    ]


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    lines = [_COLUMNS, ["---"] * 3 + ["---:"] * (len(_COLUMNS) - 3)]
    lines += [cells(fault, result) for fault, result in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [
        {
            "fault": fault.name,
            "store": fault.store,
            "setting": fault.setting,
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
        }
        for fault, result in rows
    ]


def write(path: Path, rows: Sequence[Row]) -> None:
    """Put the table between the marks in ``path``."""
    text = path.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    path.write_text(f"{before}{_BEGIN}\n{markdown(rows)}{_END}{after}", "utf-8")
