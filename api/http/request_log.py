"""Which requests have a line in the log: each change by a manager, of all others a sample.

Anyone can cause any number of refusals. A line for each would cost more than its answer, and fill
the disk; ``/metrics`` counts them all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic

import structlog

SAMPLE = 100
"""Lines of a worker in ``WINDOW_SECONDS``; what comes after them is counted in one line."""

WINDOW_SECONDS = 60.0

log = structlog.get_logger("ringpool.http")


class RequestLog:
    """The lines of one worker."""

    def __init__(self) -> None:
        self._left = 0
        self._ends = 0.0
        self._counted: Counter[str] = Counter()

    def has_line(self, endpoint: str, status: int, path: str) -> bool:
        """Whether this request is to be logged; one that isn't is counted for the window's end."""
        if status < 400 and path.startswith("/admin/"):  # who may do that is known
            return True
        now = monotonic()
        if now >= self._ends:
            self._left, self._ends = SAMPLE, now + WINDOW_SECONDS
        if self._left:
            self._left -= 1
            return True
        if not self._counted:
            asyncio.get_running_loop().call_later(self._ends - now, self._tell)
        self._counted[f"{endpoint} {status}"] += 1
        return False

    def _tell(self) -> None:
        log.info("requests_without_line", counts=dict(self._counted.most_common()))
        self._counted.clear()
