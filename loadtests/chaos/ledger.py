"""Every answer that was given, and whether what each of them promised was kept.

An answer promises a number to a tuple until a time. The promise is *lost* when the tuple was given
another number before that time, and *doubled* when another tuple was given the same number. That is
judged twice: by the times in the answers, which are the store's, and by the clock of who asks,
which nothing steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Promise(NamedTuple):
    """``tuple_`` has ``number`` (E.164) from ``since`` to ``until`` (ms of one clock)."""

    number: str
    tuple_: str
    since: int
    until: int


Broken = tuple[Promise, Promise]
"""A promise, and the later one that broke it."""


@dataclass
class Ledger:
    """The answers of one pool. ``told``: how many of them had each state.

    ``promises``: in Unix ms of the store. ``witnessed``: of assignments that were seen being made,
    in ms of the asker's monotonic clock: from when it was surely made, to when it surely stands.
    """

    promises: set[Promise] = field(default_factory=set)
    witnessed: set[Promise] = field(default_factory=set)
    told: dict[str, int] = field(default_factory=dict)

    def note(self, state: str, promise: Promise | None, witnessed: Promise | None = None) -> None:
        """Write down one answer. ``promise``: None for one that promises nothing."""
        self.told[state] = self.told.get(state, 0) + 1
        if promise is not None:
            self.promises.add(promise)
        if witnessed is not None:
            self.witnessed.add(witnessed)

    def lost(self) -> list[Broken]:
        """Tuples that were given another number while theirs was promised."""
        return self._by_either_clock(lambda one: one.tuple_, lambda one: one.number)

    def doubled(self) -> list[Broken]:
        """Numbers that were given to another tuple while they were promised to one."""
        return self._by_either_clock(lambda one: one.number, lambda one: one.tuple_)

    def _by_either_clock(
        self, key: Callable[[Promise], str], value: Callable[[Promise], str]
    ) -> list[Broken]:
        broken = list(_broken(self.promises, key, value))
        known = {(one[:2], other[:2]) for one, other in broken}
        return broken + [
            (one, other)
            for one, other in _broken(self.witnessed, key, value)
            if (one[:2], other[:2]) not in known
        ]

    def standing(self, now: int) -> list[str]:
        """The tuples to which something is promised at ``now`` (Unix ms)."""
        return sorted({promise.tuple_ for promise in self.promises if promise.until > now})


def _broken(
    promises: Iterable[Promise], key: Callable[[Promise], str], value: Callable[[Promise], str]
) -> Iterator[Broken]:
    """Yield promises of one ``key`` that another one with another ``value`` came into."""
    latest: dict[str, Promise] = {}
    for promise in sorted(promises, key=lambda one: (one.since, one.until)):
        before = latest.get(key(promise))
        if before is None or value(before) == value(promise):
            if before is None or promise.until > before.until:
                latest[key(promise)] = promise
            continue
        if promise.since < before.until:
            yield before, promise
        latest[key(promise)] = promise
