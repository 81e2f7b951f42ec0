"""Durations as people write them in the configuration: ``10m``, ``36h``, ``10y``."""

from __future__ import annotations

import re

_UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
}
_PATTERN = re.compile(r"(\d{1,9})([smhdwy])")


class Duration(int):
    """A span of time in whole milliseconds, written as one number and one unit.

    ``Duration.parse("10m") == 600_000`` and ``str(Duration(600_000)) == "10m"``; the text is the
    largest unit that divides the span, so parse and str are inverse up to that choice.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``<whole number><s|m|h|d|w|y>``; raises ValueError that says what is expected."""
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a duration: write a number and one of s m h d w y")
        return cls(int(match[1]) * _UNITS_MS[match[2]])

    def __str__(self) -> str:
        for unit, size in _UNITS_MS.items():
            if self and self % size == 0:
                return f"{self // size}{unit}"
        return f"{self // 1000}s"
