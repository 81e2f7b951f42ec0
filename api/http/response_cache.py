"""Answers that may be given again, while the guarantees in them last.

Most requests ask what was asked before. What that text means was worked out once: the account, the
pools, the tuples, the reply. It is good for as long as the configuration is the same snapshot and
the numbers are known to be held; the click is counted every time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from allocator.answers import Attributes
from allocator.worker.cache import AssignmentCache, CachedAssignment
from ringpool.catalog.snapshot import Snapshot

_ENTRY_BYTES = 1000
"""About what an entry takes, the text asked, the answer and attributes apart: 530 for a link, 860
for a number, 1,020 for a page (tracemalloc, Python 3.11)."""

_A = TypeVar("_A")


class _Repeat(Generic[_A]):
    __slots__ = ("answer", "attributes", "expires", "held", "size", "untils")

    def __init__(
        self,
        held: Sequence[CachedAssignment],
        attributes: bytes,
        answer: _A,
        size: int,
        expires: float,
    ) -> None:
        self.held = held
        self.untils = [each.guaranteed_until for each in held]
        self.attributes = attributes
        self.answer = answer
        self.size = size
        self.expires = expires


class ResponseCache(Generic[_A]):
    """Answers by what was asked; those least recently given go when ``most_bytes`` are reached."""

    def __init__(
        self,
        answers: AssignmentCache,
        *,
        most_bytes: int = 32 << 20,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answers = answers
        self._most_bytes = most_bytes
        self._clock = clock
        self._bytes = 0
        self._directory: Snapshot | None = None  # under which all that is kept was asked
        self._kept: dict[Hashable, _Repeat[_A]] = {}

    def give(self, asked: Hashable, directory: Snapshot, attributes: Attributes = b"") -> _A | None:
        """The answer to what was asked before, its click counted; None when it isn't good now.

        ``attributes``: this click's, if they aren't the same every time. A guarantee that has
        become longer since isn't what the answer says: it is made anew.
        """
        if directory is not self._directory:
            # All at once: what nobody asks again would keep every former snapshot in memory.
            self._directory, self._bytes = directory, 0
            self._kept.clear()
        kept = self._kept.pop(asked, None)
        if kept is None:
            return None
        if not self._stands(kept):
            self._bytes -= kept.size
            return None
        for held in kept.held:
            self._answers.record_click(held, attributes or kept.attributes)
        self._kept[asked] = kept
        return kept.answer

    def keep(
        self,
        asked: Hashable,
        directory: Snapshot,
        held: Sequence[CachedAssignment],
        answer: _A,
        answer_bytes: int,
        attributes: bytes = b"",
        good_for: float = math.inf,
    ) -> None:
        """Keep an answer that says all of ``held``.

        Not if the configuration has changed since ``give`` was asked for it.

        ``answer_bytes``: how long what is asked and answered is. ``good_for``: seconds after which
        it isn't right any more, though the numbers are still held.
        """
        if directory is not self._directory:
            return
        size = _ENTRY_BYTES + answer_bytes + len(attributes)
        before = self._kept.pop(asked, None)
        if before is not None:
            self._bytes -= before.size
        self._kept[asked] = _Repeat(held, attributes, answer, size, self._clock() + good_for)
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._bytes -= self._kept.pop(next(iter(self._kept))).size

    def _stands(self, kept: _Repeat[_A]) -> bool:
        now = self._clock()
        if kept.expires <= now:
            return False
        for held, until in zip(kept.held, kept.untils, strict=True):
            if held.expires <= now or held.guaranteed_until != until:
                return False
        return True
