"""Moments as people, carriers and programs write them, to Unix milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime

_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def milliseconds(at: datetime) -> int:
    """An aware ``datetime`` as Unix ms; raises ValueError outside of the years 1970 to 9999.

    Without a fraction it stands for that whole second and counts as its end. So a call in the
    second in which its number was assigned is its new holder's, and whoever asks about the
    ``assigned_at`` that an answer gave, in whole seconds too, finds that assignment.
    """
    try:
        seconds = at.timestamp()
    except OverflowError:
        seconds = -1.0
    if not 0 <= seconds < _LATEST + 1:
        raise ValueError("expected a time from 1970 to 9999")
    return int(seconds) * 1000 + (at.microsecond // 1000 if at.microsecond else 999)
