"""Figures: printed, kept, compared, written down."""

from __future__ import annotations

from pathlib import Path

from loadtests import report
from loadtests.bench import SECTIONS
from loadtests.figures import Figure, Target, of_rounds, written
from loadtests.report import Run


def run() -> Run:
    figures = [
        of_rounds("held", [0.8, 0.95, 0.91], "number API", target=Target(at_least=0.9)),
        of_rounds("memory_10000", [700.0], "a number", unit="B", target=Target(at_most=600)),
        *(
            of_rounds(f"{name}_core_rate", [1000.0], "rate")
            for name in ("held", "swap", "new", "link")
        ),
        of_rounds("script_time", [20.0], "one call", unit="µs"),
    ]
    return Run(
        machine={"processor": "one | two"},
        started="2026-11-22 00:00 UTC",
        quick=False,
        sections={"One": figures},
        skipped={"Two": "wrk isn't installed"},
    )


def test_a_figure_is_the_median_between_its_rounds() -> None:
    """With its verdict where it has a target."""
    held, memory = run().sections["One"][:2]
    assert (held.value, held.low, held.high, held.verdict) == (0.91, 0.8, 0.95, "met")
    assert memory.verdict == "missed"
    assert Figure(name="x", value=1, low=1, high=1).verdict == ""


def test_values_are_printed_short() -> None:
    """Three significant digits, whole from 100 on."""
    assert [written(value) for value in (0.9123, 17.94, 31594.2)] == ["0.912", "17.9", "31594"]


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    """The JSON that --compare takes is the one that --json wrote."""
    file = tmp_path / "run.json"
    file.write_bytes(report.encode(run()))
    assert report.load(file) == run()


def test_the_page_says_what_was_measured_and_what_not() -> None:
    """Medians, spreads, targets, what is missing and why, and what it costs."""
    page = report.page(run())
    assert "| **held**<br>number API | 0.91 | 0.8 to 0.95 | ≥ 0.9 | met |" in page
    assert "Not measured: wrk isn't installed." in page
    assert "a million visits a day" in page


def test_sections_have_names_of_their_own() -> None:
    """So that --only means one."""
    names = [name for section in SECTIONS for name in section.names]
    assert len(names) == len(set(names))
