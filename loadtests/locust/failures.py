"""What went wrong in a load run, request by request, so that an error count explains itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

_SHOWN = 20
_BODY_SHOWN = 160


class Failures:
    """Notes failed requests. ``saw`` listens to locust's; ``started`` is a monotonic time."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._count = 0
        self._lines: list[str] = []

    def saw(
        self,
        request_type: str,
        name: str,
        response_time: float,
        exception: Exception | None,
        response: Any,
        context: Mapping[str, Any],
        **_: Any,
    ) -> None:
        """Note a request if it failed: when, who asked what, and what came back."""
        if exception is None:
            return
        self._count += 1
        if len(self._lines) < _SHOWN:
            body = (getattr(response, "content", None) or b"")[:_BODY_SHOWN]
            self._lines.append(
                f"second {time.monotonic() - self._started:.1f}: "
                f"{context.get('user', 'somebody')}, {request_type} {name}: {exception!r}, "
                f"status {getattr(response, 'status_code', 0)} after {response_time:.0f} ms, "
                f"body {body!r}"
            )

    def told(self) -> Iterator[str]:
        """Yield a line a failure, the first ones; and how many more there were."""
        yield from self._lines
        if self._count > len(self._lines):
            yield f"and {self._count - len(self._lines):,} more"
