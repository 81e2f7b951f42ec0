"""Shares, spans and counts as a sentence has them."""

from __future__ import annotations

from ringpool.times import Duration


def share(value: float) -> str:
    """A share, 0 to 1, as percent: ``0.52%``, ``6.2%``, ``38.1%``."""
    return f"{value * 100:.2g}%" if value < 0.1 else f"{value * 100:.1f}%"


def span(seconds: float) -> str:
    """A span in its largest unit, rounded: ``11m``, ``2.5h``."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g}{unit}"
    return str(Duration(round(seconds) * 1000))


def numbers(count: int, kind: str = "") -> str:
    """``1 more number``, ``12 more numbers``; ``kind`` stands before the noun."""
    noun = "number" if count == 1 else "numbers"
    return f"{count:,} {kind} {noun}" if kind else f"{count:,} {noun}"
