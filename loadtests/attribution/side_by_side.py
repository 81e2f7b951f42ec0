"""Trials at the same time, with a progress bar each."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from loadtests.attribution.traffic import Kind, Traffic
from loadtests.attribution.trial import Trial, run


def side_by_side(
    kinds: Sequence[Kind], traffic: Traffic, calls: int, seed: int, console: Console
) -> list[Trial]:
    """Run a trial of each pool, a process each, and show on the console how far they are."""
    spawn = multiprocessing.get_context("spawn")
    made = {kind: spawn.Value("i", 0) for kind in kinds}
    columns = "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with (
        ProcessPoolExecutor(
            len(kinds), mp_context=spawn, initializer=_shares, initargs=(made,)
        ) as processes,
        Progress(*columns, console=console, disable=not console.is_terminal) as bar,
    ):
        tasks = {kind: bar.add_task(f"{kind} pool, calls", total=calls) for kind in kinds}
        running = [processes.submit(_trial, traffic, kind, calls, seed) for kind in kinds]
        while wait(running, timeout=0.5).not_done:
            for kind, task in tasks.items():
                bar.update(task, completed=made[kind].value)
        return [each.result() for each in running]


_made: dict[Kind, Any] = {}
"""In a process of ``side_by_side``: how many calls each pool has had, as all processes see it."""


def _shares(made: dict[Kind, Any]) -> None:
    _made.update(made)


def _trial(traffic: Traffic, kind: Kind, calls: int, seed: int) -> Trial:
    def advance(done: int) -> None:
        _made[kind].value += done

    return asyncio.run(run(traffic, kind, calls, seed, advance))
