"""The figures of trials as a table, and in docs/ATTRIBUTION.md with their plot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from loadtests.attribution.judge import Bin
from loadtests.attribution.trial import Trial

PAGE, PLOT = "ATTRIBUTION.md", "attribution.png"
_BEGINS = "<!-- written by `python -m loadtests.attribution --write`: begins -->"
_ENDS = "<!-- ends -->"


class Figure(Struct, frozen=True):
    """A row of the table; "" where there is nothing to say. ``met``: True without a target."""

    name: str
    model: str
    oracle: str
    last: str
    target: str
    met: bool = True


def figures(trial: Trial) -> list[Figure]:
    """A pool's rows."""
    model, oracle = trial.model, trial.oracle
    credit = model.credit_error / trial.last_credit_error
    return [
        Figure(
            "calibration error (ECE)",
            f"{model.calibration_error:.3f}",
            f"{oracle.calibration_error:.3f}",
            "",
            "≤ 0.03",
            model.calibration_error <= 0.03,
        ),
        Figure(
            "calls whose best candidate made them",
            f"{model.right:.1%}",
            f"{oracle.right:.1%}",
            f"{trial.last_right:.1%}",
            f"≥ oracle - 2% = {oracle.right - 0.02:.1%}",
            model.right >= oracle.right - 0.02,
        ),
        Figure(
            "log loss, nats",
            f"{model.log_loss:.3f}",
            f"{oracle.log_loss:.3f}",
            "",
            f"≤ oracle + 0.08 = {oracle.log_loss + 0.08:.3f}",
            model.log_loss <= oracle.log_loss + 0.08,
        ),
        Figure(
            "credit error by keyword, of all calls",
            f"{model.credit_error:.1%}",
            f"{oracle.credit_error:.1%}",
            f"{trial.last_credit_error:.1%}",
            "",
        ),
        Figure(
            "… next to last holder's",
            f"{credit:.2f}",
            f"{oracle.credit_error / trial.last_credit_error:.2f}",
            "1",
            "≤ 0.80",
            credit <= 0.80,
        ),
        Figure("calls told at P ≥ 0.9", f"{model.sure:.1%}", f"{oracle.sure:.1%}", "", ""),
        Figure(
            "… of these right",
            f"{model.sure_right:.1%}",
            f"{oracle.sure_right:.1%}",
            "",
            "≥ 92%",
            model.sure_right >= 0.92,
        ),
        Figure(
            "median delay",
            f"{trial.median_ms / 60_000:.2f} min",
            f"{trial.true_median_ms / 60_000:.2f} min",
            "",
            "",
        ),
    ]


def table(trial: Trial) -> str:
    """A pool's table, in Markdown."""
    about = (
        f"**{trial.kind.capitalize()} pool**, seed {trial.seed}: {trial.days:.0f} days, learned "
        f"from {trial.learned_from:,} calls in {trial.fit_seconds:.1f} s of one processor, judged "
        f"on {trial.judged_on:,}, of them {trial.overflow_calls:,} to the overflow number."
    )
    rows = [
        f"| {each.name} | {each.model} | {each.oracle} | {each.last} | {each.target} "
        f"| {('met' if each.met else 'missed') if each.target else ''} |"
        for each in figures(trial)
    ]
    return "\n".join(
        [
            about,
            "",
            "| | model | oracle | last holder | target | |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def write(trials: Sequence[Trial], folder: Path) -> list[Path]:
    """Write the figures into the page, and the plot beside it. Needs matplotlib."""
    made = [folder / PAGE, folder / PLOT]
    _plot(trials, made[1])
    text = made[0].read_text("utf-8")
    tables = "\n\n".join(table(trial) for trial in trials)
    between = re.compile(re.escape(_BEGINS) + ".*" + re.escape(_ENDS), re.DOTALL)
    assert between.search(text), PAGE
    made[0].write_text(between.sub(lambda _: f"{_BEGINS}\n{tables}\n{_ENDS}", text), "utf-8")
    return made


def _plot(trials: Sequence[Trial], path: Path) -> None:
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(9, 4.8), dpi=120, layout="constrained")
    for place, trial in enumerate(trials):
        axes = drawing.add_subplot(1, len(trials), place + 1)
        axes.plot([0, 1], [0, 1], color="gray", linewidth=1, linestyle="--", label="as it is said")
        for bins, name, marker in (
            (trial.model.best, "best candidate", "o"),
            (trial.model.every, "every candidate", "s"),
            (trial.oracle.best, "best candidate, oracle", "x"),
        ):
            axes.plot(*_line(bins), marker=marker, label=name, linewidth=1)
        axes.set_title(f"{trial.kind.capitalize()} pool: {trial.judged_on:,} calls")
        axes.set_xlabel("probability that is told")
        axes.set_ylabel("share that called")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.legend(loc="upper left", fontsize=8)
    drawing.savefig(path, format="png")


def _line(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    """Bins of few probabilities are left out: they lie anywhere."""
    shown = [each for each in bins if each.count >= 30]
    return [each.said for each in shown], [each.came for each in shown]
