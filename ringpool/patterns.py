"""Regular expressions that are read by others than Python too."""

from __future__ import annotations


def whole(pattern: str) -> str:
    """Return a regular expression that matches a text as a whole, for msgspec and JSON Schema.

    Both search, in Python ``$`` also matches before a newline at the end, and JSON Schema has no
    ``\\Z``.
    """
    return rf"^(?:{pattern})(?!\n)$"


NO_CONTROL_PATTERN = whole("[^\x00-\x1f\x7f]*")
"""Of a text without control characters."""

CURRENCY_PATTERN = whole("[A-Z]{3}")
"""Of a currency: ISO 4217."""
