"""What a load run shows is judged from its seconds."""

from __future__ import annotations

import pytest

from loadtests.verdicts import Second, judge, plan


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


@pytest.mark.parametrize(("late", "passed"), [(101, True), (110, False)])
def test_memory_must_be_flat_once_caches_are_full(late: int, passed: bool) -> None:
    """The last quarter is compared with the second; growth in the first is none."""
    memory = [50] * 10 + [100] * 20 + [late] * 10
    assert judge(plan("soak", users=1, minutes=1), seconds([1.0]), memory)[1].passed is passed


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
