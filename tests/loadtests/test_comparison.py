"""A run next to an older one: what is worse, by more than the rounds differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests import bench, report
from loadtests.comparison import compare, summary
from loadtests.figures import Figure, Target, of_rounds
from loadtests.report import LANDED, Run


def run(*figures: Figure, processor: str = "one") -> Run:
    return Run(
        machine={"processor": processor},
        started="2026-11-22 00:00 UTC",
        quick=False,
        sections={"One": list(figures)},
    )


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        (of_rounds("x", [0.9, 1.0], ""), of_rounds("x", [0.99, 1.2], ""), "same"),
        (of_rounds("x", [0.9, 1.0], ""), of_rounds("x", [1.1, 1.2], ""), "better"),
        (of_rounds("x", [0.9, 1.0], ""), of_rounds("x", [0.7, 0.8], ""), "worse"),
        (of_rounds("x", [9.0], "", unit="ms"), of_rounds("x", [8.0], "", unit="ms"), "better"),
        (
            of_rounds("x", [9.0], "", unit="rows/s"),
            of_rounds("x", [8.0], "", unit="rows/s"),
            "worse",
        ),
        (
            of_rounds("x", [1.2], "", target=Target(at_most=2)),
            of_rounds("x", [1.3], "", target=Target(at_most=2)),
            "worse",
        ),
        (
            of_rounds("x", [5.0], "", less_is_better=True),
            of_rounds("x", [4.0], "", less_is_better=True),
            "better",
        ),
    ],
)
def test_a_figure_differs_when_the_rounds_do(before: Figure, now: Figure, verdict: str) -> None:
    """Better or worse as its target says, else its unit, else that a higher ratio is better."""
    (change,) = compare(run(now), run(before))
    assert change.verdict == verdict


def test_rates_of_another_machine_say_nothing() -> None:
    """Ratios and bytes do."""
    before = [of_rounds("x", [1.0], ""), of_rounds("y", [900.0], "", unit="B")]
    now = [of_rounds("x", [0.5], ""), of_rounds("y", [950.0], "", unit="B")]
    rate = of_rounds("z", [9.0], "", unit="requests/s")
    changes = compare(run(*now, rate, processor="two"), run(*before, rate))
    assert [change.verdict for change in changes] == ["worse", "worse", "another machine"]


def test_the_summary_names_what_is_worse() -> None:
    """With both medians; figures that the older run hasn't aren't counted."""
    before = [of_rounds("held", [1.0], ""), of_rounds("new", [0.6], "")]
    now = [of_rounds("held", [0.9], ""), of_rounds("new", [0.6], ""), of_rounds("link", [1], "")]
    assert summary(compare(run(*now), run(*before))) == (
        "Worse by more than the rounds differ, 1 of 2 figures: held 1 → 0.9 (-10%)"
    )
    assert summary(compare(run(*before), run(*before))) == (
        "Nothing is worse by more than the rounds differ (2 figures compared)."
    )


def test_the_landed_run_is_the_one_of_the_page() -> None:
    """Every figure of BENCHMARKS.md stands in loadtests/landed.json with the same median."""
    landed = report.load(LANDED)
    page = report.PAGE.read_text("utf-8")
    assert f"Measured {landed.started}" in page
    for figure in landed.figures().values():
        assert f"| **{figure.name}**<br>" in page


def test_writing_both_takes_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the figures would take the place of all of them; a whole run writes both files."""
    refused = CliRunner().invoke(bench.main, ["--write", "--only", "held"])
    assert refused.exit_code == 2
    assert "whole run" in refused.output
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(report, "LANDED", tmp_path / "landed.json")
    measured = run(of_rounds("held", [1.0], "number API"))
    monkeypatch.setattr(bench, "measure", lambda *_, **__: measured)
    written = CliRunner().invoke(bench.main, ["--write", "--compare"])
    assert written.exit_code == 0, written.output
    assert "Compared with the run of" in written.output
    assert report.load(tmp_path / "landed.json") == measured
    assert "**held**" in (tmp_path / "page.md").read_text("utf-8")
