"""The chaos run: what its ledger tells, and one round of real processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loadtests.chaos.ledger import Ledger, Promise

A, B = "+12010000001", "+12010000002"


@pytest.mark.parametrize(
    ("promises", "lost", "doubled"),
    [
        ([Promise(A, "one", 0, 100), Promise(A, "one", 0, 100)], 0, 0),  # told again
        ([Promise(A, "one", 0, 100), Promise(A, "two", 100, 200)], 0, 0),  # recycled in time
        ([Promise(A, "one", 0, 100), Promise(A, "two", 99, 199)], 0, 1),
        ([Promise(A, "one", 0, 100), Promise(B, "one", 99, 199)], 1, 0),
        ([Promise(A, "one", 0, 100), Promise(B, "one", 100, 200)], 0, 0),
        # Two others come into one promise, of which the second is all over before the first ends.
        (
            [Promise(A, "one", 0, 100), Promise(A, "two", 10, 20), Promise(A, "one", 30, 130)],
            0,
            1,
        ),
    ],
)
def test_a_broken_promise_is_found(promises: list[Promise], lost: int, doubled: int) -> None:
    """Whatever order the answers came in."""
    for order in (promises, promises[::-1]):
        ledger = Ledger()
        for promise in order:
            ledger.note("new", promise)
        assert (len(ledger.lost()), len(ledger.doubled())) == (lost, doubled)


def test_a_round_of_real_processes_keeps_every_promise() -> None:
    """The shortest fault, by the command that runs them all."""
    command = [
        sys.executable,
        "-m",
        "loadtests.chaos",
        "--rounds",
        "1",
        "--only",
        "store killed · e",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| store killed | embedded | - | 1 |" in done.stdout
