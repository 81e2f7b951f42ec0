"""Responses that may be repeated while the guarantees in them last.

Most requests repeat an earlier one: the same text, under the same configuration, for numbers that
are known to be held. What follows from these (account, pools, tuples, answer) is computed once and
remembered. The click is counted every time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

from msgspec import Struct

from allocator.answers import Attributes
from allocator.worker.cache import AssignmentCache, CachedAssignment, HeldAnswer
from allocator.worker.lru import ByteBoundedLRU
from ringpool.catalog.snapshot import Snapshot

_ENTRY_BYTES = 1000
"""About what an entry takes, without its key's and answer's texts and its attributes: 670 for a
link, 970 for a number, 1,020 for a page (tracemalloc, Python 3.11)."""

_A = TypeVar("_A")
_K = TypeVar("_K", bound=Hashable)


class Computed(Struct, Generic[_A], frozen=True):
    """A computed answer, and what it depends on.

    ``held``: the allocator's answers in it, all of them held: as long as these assignments stand,
    everybody whose request has the same key gets this answer. None: it is for this request alone.
    ``size``: bytes of the key's and the answer's texts. ``attributes``: those of every click with
    this key, where they don't differ. ``valid_seconds``: how long the answer is right, where that
    is shorter than the guarantees.
    """

    answer: _A
    held: Sequence[HeldAnswer] | None = None
    size: int = 0
    attributes: bytes = b""
    valid_seconds: float = math.inf


class _Entry:
    __slots__ = ("answer", "assignments", "attributes", "expires", "size")

    def __init__(
        self,
        answer: object,
        assignments: Sequence[tuple[CachedAssignment, int]],
        attributes: bytes,
        expires: float,
        size: int,
    ) -> None:
        self.answer = answer
        self.assignments = assignments  # each with the end of its guarantee that the answer states
        self.attributes = attributes
        self.expires = expires
        self.size = size


class ResponseCache:
    """Answers by key; those used least recently are dropped when ``max_bytes`` are reached.

    A key holds all of a request that its answer depends on. Keys are structs, each endpoint's of a
    class of its own, so that they never equal one another's: one cache, and one bound, serves all.
    """

    def __init__(
        self,
        assignments: AssignmentCache,
        *,
        max_bytes: int = 96 << 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record_click = assignments.record_click
        self._clock = clock
        self._snapshot: Snapshot | None = None  # under which everything remembered was computed
        self._entries: ByteBoundedLRU[Hashable, _Entry]
        self._entries = ByteBoundedLRU(max_bytes, attrgetter("size"))

    async def answer(
        self,
        key: Hashable,
        snapshot: Snapshot,
        compute: Callable[[Snapshot], Awaitable[Computed[_A]]],
        attributes: Attributes = b"",
    ) -> _A:
        """The remembered answer with this click counted, else a computed one.

        ``attributes``: this click's, where they aren't the same every time. ``compute`` gets the
        snapshot, and counts the click itself by allocating. Raises what it raises.
        """
        answer: _A | None = self.get(key, snapshot, attributes)
        if answer is not None:
            return answer
        computed = await compute(snapshot)
        self.put(key, snapshot, computed)
        return computed.answer

    async def answer_many(
        self,
        keys: Sequence[_K],
        snapshot: Snapshot,
        compute: Callable[[Sequence[_K], Snapshot], Awaitable[Sequence[Computed[_A]]]],
    ) -> list[_A]:
        """As ``answer``, for many requests at once; answers stand in the order of their keys.

        ``compute`` gets the keys whose answers aren't remembered, if there are any.
        """
        answers = [self.get(key, snapshot) for key in keys]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        if missing:
            computed = await compute([keys[place] for place in missing], snapshot)
            for place, each in zip(missing, computed, strict=True):
                self.put(keys[place], snapshot, each)
                answers[place] = each.answer
        return answers

    def get(self, key: Hashable, snapshot: Snapshot, attributes: Attributes = b"") -> Any:
        """The remembered answer with this click counted; None when there is none that is right.

        A guarantee that was extended since isn't what the answer states, so it is computed again.
        """
        if snapshot is not self._snapshot:
            # All at once: entries that nobody asks for again would keep every former snapshot.
            self._snapshot = snapshot
            self._entries.clear()
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        current = entry.expires > now
        for assignment, until in entry.assignments:
            if assignment.expires <= now or assignment.guaranteed_until != until:
                current = False
        if not current:
            self._entries.discard(key)
            return None
        for assignment, _ in entry.assignments:
            self._record_click(assignment, attributes or entry.attributes)
        return entry.answer

    def put(self, key: Hashable, snapshot: Snapshot, computed: Computed[Any]) -> None:
        """Remember an answer, if others may get it and the configuration hasn't changed since."""
        if computed.held is None or snapshot is not self._snapshot:
            return
        entry = _Entry(
            computed.answer,
            [(held.assignment, held.guaranteed_until) for held in computed.held],
            computed.attributes,
            self._clock() + computed.valid_seconds,
            _ENTRY_BYTES + computed.size + len(computed.attributes),
        )
        self._entries.put(key, entry)
