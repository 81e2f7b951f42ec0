"""The question of a pool's size, and its answer."""

from __future__ import annotations

from msgspec import Struct

from ringpool.faults import Fault
from ringpool.sizing import erlang, lifetime, load

MAX_KEYWORDS = 1_000_000

_STEADY = 1e-6
"""A peakedness: the load is always the same, as far as anyone can tell."""


class Traffic(Struct, frozen=True, kw_only=True):
    """What comes to a pool.

    ``clicks``: a second, on average. ``peak``: the busiest hour next to the average. ``distinct``:
    the share of clicks, 0 to 1, that bring a tuple of their own. ``keywords``: so many tuples that
    the others are of, the k-th as busy as 1 / k^``zipf`` says; 0: the others come again after one
    of their own. ``peakedness``: how much more the load varies than at random (``erlang``): 1 where
    visitors know nothing of one another.
    """

    clicks: float
    peak: float = 1.0
    distinct: float = 1.0
    keywords: int = 0
    zipf: float = 1.0
    peakedness: float = 1.0

    @property
    def busy_clicks(self) -> float:
        """Clicks a second at the peak."""
        return self.clicks * self.peak


class Question(Struct, frozen=True, kw_only=True):
    """``seconds``: the minimum duration. ``renewed``: clicks renew it (`hold_on_activity`).
    ``extension``: for how many seconds longer than that a tuple of its own has its number on
    average, where activity renews it: from the first click of a visit to its last click or ping.

    ``overflow``: the share of new tuples, between 0 and 1, that may find no number. ``numbers``:
    how many there are; None: as many as are needed. ``call_delay``: seconds from click to call, on
    average; None: nothing is said of calls.
    """

    traffic: Traffic
    seconds: float
    renewed: bool = True
    extension: float = 0.0
    overflow: float = 0.01
    numbers: int | None = None
    call_delay: float | None = None


class Sizing(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``load``: numbers that would be taken at a time if there were enough, on average (erlangs).

    ``needed``: the fewest numbers with which no more than the overflow asked for comes. Of
    ``numbers``: ``overflow``, the share of new tuples that finds none; ``life_seconds``, for how
    long a tuple has its number on average once all are in use; ``late_calls``, the share of calls
    that come when theirs may have moved on, at most: after the minimum duration, and
    ``late_calls_mean`` after the mean life.
    """

    load: float
    needed: int
    numbers: int
    overflow: float
    life_seconds: float
    late_calls: float | None = None
    late_calls_mean: float | None = None


def check(question: Question) -> None:
    """Raise a Fault that names what can't be."""
    traffic = question.traffic
    for name, value in (
        ("clicks", traffic.clicks),
        ("peak", traffic.peak),
        ("min_duration", question.seconds),
        ("zipf", traffic.zipf),
    ):
        if not 0 < value < 1e12:
            raise Fault(name, "must be above 0")
    if not 0 <= traffic.distinct <= 1:
        raise Fault("distinct", "is a share: 1 (100%) at most")
    if not (traffic.distinct or traffic.keywords):
        raise Fault("distinct", "must be above 0: nothing else brings tuples")
    if not 0 <= traffic.keywords <= MAX_KEYWORDS:
        raise Fault("keywords", f"must be from 1 to {MAX_KEYWORDS:,}")
    if not 1 <= traffic.peakedness <= 1000:
        raise Fault("peakedness", "must be from 1 (no bursts) to 1000")
    if not 1e-9 <= question.overflow < 1:
        raise Fault("overflow", "is a share: above 0, and below 1 (100%)")
    if question.numbers is not None and not 1 <= question.numbers <= erlang.MOST_NUMBERS:
        raise Fault("numbers", f"must be from 1 to {erlang.MOST_NUMBERS:,}")
    if question.call_delay is not None and not 0 < question.call_delay < 1e12:
        raise Fault("call_delay", "must be above 0")
    if not 0 <= question.extension < 1e12:
        raise Fault("extension", "must be 0 or above")
    if question.extension and not question.renewed:
        raise Fault("extension", "nothing is longer where activity renews nothing")


def load_of(question: Question) -> load.Load:
    """Return the load on the pool at the peak."""
    traffic, seconds = question.traffic, question.seconds
    taken_for = seconds + question.extension
    new = load.of_new_tuples(traffic.busy_clicks, traffic.distinct, taken_for)
    if not traffic.keywords:
        return new
    others = traffic.busy_clicks * (1 - traffic.distinct)
    rates = load.zipf_rates(others, traffic.keywords, traffic.zipf)
    return load.together(new, load.of_tuples(rates, seconds, renewed=question.renewed))


def size(question: Question) -> Sizing:
    """Answer a question; raises a Fault that names what can't be."""
    check(question)
    offered, begun, natural = load_of(question)
    peakedness = max(_STEADY, natural * question.traffic.peakedness)
    if offered > erlang.MOST_NUMBERS:
        raise Fault("clicks", f"more than {erlang.MOST_NUMBERS:,} numbers would be needed")
    needed = erlang.uneven_numbers_for(offered, peakedness, question.overflow)
    numbers = needed if question.numbers is None else question.numbers
    blocked = erlang.uneven_blocking(offered, peakedness, numbers)
    life = lifetime.mean_seconds(numbers, begun, blocked)
    late = late_mean = None
    if question.call_delay is not None:
        late = lifetime.late_share(question.seconds, question.call_delay)
        late_mean = lifetime.late_share(max(life, question.seconds), question.call_delay)
    return Sizing(
        load=offered,
        needed=needed,
        numbers=numbers,
        overflow=blocked,
        life_seconds=life,
        late_calls=late,
        late_calls_mean=late_mean,
    )
