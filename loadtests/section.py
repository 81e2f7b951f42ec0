"""What every section of the benchmark is given, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.figures import Figure


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how long to measure.

    ``core`` runs what is measured, ``others`` wrk and the store. ``seconds``: one contender's turn
    in one of ``rounds``. ``quick``: a smaller question, for a look between two edits.
    """

    folder: Path
    core: frozenset[int]
    others: frozenset[int]
    rounds: int
    seconds: float
    quick: bool


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that are measured together. ``names``: what ``--only`` may call it by."""

    title: str
    names: Sequence[str]
    measure: Callable[[Bench], list[Figure]]
