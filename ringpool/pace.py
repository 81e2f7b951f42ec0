"""How fast something may go: so many percent in each span, written ``10% / 5m``."""

from __future__ import annotations

import re
from typing import NamedTuple

from ringpool.times import Duration

PATTERN = r"(?:100|[1-9][0-9]?)% ?/ ?[1-9][0-9]{0,5}[mhdw]"
"""Of a pace, for JSON Schema too. The span is a minute at least."""

WORDS = {"hourly": "10% / 1h", "daily": "10% / 1d", "weekly": "10% / 1w", "never": ""}
"""Words for some, and for none."""

_PARTS = re.compile(r"(\d+)% ?/ ?(\w+)")


class Pace(NamedTuple):
    """``percent`` of something in each ``span_ms``."""

    percent: int
    span_ms: int

    def of(self, whole: int) -> int:
        """How many of so many things that is: rounded down, one at least."""
        return max(1, whole * self.percent // 100)


def parse(text: str) -> Pace | None:
    """Read a pace, or the word for one; None for ``never``. Raises ValueError."""
    text = WORDS.get(text, text)
    if not text:
        return None
    match = _PARTS.fullmatch(text)
    if match is None or re.fullmatch(PATTERN, text) is None:
        raise ValueError(f"{text!r} is not a share and a span such as 10% / 5m")
    return Pace(int(match[1]), int(Duration.parse(match[2])))
