"""The simulator of attribution: small pools, whose figures are as they must be, if roughly."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtests.attribution import page
from loadtests.attribution.judge import judge
from loadtests.attribution.known import Attributed, Known
from loadtests.attribution.traffic import Draw, Kind, Traffic
from loadtests.attribution.trial import Trial, run
from loadtests.attribution.world import NOBODY, Truth
from ringpool.attribution.evidence import CallEvidence, Clicks

SMALL = Traffic(load=15, keywords=40, rate=0.2)
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module", params=list(Kind))
def trial(request: pytest.FixtureRequest) -> Trial:
    return asyncio.run(run(SMALL, request.param, 1600, seed=3))


def test_it_is_nearly_as_right_as_who_knows_the_truth(trial: Trial) -> None:
    """From real ledgers: better than the last holder, and as surely as it says."""
    model, oracle = trial.model, trial.oracle
    assert trial.learned_from == trial.judged_on == model.calls == 800
    assert model.right > oracle.right - 0.04
    assert model.right > trial.last_right
    assert model.log_loss < oracle.log_loss + 0.12
    assert model.calibration_error < 0.07
    assert model.sure > 0.03
    assert model.sure_right > 0.8
    assert trial.median_ms == pytest.approx(trial.true_median_ms, rel=0.25)
    assert trial.fit_seconds < 10


def test_its_table_says_what_is_met(trial: Trial) -> None:
    """Each figure beside its target."""
    text = page.table(replace(trial, model=replace(trial.model, sure_right=0.5)))
    assert text.startswith(f"**{trial.kind.capitalize()} pool**, seed 3: ")
    assert (
        f"| … of these right | 50.0% | {trial.oracle.sure_right:.1%} |  | ≥ 92% | missed |" in text
    )
    assert all(figure.met for figure in page.figures(replace(trial, model=trial.oracle))[1:3])


def test_the_page_is_written_between_its_marks(trial: Trial, tmp_path: Path) -> None:
    """And the plot beside it."""
    (tmp_path / page.PAGE).write_text((DOCS / page.PAGE).read_text("utf-8"), "utf-8")
    page.write([trial], tmp_path)
    text = (tmp_path / page.PAGE).read_text("utf-8")
    assert page.table(trial) in text
    assert text.partition("<!--")[0] == (DOCS / page.PAGE).read_text("utf-8").partition("<!--")[0]
    assert (tmp_path / page.PLOT).read_bytes().startswith(b"\x89PNG")


def test_the_landed_page_says_what_was_missed() -> None:
    """All targets of both pools are met but one, and the page says so in words, too."""
    text = (DOCS / page.PAGE).read_text("utf-8")
    assert text.count("| met |") == 9
    keyword = text[text.index("**Keyword pool**") :]
    (missed,) = [line for line in text.splitlines() if line.endswith("| missed |")]
    assert missed.startswith("| … next to last holder's |")
    assert missed in keyword
    assert "One target is missed" in keyword
    assert (DOCS / page.PLOT).stat().st_size < 200_000


def test_credits_are_judged_by_who_called() -> None:
    """By hand: three calls, of which two are credited rightly."""
    clicks = Clicks("a", 1, 0, 0, "k1"), Clicks("b", 1, 0, 0, "k2")
    call = CallEvidence(5, clicks)
    done = [
        Attributed(Known(f"{place}", "", "", call), credit)
        for place, credit in enumerate(
            ({"a": 0.95, "b": 0.05, "": 0.0}, {"a": 0.6, "b": 0.3, "": 0.1}, {"a": 0.4, "": 0.6})
        )
    ]
    truth = {"0": Truth("a", 1), "1": Truth("b", 2), "2": Truth("", NOBODY)}
    found = judge(done, truth, {"a": "k1", "b": "k2"})
    assert found.right == pytest.approx(2 / 3)
    assert found.log_loss == pytest.approx(-math.log(0.95 * 0.3 * 0.6) / 3)
    # In one tenth 0.95 came true; in another, of 0.6 and 0.6 one did.
    assert found.calibration_error == pytest.approx((0.05 + 0.1 * 2) / 3)
    assert found.credit_error == pytest.approx((0.95 + 0.6 + 0.4 - 1 + abs(0.35 - 1)) / 3)
    assert (found.sure, found.sure_right) == (pytest.approx(1 / 3), 1)


def test_traffic_is_as_it_says() -> None:
    """Rates by keyword, loads, and the same chance for the same seed."""
    draw = Draw(Traffic(), Kind.KEYWORD, 1)
    busy = [1 / (place + 1) for place in range(2000)]
    mean = sum(rate * share for rate, share in zip(draw.rates, busy, strict=True)) / sum(busy)
    assert mean == pytest.approx(0.04, rel=0.01)
    assert max(draw.rates) > 3 * mean
    again = Draw(Traffic(), Kind.KEYWORD, 1)
    assert [draw.keyword() for _ in range(50)] == [again.keyword() for _ in range(50)]
    assert Traffic().clicks_a_ms(Kind.VISITOR) * Traffic().min_duration_ms == pytest.approx(50)
    assert Traffic().clicks_a_ms(Kind.KEYWORD) > Traffic().clicks_a_ms(Kind.VISITOR)
