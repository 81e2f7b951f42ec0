"""One call, made of all that was told of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringpool.calls.events import CallDocument, EventKind
from ringpool.calls.states import CallRecord, CallState, Told, state_of

NUMBER = "+18885550101"
BEGAN = 1_764_000_000_000


def told(event: str, seconds: int, received: int = 0, **more: Any) -> Told:
    """An event so many seconds after the call began, which the store had ``received`` ms later."""
    at = BEGAN + seconds * 1000
    document = CallDocument(
        account="a", id="1", event=EventKind(event), number=NUMBER, at=at, **more
    )
    return Told(document=document, received_at=at + received, pool="p")


def call(*events: Told) -> CallRecord:
    """The call, the same in every order and with each event twice."""
    made = state_of(events)
    for order in itertools.permutations(events):
        assert state_of(order) == made
    assert state_of((*events, *events)) == made
    return made


def seconds(unix_ms: int) -> int | None:
    return (unix_ms - BEGAN) // 1000 if unix_ms else None


@pytest.mark.parametrize(
    ("events", "state", "times"),
    [
        ([told("started", 0)], "ringing", (0, None, None, 0)),
        ([told("started", 0), told("answered", 9)], "answered", (0, 9, None, 0)),
        (
            [told("started", 0), told("answered", 9), told("ended", 69)],
            "ended",
            (0, 9, 69, 60),
        ),
        ([told("ended", 69, duration_seconds=60)], "ended", (9, None, 69, 60)),
        ([told("ended", 69), told("outcome", 900, outcome="sale")], "ended", (69, None, 69, 0)),
        ([told("started", 0), told("missed", 30)], "missed", (0, None, 30, 30)),
        # The carrier tells of the end of a call that nobody took, too.
        ([told("missed", 30), told("started", 0), told("ended", 31)], "missed", (0, None, 31, 31)),
        # Another agent took it.
        (
            [told("missed", 20), told("answered", 25), told("ended", 85)],
            "ended",
            (20, 25, 85, 60),
        ),
        ([told("started", 0, duration_seconds=95)], "ended", (0, None, 95, 95)),
        ([told("started", 0), told("closed", 14_400)], "closed", (0, None, 14_400, 0)),
        # It was told after all.
        (
            [told("started", 0), told("closed", 14_400), told("ended", 20_000)],
            "ended",
            (0, None, 20_000, 20_000),
        ),
        # The call centre's clock is behind the carrier's.
        (
            [told("started", 0), told("answered", -3), told("ended", 60)],
            "ended",
            (0, 0, 60, 60),
        ),
        ([told("answered", 9), told("ended", 69, started_at=BEGAN)], "ended", (0, 9, 69, 60)),
    ],
)
def test_a_call_of_its_events(
    events: list[Told], state: str, times: tuple[int, int | None, int | None, int]
) -> None:
    """The state, and when it began, was answered and was over, whichever came first."""
    made = call(*events)
    found = (
        seconds(made.started_at),
        seconds(made.answered_at),
        seconds(made.ended_at),
        made.duration_seconds,
    )
    assert (made.state, found) == (CallState(state), times)


def test_who_tells_what() -> None:
    """The carrier begins, the call centre has the last word; what goes together stays together."""
    made = call(
        told("started", 0, caller_hash="c1", destination="+18885550199"),
        told("answered", 5, caller_hash="c2", destination="+18885550198"),
        told("ended", 65, outcome="hung up", amount="1", currency="EUR", sku_list=("a", "b")),
        told("outcome", 900, outcome="sale", amount="49.90", sku_list=("c",), quantity_list=(2,)),
    )
    assert (made.caller_hash, made.destination, made.outcome) == ("c1", "+18885550198", "sale")
    assert (made.amount, made.currency) == ("49.90", "")
    assert (made.skus, made.quantities) == (("c",), (2,))


def test_of_one_kind_the_first_told_counts() -> None:
    """Whoever tells another end later changes nothing."""
    made = call(told("ended", 60, 10, outcome="first"), told("ended", 50, 30_000, outcome="later"))
    assert (made.outcome, seconds(made.ended_at)) == ("first", 60)


_ONE = st.builds(
    told,
    st.sampled_from([kind.value for kind in EventKind]),
    st.integers(-100, 100_000),
    st.integers(0, 3),
    duration_seconds=st.none() | st.integers(0, 1000),
    started_at=st.just(0) | st.integers(BEGAN, BEGAN + 1000),
    caller_hash=st.sampled_from(["", "c1", "c2"]),
    amount=st.sampled_from(["", "1", "2"]),
)


@settings(max_examples=200)
@given(events=st.lists(_ONE, min_size=1, max_size=8), data=st.data())
def test_order_and_repetition_make_no_difference(events: list[Told], data: st.DataObject) -> None:
    """Whatever contradicts whatever: a call is what the set of its events is, and runs forwards."""
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=8))
    shuffled = data.draw(st.permutations([*events, *repeated]))
    made = state_of(events)
    assert state_of(shuffled) == made
    times = [made.started_at, made.answered_at, made.ended_at]
    assert sorted(time for time in times if time) == [time for time in times if time]
    assert made.duration_seconds >= 0
