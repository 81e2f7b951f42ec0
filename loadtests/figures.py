"""What is measured: figures, each with its spread and, where one is set, its target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct


class Target(Struct, frozen=True):
    """A bound that a figure is to keep: ``at_least`` or ``at_most``."""

    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


class Figure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured value: the median of the rounds, between its lowest and highest round.

    ``unit``: "" for a ratio. ``meaning``: what was measured, for a reader of BENCHMARKS.md.
    ``less_is_better``: for a ratio without a target; a target or a unit implies it.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = ""
    meaning: str = ""
    target: Target | None = None
    less_is_better: bool = False

    @property
    def more_is_better(self) -> bool:
        """Whether a higher value is better: by target, else unit, else ``less_is_better``."""
        if self.target is not None:
            return self.target.at_least is not None
        return self.unit.endswith("/s") or not (self.unit or self.less_is_better)

    @property
    def verdict(self) -> str:
        """ "met" or "missed"; "" without a target."""
        if self.target is None:
            return ""
        return "met" if self.target.met_by(self.value) else "missed"


class Skipped(Exception):
    """A section can't be measured here; the text says what is missing."""


def of_rounds(
    name: str,
    values: Sequence[float],
    meaning: str,
    *,
    unit: str = "",
    target: Target | None = None,
    less_is_better: bool = False,
) -> Figure:
    """A figure from its rounds."""
    return Figure(
        name=name,
        value=statistics.median(values),
        low=min(values),
        high=max(values),
        unit=unit,
        meaning=meaning,
        target=target,
        less_is_better=less_is_better,
    )


def written(value: float) -> str:
    """A value as it is printed: whole from 100 on, else three significant digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
