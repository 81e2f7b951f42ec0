"""Two runs, figure by figure: which are better or worse by more than their rounds differ."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.figures import Figure, written
from loadtests.report import Run


@dataclass(frozen=True, slots=True)
class Change:
    """A figure then and now.

    ``verdict``: better, worse, same; new (no figure before); another machine (not comparable).
    """

    figure: Figure
    before: Figure | None
    verdict: str

    @property
    def ratio(self) -> str:
        """By how much the medians differ, such as ``-3%``."""
        if self.before is None or not self.before.value:
            return ""
        return f"{self.figure.value / self.before.value - 1:+.0%}"


def compare(run: Run, older: Run) -> list[Change]:
    """Each figure of ``run`` next to that of ``older``.

    A figure differs when the rounds of both runs don't overlap. What has a unit is a figure of its
    machine, and is compared with the same processor only; ratios are compared always.
    """
    before = older.figures()
    same_machine = run.machine.get("processor") == older.machine.get("processor")
    return [
        Change(
            figure, before.get(figure.name), _verdict(figure, before.get(figure.name), same_machine)
        )
        for figure in run.figures().values()
    ]


def _verdict(figure: Figure, before: Figure | None, same_machine: bool) -> str:
    if before is None:
        return "new"
    if figure.unit and not same_machine and figure.unit != "B":
        return "another machine"
    if figure.low <= before.high and before.low <= figure.high:
        return "same"
    return "better" if (figure.value > before.value) == figure.more_is_better else "worse"


def summary(changes: list[Change]) -> str:
    """One line: what is worse, if anything, and how many figures were compared."""
    judged = [change for change in changes if change.verdict in ("better", "same", "worse")]
    worse = [change for change in judged if change.verdict == "worse"]
    if not worse:
        return f"Nothing is worse by more than the rounds differ ({len(judged)} figures compared)."
    named = ", ".join(
        f"{change.figure.name} {written(change.before.value)} → {written(change.figure.value)}"
        f" ({change.ratio})"
        for change in worse
        if change.before is not None
    )
    return f"Worse by more than the rounds differ, {len(worse)} of {len(judged)} figures: {named}"
