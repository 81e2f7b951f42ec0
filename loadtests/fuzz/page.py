"""docs/security/abuses.md: what was measured, as the last run measured it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.fuzz import abuses
from loadtests.fuzz.campaign import Campaign
from loadtests.fuzz.measurement import LIVEZ_MS, MEMORY_MB, RATE, Measurement

PAGE = Path(__file__).parents[2] / "docs" / "security" / "abuses.md"

_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
"""As the run was started: the attacker's is lowered later."""

_SECTION = re.compile(r"^## ([^\n]+)\n\n(.*?)(?=\n## |\Z)", re.DOTALL | re.MULTILINE)
_START = f"""# Abuses

Written by `make fuzz`. The service is started with two workers and a store of its own, and attacked
over real sockets, from the same machine. Promised is, while it is attacked: `/livez` within
{LIVEZ_MS} ms, less than {MEMORY_MB} MB for all workers, {RATE:.0%} of their rate for ten others,
who ask 500 times a second in all.
"""


def write_abuses(measurements: Sequence[Measurement], times: int) -> None:
    """Replace what the page says of abuses."""
    meanings = {abuse.name: abuse.meaning for abuse in abuses.ABUSES}
    rows = [
        f"| `{each.name}`: {meanings[each.name]} | {each.size:,} | {each.livez_99:.0f} · "
        f"{each.livez_max:.0f} ms | {each.memory:.0f} MB | {each.rate:.0%} | "
        f"{'; '.join(each.missed).replace('|', '/') or 'held'} |"
        for each in measurements
    ]
    lines = [
        f"`make fuzz ARGS=--abuses`, each at {times} times the size that was found to do harm.",
        _machine(),
        "",
        "| abuse | size | `/livez` 99 % · slowest | memory | others' rate | |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    _replace("Each abuse", lines)


def write_campaign(found: Campaign) -> None:
    """Replace what the page says of bad inputs."""
    answers = found.tally.answers
    bugs = sum(n for status, n in answers.items() if status >= 500 and status != 503)
    start, warm, end = found.memory
    lines = [
        f"`make fuzz ARGS='--inputs {found.inputs} --seed {found.seed}'`. {_machine()}",
        "",
        f"{found.inputs:,} inputs in {found.seconds:.0f} s, answered {answers.total():,} times: "
        f"{bugs} times 5xx, {answers[503]} times 503. {len(found.tally.failures)} failures; "
        f"{found.tally.slow} answers took longer than a second once, and not again. Memory: "
        f"{start:.0f} MB at the start, {warm:.0f} MB after the first 20,000, {end:.0f} MB at last.",
    ]
    _replace("Bad inputs", lines)


def _machine() -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime())
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[2]
    priority = f", the service at priority {_PRIORITY}" if _PRIORITY else ""
    return (
        f"Measured {date} on {cores} cores, whose load was {load:.1f} with others' work{priority}."
    )


def _replace(title: str, lines: Sequence[str]) -> None:
    text = PAGE.read_text("utf-8") if PAGE.exists() else _START
    sections = dict(_SECTION.findall(text))
    sections[title] = "\n".join(lines) + "\n"
    parts = [
        f"## {name}\n\n{sections[name]}"
        for name in ("Bad inputs", "Each abuse")
        if name in sections
    ]
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join((_START, *parts)), "utf-8")
