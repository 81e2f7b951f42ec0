"""When each of many things is to be looked at next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable


class Schedule:
    """Names and their times, in seconds; a name is due until ``again`` says when it is next.

    Each name has a moment of its own in every ``span`` seconds at which it is due whatever was
    said, so that none is forgotten and those with nothing to do are spread over the span.
    """

    def __init__(self, span: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._span = span
        self._clock = clock
        self._next: dict[str, float] = {}

    def among(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are due, in their order."""
        now = self._clock()
        return [name for name in names if self._next.get(name, now) <= now]

    def again(self, name: str, seconds: float) -> None:
        """Look at it again in so many seconds, or at its own moment when that comes first."""
        now = self._clock()
        moment = hash(name) % 1000 / 1000 * self._span
        to_moment = self._span - (now - moment) % self._span
        self._next[name] = now + min(seconds, to_moment)

    def forget(self) -> None:
        """Forget what was said: every name is due."""
        self._next.clear()
