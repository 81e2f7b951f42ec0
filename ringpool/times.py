"""Times: durations as the configuration writes them, instants as programs and people write them.

Inside the service a duration is whole milliseconds and an instant Unix milliseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
}
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
_PATTERN = re.compile(r"(\d{1,9})([smhdwy])")


class Duration(int):
    """A span of time in whole milliseconds, written as one number and one unit.

    ``Duration.parse("10m") == 600_000`` and ``str(Duration(600_000)) == "10m"``; the text is the
    largest unit that divides the span, so parse and str are inverse up to that choice.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``<whole number><s|m|h|d|w|y>``; raises ValueError that describes the format."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a duration: write a number and one of s m h d w y")
        return cls(int(match[1]) * _UNITS_MS[match[2]])

    def __str__(self) -> str:
        for unit, size in _UNITS_MS.items():
            if self and self % size == 0:
                return f"{self // size}{unit}"
        return f"{self // 1000}s"


def now() -> datetime:
    """The present time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def to_unix_ms(at: datetime) -> int:
    """An aware ``datetime`` as Unix ms; raises ValueError outside of the years 1970 to 9999.

    A time without a fraction counts as the end of its second. So a call in the second in which its
    number was assigned is credited to the new holder, and a look-up at the ``assigned_at`` of an
    answer, which has whole seconds, finds that assignment.
    """
    try:
        seconds = at.timestamp()
    except OverflowError:
        seconds = -1.0
    if not 0 <= seconds < _LATEST + 1:
        raise ValueError("expected a time from 1970 to 9999")
    return int(seconds) * 1000 + (at.microsecond // 1000 if at.microsecond else 999)


def format_rfc3339(unix_ms: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC, in whole seconds rounded down."""
    return _format_seconds(unix_ms // 1000)


def rfc3339_or_nothing(unix_ms: int | None) -> str:
    """The same; "" for a time that isn't known (None or 0)."""
    return format_rfc3339(unix_ms) if unix_ms else ""


@lru_cache(maxsize=4096)
def format_rfc3339_ms(unix_ms: int) -> str:
    """Unix milliseconds as RFC 3339 in UTC, with milliseconds: for the end of what is promised.

    Numbers that were given by one call of the store's are promised until the same time.
    """
    return f"{_format_seconds(unix_ms // 1000)[:-1]}.{unix_ms % 1000:03}Z"


@lru_cache(maxsize=4096)
def _format_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
