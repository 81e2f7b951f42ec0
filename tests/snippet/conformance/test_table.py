"""The published table lists what the suite tests."""

from __future__ import annotations

from pathlib import Path

from tests.snippet.conformance import table, test_cases


def test_committed() -> None:
    """snippet/CONFORMANCE.md lists exactly the cases there are (`make conformance` writes it)."""
    assert table.FILE.read_text(encoding="utf-8") == table.text()


def test_complete() -> None:
    """Every module of cases is in the table."""
    modules = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert modules - {"table", "cases"} == set(table.BEHAVIOURS)


def test_names() -> None:
    """No two cases of a group have the same name."""
    for group in test_cases.GROUPS:
        names = [case.name for case in group.cases]
        assert len(names) == len(set(names)), group.title
