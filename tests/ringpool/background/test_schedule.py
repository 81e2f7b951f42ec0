"""What is due when, in virtual time."""

from __future__ import annotations

from collections import Counter

from ringpool.background.schedule import Schedule

SPAN = 10.0


class Clock:
    """Seconds that the test counts."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_never_said_is_due() -> None:
    """In the order given; and again after everything is forgotten."""
    schedule = Schedule(SPAN, Clock())
    assert schedule.due(["b", "a"]) == ["b", "a"]
    schedule.schedule("b", 5)
    assert schedule.due(["b", "a"]) == ["a"]
    schedule.clear()
    assert schedule.due(["b", "a"]) == ["b", "a"]


def test_a_name_is_due_when_its_time_has_come() -> None:
    """Not before, and from then on until it is scheduled again; zero seconds are now."""
    clock = Clock()
    schedule = Schedule(SPAN, clock)
    schedule.schedule("a", 0)
    assert schedule.due(["a"]) == ["a"]
    schedule.schedule("a", SPAN)  # at its own offset
    while not schedule.due(["a"]):
        clock.now += 0.01
    schedule.schedule("a", 4)
    clock.now += 3.9
    assert schedule.due(["a"]) == []
    clock.now += 0.2
    assert schedule.due(["a"]) == ["a"]
    clock.now += 60
    assert schedule.due(["a"]) == ["a"]


def test_every_name_is_due_once_in_a_span_and_they_are_spread() -> None:
    """However far ahead it is put off, and though all were due at the same time at first."""
    clock = Clock()
    schedule = Schedule(SPAN, clock)
    names = [f"n{i}" for i in range(1000)]
    times: Counter[str] = Counter()
    for second in range(101):
        due = schedule.due(names)
        if second:
            assert 40 < len(due) < 180
            times.update(due)
        for name in due:
            schedule.schedule(name, 3600)
        clock.now += 1
    assert {times[name] for name in names} == {10}
