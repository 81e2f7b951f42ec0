"""What went wrong in a load run, request by request, so that an error count explains itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

_SHOWN = 20
_BODY_SHOWN = 160


class Failures:
    """Records failed requests. ``record`` is a listener of locust's request event.

    ``started``: when the run began, a monotonic time.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._count = 0
        self._lines: list[str] = []

    def record(
        self,
        request_type: str,
        name: str,
        response_time: float,
        exception: Exception | None,
        response: Any,
        context: Mapping[str, Any],
        **_: Any,
    ) -> None:
        """Keep a request if it failed: when, which user, what it asked for, what came back."""
        if exception is None:
            return
        self._count += 1
        if len(self._lines) < _SHOWN:
            body = (getattr(response, "content", None) or b"")[:_BODY_SHOWN]
            self._lines.append(
                f"second {time.monotonic() - self._started:.1f}: "
                f"{context.get('user', 'unknown user')}, {request_type} {name}: {exception!r}, "
                f"status {getattr(response, 'status_code', 0)} after {response_time:.0f} ms, "
                f"body {body!r}"
            )

    def report(self) -> Iterator[str]:
        """Yield one text for each of the first failures, and how many more there were."""
        yield from self._lines
        if self._count > len(self._lines):
            yield f"and {self._count - len(self._lines):,} more"
