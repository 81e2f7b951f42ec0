"""What a load run shows is judged from its seconds."""

from __future__ import annotations

import pytest

from loadtests.locust.verdicts import Second, judge, plan, table


def seconds(p95s: list[float], answers: int = 100) -> list[Second]:
    return [Second(answers=answers, took_ms=[p95] * 20) for p95 in p95s]


def test_a_spike_is_ten_times_the_users_for_ten_seconds() -> None:
    """Before and after it the load is the same."""
    spike = plan("spike", users=7, minutes=1)
    assert [spike.users_at(at) for at in (0, 19, 20, 29.9, 30, 49, 50)] == [
        *(7, 7, 70, 70, 7, 7),
        None,
    ]


@pytest.mark.parametrize(("slow_seconds", "passed"), [(0, True), (2, True), (3, False)])
def test_recovery_may_take_two_seconds(slow_seconds: int, passed: bool) -> None:
    """Then answers are as quick as before the spike."""
    took = [5.0] * 20 + [400.0] * 10 + [300.0] * slow_seconds + [6.0] * (20 - slow_seconds)
    verdicts = judge(plan("spike", users=1, minutes=1), seconds(took), [])
    assert [verdict.passed for verdict in verdicts] == [True, passed]


def test_recovered_is_two_quick_seconds_in_a_row() -> None:
    """One among slow ones isn't the end of it."""
    took = [5.0] * 20 + [400.0] * 10 + [300.0, 5.0, 300.0, 300.0] + [6.0] * 16
    verdict = judge(plan("spike", users=1, minutes=1), seconds(took), [])[1]
    assert not verdict.passed
    assert verdict.text.endswith("again 4 s after it")


MB = 1_000_000
FILLING = [80 * MB + 50_000 * second for second in range(600)]
"""Ten minutes in which caches fill, by 30 MB."""


@pytest.mark.parametrize(
    ("a_minute", "passed"), [(0, True), (-0.1, True), (0.05, True), (0.2, False), (1, False)]
)
def test_memory_must_be_flat_after_the_warm_up(a_minute: float, passed: bool) -> None:
    """Caches that fill in ten minutes are none of it; a leak of 0.2 MB a minute is found."""
    later = [110 * MB + int(a_minute * MB * second / 60) for second in range(1200)]
    later[::50] = [value + 20 * MB for value in later[::50]]  # readings that jump
    verdict = judge(plan("soak", users=1, minutes=30), seconds([1.0]), FILLING + later)[1]
    assert verdict.passed is passed


def test_a_short_soak_is_not_judged_by_memory() -> None:
    """A leak looks like caches that fill."""
    verdict = judge(plan("soak", users=1, minutes=10), seconds([1.0]), FILLING)[1]
    assert verdict.passed is None
    assert "at least 20 minutes" in verdict.text


def test_unknown_memory_fails_a_soak() -> None:
    """A soak that couldn't look has shown nothing."""
    assert judge(plan("soak", users=1, minutes=30), seconds([1.0]), [])[1].passed is False


def test_the_knee_is_where_more_users_get_no_more_answers() -> None:
    """Ten steps, the service full from the fourth on."""
    run = [
        Second(answers=100 * min(step, 4), took_ms=[float(step)])
        for step in range(1, 11)
        for _ in range(10)
    ]
    verdict = judge(plan("knee", users=10, minutes=1), run, [])[1]
    assert verdict.text == "knee: 50 users, 400 answers/s, p95 5 ms"


def test_one_error_fails_a_run() -> None:
    """Overflow isn't one: the users count it as an answer."""
    run = [Second(answers=9, errors=1, took_ms=[1.0])]
    assert not judge(plan("short", users=1, minutes=1), run, [])[0].passed


def test_errors_tell_whether_the_load_itself_was_late() -> None:
    """In their second or the one before: then the machine was busy with something else."""
    run = [Second(answers=9, held_up_ms=late) for late in (900, 300, 10, 800)]
    run[2].errors = 2
    verdict = judge(plan("short", users=1, minutes=1), run, [])[0]
    assert verdict.text == (
        "36 answers, 2 errors; the load itself came up to 300 ms late in those seconds"
    )


def test_the_table_has_a_row_for_each_step() -> None:
    """Up to the one that the run ended in."""
    run = [Second(answers=70, took_ms=[3.0], errors=second == 25) for second in range(31)]
    assert [line.split() for line in table(plan("spike", users=7, minutes=1), run)][1:] == [
        ["0-20", "7", "70", "3", "0", "0", "ms"],
        ["20-30", "70", "70", "3", "1", "0", "ms"],
        ["30-50", "7", "70", "3", "0", "0", "ms"],
    ]
