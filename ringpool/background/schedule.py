"""When each of many things has to be looked at next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable


class Schedule:
    """Names and when each is due next; a name that was never scheduled is due.

    Whatever was scheduled, each name is due once in every ``span`` seconds, at its own offset: so
    none is forgotten, and names with nothing to do are spread over the span.
    """

    def __init__(self, span: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._span = span
        self._clock = clock
        self._next: dict[str, float] = {}

    def due(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are due, in their order."""
        now = self._clock()
        return [name for name in names if self._next.get(name, now) <= now]

    def schedule(self, name: str, seconds: float) -> None:
        """Make a name due in ``seconds``, or at its own offset in the span if that is sooner."""
        now = self._clock()
        offset = hash(name) % 1000 / 1000 * self._span
        until_offset = self._span - (now - offset) % self._span
        self._next[name] = now + min(seconds, until_offset)

    def clear(self) -> None:
        """Make every name due."""
        self._next.clear()
